using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>What clients of a mount can use up of it.</summary>
public enum Resource
{
    /// <summary>Open files and directories.</summary>
    Files,

    /// <summary>Descriptors that are kept for a client: its memory files, its processes, its eventfds.</summary>
    Descriptors,

    /// <summary>Threads that serve a client's open files.</summary>
    Threads,

    /// <summary>Mappings of a client's files.</summary>
    Mappings,

    /// <summary>Bytes of address space of those mappings.</summary>
    MappedBytes,

    /// <summary>Bytes of memory for what is kept about a client, as far as its size is the client's choice.</summary>
    Memory,

    /// <summary>Ioctls that have begun and not ended.</summary>
    Calls,

    /// <summary>Reads that wait for an interrupt.</summary>
    Waiting,
}

/// <summary>
/// How much clients may have, of each <see cref="Resource"/>: a share of what this process may have itself, so that clients at their limits leave
/// enough for it and for others. A process may have a sixteenth, a user a quarter, and all users together half. Root and the mount's owner have what
/// is left of three quarters, so that no other user is in their way. (Shares: arbitrary.)
/// </summary>
public sealed class ClientLimits
{
    /// <summary>Most open files and directories (arbitrary: half a kilobyte each).</summary>
    public const long Files = 16_384;

    /// <summary>Most threads of clients where the system allows more (arbitrary: each has a stack).</summary>
    public const long MostThreads = 8_192;

    /// <summary>Most bytes of mapped files (half of the 128 TiB of a process, arch/x86/include/asm/page_64_types.h; others have more).</summary>
    public const long MappedBytes = 64L << 40;

    /// <summary>Most bytes kept about clients where the machine has more than four times as much (arbitrary).</summary>
    public const long MostMemory = 1L << 30;

    /// <summary>Most ioctls at once (arbitrary: each can hold a thread as long as its client likes).</summary>
    public const long Calls = 1_024;

    /// <summary>Most waiting reads (arbitrary).</summary>
    public const long Waiting = 16_384;

    private const int ProcessShare = 16, UserShare = 4, UsersShare = 2; // one of so many
    private const int Least = 16; // what a process may have in any case: enough for one QEMU with a device or two (arbitrary)

    private readonly long[] _whole = new long[Enum.GetValues<Resource>().Length];

    /// <summary>Limits of a process that may have as much as <paramref name="system"/> says.</summary>
    public ClientLimits(SystemLimits system)
    {
        _whole[(int)Resource.Files] = Files;
        _whole[(int)Resource.Descriptors] = system.Descriptors;
        _whole[(int)Resource.Threads] = Math.Min(system.Threads, MostThreads);
        _whole[(int)Resource.Mappings] = system.Mappings;
        _whole[(int)Resource.MappedBytes] = MappedBytes;
        _whole[(int)Resource.Memory] = Math.Min(system.Memory / UserShare, MostMemory);
        _whole[(int)Resource.Calls] = Calls;
        _whole[(int)Resource.Waiting] = Waiting;
    }

    /// <summary>For one process.</summary>
    public long OfProcess(Resource resource) => Math.Max(_whole[(int)resource] / ProcessShare, Least);

    /// <summary>For one user.</summary>
    public long OfUser(Resource resource) => Math.Max(_whole[(int)resource] / UserShare, Least);

    /// <summary>For all users but root and the mount's owner.</summary>
    public long OfUsers(Resource resource) => Math.Max(_whole[(int)resource] / UsersShare, Least);

    /// <summary>For everybody.</summary>
    public long OfAll(Resource resource) => Math.Max(_whole[(int)resource] / UserShare * (UserShare - 1), Least);

    /// <summary>What the kernel says when a process, or else a user or the system, has no more.</summary>
    internal static Errno Refusal(Resource resource, bool isProcess) => resource switch
    {
        Resource.Files => isProcess ? Errno.EMFILE : Errno.ENFILE,
        Resource.Calls => Errno.EBUSY,
        Resource.Descriptors or Resource.Threads or Resource.Mappings or Resource.MappedBytes or Resource.Memory or Resource.Waiting => Errno.ENOMEM,
        _ => throw new ArgumentOutOfRangeException(nameof(resource)),
    };
}
