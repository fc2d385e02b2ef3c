using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>
/// A number of the kernel's interface that is not the same on every architecture, or need not be: a row with a column for each that ccwfs runs on.
/// </summary>
/// <param name="Name">The C expression that has this value.</param>
/// <param name="X64">On x86-64.</param>
/// <param name="Arm64">On arm64.</param>
/// <param name="S390x">On s390x.</param>
internal sealed record KernelNumber(string Name, int X64, int Arm64, int S390x)
{
    /// <summary>On this machine.</summary>
    internal int Value => Of(RuntimeInformation.ProcessArchitecture);

    /// <summary>On a machine of this architecture.</summary>
    internal int Of(Architecture architecture) => architecture switch
    {
        Architecture.X64 => X64,
        Architecture.Arm64 => Arm64,
        Architecture.S390x => S390x,
        _ => throw new PlatformNotSupportedException($"{Name}: {MachineKind.Problem(architecture)}"),
    };
}

/// <summary>
/// All that differs between architectures. System calls by their numbers take nothing else (<see cref="LibC.SystemCall"/>), so that none can be added
/// for one architecture alone. What is a constant elsewhere in this room is the same on all three.
/// </summary>
internal static class KernelNumbers
{
    // Calls for which the C library has no function, or one that changes all threads of the process (asm/unistd.h).
    // Those from Linux 5.1 on have one number everywhere.
    internal static readonly KernelNumber
        SetGroups = new("__NR_setgroups", 116, 159, 206),
        SetFsUid = new("__NR_setfsuid", 122, 151, 215),
        SetFsGid = new("__NR_setfsgid", 123, 152, 216),
        GetCapabilities = new("__NR_capget", 125, 90, 184),
        SetCapabilities = new("__NR_capset", 126, 91, 185),
        AsyncSetup = new("__NR_io_setup", 206, 0, 243),
        AsyncDestroy = new("__NR_io_destroy", 207, 1, 244),
        AsyncGetEvents = new("__NR_io_getevents", 208, 4, 245),
        AsyncSubmit = new("__NR_io_submit", 209, 2, 246),
        RingSetup = new("__NR_io_uring_setup", 425, 425, 425),
        RingEnter = new("__NR_io_uring_enter", 426, 426, 426),
        RingRegister = new("__NR_io_uring_register", 427, 427, 427),
        PidFdOpen = new("__NR_pidfd_open", 434, 434, 434),
        OpenAt2 = new("__NR_openat2", 437, 437, 437),
        PidFdGetFd = new("__NR_pidfd_getfd", 438, 438, 438);

    // Flags of open(2) (asm/fcntl.h): arm64 has exchanged these with others.
    internal static readonly KernelNumber
        OpenDirect = new("O_DIRECT", 0x4000, 0x10000, 0x4000),
        OpenDirectory = new("O_DIRECTORY", 0x10000, 0x4000, 0x10000),
        OpenNoFollow = new("O_NOFOLLOW", 0x20000, 0x8000, 0x20000);

    // Bytes of the first member of struct statfs (asm/statfs.h).
    internal static readonly KernelNumber FileSystemType = new("sizeof(((struct statfs *)0)->f_type)", 8, 8, 4);
}
