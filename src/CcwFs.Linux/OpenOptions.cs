using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>
/// open(2) flags; the numbers are those of asm-generic/fcntl.h. Where an architecture has others, <see cref="KernelFlags"/> exchanges them.
/// </summary>
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

/// <summary><see cref="OpenOptions"/> as the kernel of a machine has them.</summary>
internal static class KernelFlags
{
    private static readonly (OpenOptions Option, KernelNumber Number)[] s_own =
    [
        (OpenOptions.Direct, KernelNumbers.OpenDirect),
        (OpenOptions.Directory, KernelNumbers.OpenDirectory),
        (OpenOptions.NoFollow, KernelNumbers.OpenNoFollow),
    ];

    /// <summary>The bits in which architectures differ. One that is none of the above is O_LARGEFILE, which only the kernel sets.</summary>
    private const int Differing = 0x3C000;

    /// <summary>Flags for open(2) on this machine.</summary>
    internal static int Of(OpenOptions options) => Of(options, RuntimeInformation.ProcessArchitecture);

    /// <summary>The same on a machine of an architecture.</summary>
    internal static int Of(OpenOptions options, Architecture architecture)
    {
        int flags = (int)options & ~Differing;
        foreach ((OpenOptions option, KernelNumber number) in s_own)
            flags |= (options & option) == 0 ? 0 : number.Of(architecture);
        return flags;
    }

    /// <summary>What the kernel of this machine says of an open file, as options.</summary>
    internal static OpenOptions OptionsOf(int flags) => OptionsOf(flags, RuntimeInformation.ProcessArchitecture);

    /// <summary>The same on a machine of an architecture.</summary>
    internal static OpenOptions OptionsOf(int flags, Architecture architecture)
    {
        var options = (OpenOptions)(flags & ~Differing);
        foreach ((OpenOptions option, KernelNumber number) in s_own)
            options |= (flags & number.Of(architecture)) == 0 ? 0 : option;
        return options;
    }
}
