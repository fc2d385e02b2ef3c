namespace CcwFs.FileSystem;

/// <summary>Who owns the tree and may use it.</summary>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="FileMode">
/// Permission bits of writable files; read-only files lose the write bits, directories gain search where there is read, and files whose reading takes
/// something away are read by those alone who may write.
/// </param>
public readonly record struct TreeOwner(uint Uid, uint Gid, uint FileMode);
