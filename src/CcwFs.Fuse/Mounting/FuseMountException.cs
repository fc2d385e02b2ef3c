namespace CcwFs.Fuse;

/// <summary>A mount or unmount that did not work; the message is one line: what failed, why, what to do.</summary>
public sealed class FuseMountException(string message) : Exception(message);
