namespace CcwFs.FileSystem.Files;

/// <summary>One name in an open directory.</summary>
/// <param name="Name">Bytes.</param>
/// <param name="Node">Its node, which may be gone when it is read.</param>
/// <param name="Type">S_IFDIR, S_IFREG or S_IFLNK.</param>
internal readonly record struct DirectoryName(byte[] Name, NodeId Node, uint Type);
