namespace CcwFs.Fuse;

/// <summary>Attributes of a node (struct fuse_attr of linux/fuse.h, without what this file system has no use for).</summary>
public struct FuseAttr
{
    /// <summary>Inode number.</summary>
    public ulong Node;

    /// <summary>Size in bytes.</summary>
    public ulong Size;

    /// <summary>Modification, change and access time, nanoseconds since the epoch.</summary>
    public long TimeNs;

    /// <summary>Type and permissions (S_IFREG | 0600 ...).</summary>
    public uint Mode;

    /// <summary>Hard links.</summary>
    public uint Links;

    /// <summary>Owner.</summary>
    public uint Uid;

    /// <summary>Group.</summary>
    public uint Gid;
}

/// <summary>A LOOKUP's answer.</summary>
public struct FuseEntry
{
    /// <summary>Node id; never 0, and never used again: its generation is always 0.</summary>
    public ulong Node;

    /// <summary>How long the name may be cached, nanoseconds.</summary>
    public long EntryValidNs;

    /// <summary>How long the attributes may be cached, nanoseconds.</summary>
    public long AttrValidNs;

    /// <summary>Attributes.</summary>
    public FuseAttr Attr;
}

/// <summary>What SETATTR wants changed.</summary>
public struct FuseSetAttr
{
    /// <summary>Which fields count: FATTR_* of linux/fuse.h.</summary>
    public uint Valid;

    /// <summary>New size.</summary>
    public ulong Size;

    /// <summary>New mode.</summary>
    public uint Mode;

    /// <summary>New owner.</summary>
    public uint Uid;

    /// <summary>New group.</summary>
    public uint Gid;

    /// <summary>FATTR_MODE.</summary>
    public const uint ValidMode = 1 << 0;

    /// <summary>FATTR_UID.</summary>
    public const uint ValidUid = 1 << 1;

    /// <summary>FATTR_GID.</summary>
    public const uint ValidGid = 1 << 2;
}

/// <summary>An OPEN's answer.</summary>
public struct FuseOpened
{
    /// <summary>The handle that later operations carry.</summary>
    public ulong Handle;

    /// <summary>FOPEN_* of linux/fuse.h.</summary>
    public uint Flags;

    /// <summary>FOPEN_DIRECT_IO: no page cache; sizes and offsets as the caller gave them.</summary>
    public const uint DirectIo = 1 << 0;

    /// <summary>FOPEN_NONSEEKABLE.</summary>
    public const uint NonSeekable = 1 << 2;

    /// <summary>FOPEN_STREAM: no file position.</summary>
    public const uint Stream = 1 << 4;

    /// <summary>
    /// FOPEN_NOFLUSH (7.35; older kernels pass over it): a close asks nothing. A server that has a file of its own mount open, as one has who takes a
    /// descriptor out of a client, and is killed then would wait at its end for its own answer, for ever.
    /// </summary>
    public const uint NoFlush = 1 << 5;
}

/// <summary>A STATFS's answer.</summary>
public struct FuseStatFs
{
    /// <summary>Block size.</summary>
    public uint BlockSize;

    /// <summary>Blocks.</summary>
    public ulong Blocks;

    /// <summary>Free blocks.</summary>
    public ulong BlocksFree;

    /// <summary>Nodes.</summary>
    public ulong Files;

    /// <summary>Longest name.</summary>
    public uint NameLength;
}
