namespace CcwFs.Fuse;

/// <summary>Who asks, and about which node.</summary>
public readonly struct FuseRequest
{
}
