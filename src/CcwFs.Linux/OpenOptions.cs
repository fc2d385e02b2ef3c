namespace CcwFs.Linux;

/// <summary>open(2) flags; the numbers are those of asm-generic/fcntl.h, which x86_64 and s390x share.</summary>
[Flags]
public enum OpenOptions
{
    /// <summary>O_RDONLY.</summary>
    ReadOnly = 0,

    /// <summary>O_WRONLY.</summary>
    WriteOnly = 1,

    /// <summary>O_RDWR.</summary>
    ReadWrite = 2,

    /// <summary>O_CREAT.</summary>
    Create = 0x40,

    /// <summary>O_EXCL.</summary>
    Exclusive = 0x80,

    /// <summary>O_TRUNC.</summary>
    Truncate = 0x200,

    /// <summary>O_APPEND.</summary>
    Append = 0x400,

    /// <summary>O_NONBLOCK.</summary>
    NonBlocking = 0x800,

    /// <summary>O_DIRECT: only aligned reads and writes.</summary>
    Direct = 0x4000,

    /// <summary>O_DIRECTORY.</summary>
    Directory = 0x10000,

    /// <summary>O_NOFOLLOW.</summary>
    NoFollow = 0x20000,

    /// <summary>O_PATH: a name for the file, no right to its bytes.</summary>
    PathOnly = 0x200000,

    /// <summary>O_TMPFILE: a new file without a name, in the directory that the path names.</summary>
    Unnamed = 0x400000 | Directory,
}
