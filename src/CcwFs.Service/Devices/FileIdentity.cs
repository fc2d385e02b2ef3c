namespace CcwFs.Service.Devices;

/// <summary>A file as the kernel knows it, whatever path leads there.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode);
