namespace CcwFs.Fuse;

/// <summary>Takes the entries of a directory into a reply.</summary>
public ref struct FuseDirectoryWriter
{
}
