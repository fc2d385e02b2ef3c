using System.Reflection;
using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Tests.Layout;

namespace CcwFs.Tests.Linux;

/// <summary>What ccwfs tells the kernel in numbers, against the C headers of every architecture that it runs on.</summary>
public sealed class KernelNumberTests
{
    private const string Declarations = """
        #define _GNU_SOURCE
        #include <stddef.h>
        #include <fcntl.h>
        #include <poll.h>
        #include <sys/mman.h>
        #include <sys/mount.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/statfs.h>
        #include <sys/uio.h>
        #include <asm/unistd.h>
        #include <linux/aio_abi.h>
        #include <linux/io_uring.h>

        """;

    // Ours, C's, and the members that ours has, by C's names.
    private static readonly (Type Ours, string Structure, (string Field, string Member)[] Members)[] s_structures =
    [
        (typeof(IoVector), "iovec", [("Base", "iov_base"), ("Length", "iov_len")]),
        (typeof(PollEntry), "pollfd", [("Descriptor", "fd"), ("Events", "events"), ("ReturnedEvents", "revents")]),
        (typeof(MessageHeader), "msghdr",
        [
            ("Name", "msg_name"), ("NameLength", "msg_namelen"), ("Vectors", "msg_iov"), ("VectorCount", "msg_iovlen"), ("Control", "msg_control"),
            ("ControlLength", "msg_controllen"), ("Flags", "msg_flags"),
        ]),
        (typeof(StatXBuffer), "statx",
        [
            ("Mask", "stx_mask"), ("Links", "stx_nlink"), ("Uid", "stx_uid"), ("Gid", "stx_gid"), ("Mode", "stx_mode"), ("Inode", "stx_ino"),
            ("Size", "stx_size"), ("Blocks", "stx_blocks"), ("ChangedSeconds", "stx_ctime.tv_sec"), ("ChangedNanoseconds", "stx_ctime.tv_nsec"),
            ("RawDeviceMajor", "stx_rdev_major"), ("RawDeviceMinor", "stx_rdev_minor"), ("DeviceMajor", "stx_dev_major"),
            ("DeviceMinor", "stx_dev_minor"),
        ]),
        (Inner(typeof(EventSignals), "ControlBlock"), "iocb",
        [
            ("Command", "aio_lio_opcode"), ("Descriptor", "aio_fildes"), ("Buffer", "aio_buf"), ("Count", "aio_nbytes"), ("Flags", "aio_flags"),
            ("EventFd", "aio_resfd"),
        ]),
        (Inner(typeof(CommandRing), "Parameters"), "io_uring_params",
        [
            ("SubmitEntries", "sq_entries"), ("CompleteEntries", "cq_entries"), ("Flags", "flags"), ("Features", "features"), ("Submit", "sq_off"),
            ("Complete", "cq_off"),
        ]),
        (Inner(typeof(CommandRing), "SubmitOffsets"), "io_sqring_offsets", [("Head", "head"), ("Tail", "tail"), ("Array", "array")]),
        (Inner(typeof(CommandRing), "CompleteOffsets"), "io_cqring_offsets",
            [("Head", "head"), ("Tail", "tail"), ("Mask", "ring_mask"), ("Completions", "cqes")]),
    ];

    /// <summary>What architectures share, as far as it has a name outside of the calls that use it.</summary>
    private static readonly (string Expression, long Value)[] s_shared =
    [
        ("O_CREAT", (long)OpenOptions.Create), ("O_EXCL", (long)OpenOptions.Exclusive), ("O_TRUNC", (long)OpenOptions.Truncate),
        ("O_APPEND", (long)OpenOptions.Append), ("O_NONBLOCK", (long)OpenOptions.NonBlocking), ("O_PATH", (long)OpenOptions.PathOnly),
        ("(O_CLOEXEC | O_NOCTTY)", 0x80100), ("O_ACCMODE", 3), ("AT_FDCWD", -100), ("AT_SYMLINK_NOFOLLOW", 0x100), ("AT_EMPTY_PATH", 0x1000),
        ("AT_NO_AUTOMOUNT", 0x800), ("AT_SYMLINK_FOLLOW", 0x400), ("AT_STATX_DONT_SYNC", 0x4000), ("F_SETFD", 2), ("F_GETFL", 3), ("F_SETFL", 4),
        ("F_DUPFD_CLOEXEC", 1030), ("F_ADD_SEALS", 1033), ("F_GET_SEALS", 1034), ("MAP_SHARED", 1), ("MAP_PRIVATE", 2), ("MAP_ANONYMOUS", 0x20),
        ("MAP_NORESERVE", 0x4000), ("MAP_POPULATE", 0x8000), ("SOL_SOCKET", 1), ("SO_TYPE", 3), ("SO_DOMAIN", 39), ("SOCK_STREAM", 1),
        ("SOCK_CLOEXEC", 0x80000), ("MSG_DONTWAIT", 0x40), ("MSG_NOSIGNAL", 0x4000), ("MSG_CMSG_CLOEXEC", 0x40000000),
        ("POLLIN", Descriptors.PollIn), ("POLLPRI", Descriptors.PollUrgent), ("POLLOUT", Descriptors.PollOut), ("POLLERR", Descriptors.PollError),
        ("POLLHUP", Descriptors.PollHangUp), ("(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)", 0x145), ("MS_NOSUID", (long)FileSystems.NoSetUid),
        ("MS_NODEV", (long)FileSystems.NoDevices), ("MNT_FORCE", FileSystems.UnmountForce), ("MNT_DETACH", FileSystems.UnmountDetach),
        ("UMOUNT_NOFOLLOW", FileSystems.UnmountNoFollow), ("S_IFMT", FileStatus.TypeMask), ("S_IFREG", FileStatus.TypeRegular),
        ("offsetof(struct statfs, f_type)", 0), ("sizeof(struct io_event)", 32), ("sizeof(struct io_uring_cqe)", 16),
        ("offsetof(struct cmsghdr, cmsg_level)", 8), ("sizeof(struct cmsghdr)", 16),
    ];

