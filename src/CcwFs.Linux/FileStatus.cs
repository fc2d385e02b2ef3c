namespace CcwFs.Linux;

/// <summary>What statx(2) says of a file.</summary>
/// <param name="Device">major &lt;&lt; 32 | minor of the device that holds it.</param>
/// <param name="Inode">Inode number; with <paramref name="Device"/> the file's identity.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="Mode">Type and permissions (S_IF* | bits).</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="Blocks">Blocks of 512 bytes in use.</param>
/// <param name="RawDevice">major &lt;&lt; 32 | minor that a device node stands for.</param>
public readonly record struct FileStatus(ulong Device, ulong Inode, long Size, uint Mode, uint Uid, uint Gid, ulong Blocks, ulong RawDevice)
{
    /// <summary>S_IFMT: the file-type bits of <see cref="Mode"/>.</summary>
    public const uint TypeMask = 0xF000;

    /// <summary>S_IFDIR.</summary>
    public const uint TypeDirectory = 0x4000;

    /// <summary>S_IFREG.</summary>
    public const uint TypeRegular = 0x8000;

    /// <summary>S_IFIFO.</summary>
    public const uint TypeFifo = 0x1000;

    /// <summary>S_IFCHR.</summary>
    public const uint TypeCharacterDevice = 0x2000;

    /// <summary>S_IFBLK.</summary>
    public const uint TypeBlockDevice = 0x6000;

    /// <summary>S_IFLNK.</summary>
    public const uint TypeLink = 0xA000;

    /// <summary>S_IFSOCK.</summary>
    public const uint TypeSocket = 0xC000;

    /// <summary>Bytes of a block in <see cref="Blocks"/>.</summary>
    public const int BlockSize = 512;

    /// <summary>Names that the file has.</summary>
    public uint Links { get; init; }

    /// <summary>Time of the last change of bytes or attributes (ctime), in nanoseconds since 1970: no program can set it.</summary>
    public long ChangedAt { get; init; }

    /// <summary>The type bits.</summary>
    public uint Type => Mode & TypeMask;
}