    private static readonly Architecture s_own = RuntimeInformation.ProcessArchitecture;

    /// <summary>Those of this machine, and of the others that its distribution has headers of.</summary>
    public static TheoryData<Architecture> Architectures => [.. ((Architecture[])[s_own, Architecture.Arm64, Architecture.S390x]).Distinct()];

    private static IEnumerable<KernelNumber> Rows => typeof(KernelNumbers).GetFields(BindingFlags.Static | BindingFlags.NonPublic)
        .Select(row => row.GetValue(null)).OfType<KernelNumber>();

    [Theory]
    [Trait("Speed", "Slow")] // it needs a compiler for each
    [MemberData(nameof(Architectures))]
    public void Numbers_are_those_of_the_headers(Architecture architecture)
    {
        Assert.InRange(Rows.Count(), 18, 100); // none was overlooked
        Judge(architecture, [.. Rows.Select(row => (row.Name, (long)row.Of(architecture)))]);
    }

    [Theory]
    [Trait("Speed", "Slow")] // it needs a compiler for each
    [MemberData(nameof(Architectures))]
    public void What_has_one_number_for_all_architectures_has_it_there(Architecture architecture) => Judge(architecture, s_shared);

    [Theory]
    [Trait("Speed", "Slow")] // it needs a compiler for each
    [MemberData(nameof(Architectures))]
    public void Structures_are_those_of_the_headers(Architecture architecture) => Judge(architecture, [.. s_structures.SelectMany(row =>
        (IEnumerable<(string, long)>)
        [
            ($"sizeof(struct {row.Structure})", Marshal.SizeOf(row.Ours)),
            .. row.Members.Select(member => ($"offsetof(struct {row.Structure}, {member.Member})", (long)Marshal.OffsetOf(row.Ours, member.Field))),
        ])]);

    [Fact]
    public void The_compiler_would_tell_another_number() =>
        Assert.NotEqual(0, CCompiler.Judge(Declarations, [("O_DIRECTORY", KernelNumbers.OpenDirectory.Of(s_own) + 1)]).Status);

    [Theory]
    [InlineData(Architecture.X64, 0x20000 | 0x10000 | 0x200000)]
    [InlineData(Architecture.Arm64, 0x8000 | 0x4000 | 0x200000)]
    [InlineData(Architecture.S390x, 0x20000 | 0x10000 | 0x200000)]
    public void Options_are_the_machines_flags_and_flags_are_options_again(Architecture architecture, int flags)
    {
        const OpenOptions Options = OpenOptions.NoFollow | OpenOptions.Directory | OpenOptions.PathOnly;
        Assert.Equal(flags, KernelFlags.Of(Options, architecture));
        Assert.Equal(Options, KernelFlags.OptionsOf(flags, architecture));
    }

    /// <summary>The kernel sets O_LARGEFILE, which on arm64 has the number that O_NOFOLLOW has elsewhere.</summary>
    [Theory]
    [InlineData(Architecture.X64, 0x8000)]
    [InlineData(Architecture.Arm64, 0x20000)]
    [InlineData(Architecture.S390x, 0x8000)]
    public void A_large_file_has_no_option_of_that_name(Architecture architecture, int largeFile) =>
        Assert.Equal(OpenOptions.ReadWrite | OpenOptions.Direct,
            KernelFlags.OptionsOf(largeFile | 2 | KernelNumbers.OpenDirect.Of(architecture), architecture));

    [Fact]
    public void System_calls_by_number_go_through_the_table_alone() => Assert.Equal(["LibC.cs"],
        Directory.EnumerateFiles(LayoutTests.FindRoot() + "/src/CcwFs.Linux", "*.cs")
            .Where(file => File.ReadAllText(file).Contains("\"syscall\"", StringComparison.Ordinal)).Select(Path.GetFileName));

    [Theory]
    [MemberData(nameof(AllArchitectures))]
    public void A_machine_whose_numbers_are_not_known_is_refused_in_a_line(Architecture architecture)
    {
        if (architecture is Architecture.X64 or Architecture.Arm64 or Architecture.S390x)
        {
            Assert.Null(MachineKind.Problem(architecture));
            return;
        }
        string line = Assert.Single(MachineKind.Problem(architecture)!.Split('\n'));
        Assert.Contains("run it on x64, arm64 or s390x", line, StringComparison.Ordinal);
        Assert.Contains(line, Assert.Throws<PlatformNotSupportedException>(() => Rows.First().Of(architecture)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<Architecture> AllArchitectures => [.. Enum.GetValues<Architecture>()];

    private static Type Inner(Type outer, string name) => outer.GetNestedType(name, BindingFlags.NonPublic)!;

    private static void Judge(Architecture architecture, (string Expression, long Value)[] facts)
    {
        string compiler = architecture == s_own ? "gcc"
            : architecture == Architecture.Arm64 ? "aarch64-linux-gnu-gcc" : "s390x-linux-gnu-gcc";
        (int status, string output) = CCompiler.Judge(Declarations, facts, compiler);
        Assert.True(status == 0, output);
    }
}
