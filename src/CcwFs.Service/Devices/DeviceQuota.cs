using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Service.Devices;

/// <summary>What devices take of this process.</summary>
internal enum DeviceResource
{
    /// <summary>The devices themselves: some 8 KB each, once they are used.</summary>
    Devices,

    /// <summary>Bytes: of volumes in memory as if all of them were written, and of the tracks that are kept of images.</summary>
    Memory,

    /// <summary>Files that are kept open.</summary>
    Descriptors,
}

/// <summary>
/// How much of what this process has the devices may take that users add through `control`: of descriptors and memory a user an eighth, and all of
/// them together a quarter, for VFIO clients may have half beside it. The user who adds a device answers for it until it is closed. Root, the user of
/// this process and the mount's owner are not counted: what they have is theirs. Thread-safe.
/// </summary>
/// <param name="self">The user of this process.</param>
/// <param name="owner">The mount's owner; null: the same.</param>
/// <param name="system">What this process may have.</param>
internal sealed class DeviceQuota(uint self, uint? owner, SystemLimits system)
{
    /// <summary>Most devices of one user (arbitrary: more than a guest has).</summary>
    internal const int PerUser = 1_024;

    /// <summary>Most devices of all users together who are counted (arbitrary).</summary>
    internal const int Others = 8_192;

    /// <summary>
    /// Most bytes of all users together where the machine has more than four times as much (arbitrary: some twelve volumes in memory).
    /// </summary>
    internal const long MostMemory = 1L << 30;

    private const int UserShare = 8, OthersShare = 4; // one of so many (arbitrary)
    private const uint Root = 0;

    private static readonly DeviceResource[] s_resources = Enum.GetValues<DeviceResource>();

    private readonly Row[] _rows =
    [
        new(PerUser, Others, "devices", 1),
        new(Math.Min(system.Memory / UserShare, MostMemory / 2), Math.Min(system.Memory / OthersShare, MostMemory),
            "MiB for volumes in memory and tracks of images", 1 << 20),
        new(system.Descriptors / UserShare, system.Descriptors / OthersShare, "open files for images and real devices", 1),
    ];

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, long[]> _taken = []; // by user and resource; guarded by _gate
    private readonly long[] _all = NewCounts(); // guarded by _gate

    /// <summary>Zero of each resource.</summary>
    internal static long[] NewCounts() => new long[s_resources.Length];

    /// <summary>Whether a user's devices are counted. Null: us.</summary>
    internal bool IsCounted(uint? user) => user is { } known && known != Root && known != self && known != owner;

    /// <summary>Throws when <see cref="Take"/> would; takes nothing.</summary>
    internal void Refuse(uint? user, DeviceResource resource, long amount)
    {
        Take(user, resource, amount);
        Give(user, resource, amount);
    }

    /// <summary>Takes all of <paramref name="amount"/> at once, or throws and takes none.</summary>
    internal void Take(uint? user, DeviceResource resource, long amount)
    {
        if (!IsCounted(user))
            return;
        int at = (int)resource;
        Row row = _rows[at];
        lock (_gate)
        {
            long taken = _taken.TryGetValue(user!.Value, out long[]? counts) ? counts[at] : 0;
            if (amount > row.User - taken)
                throw new CommandException(
                    $"a user may have {row.Text(row.User)}, and you have {row.Number(taken)}; remove some first, or let the user who mounts add them");
            if (amount > row.Others - _all[at])
                throw new CommandException(
                    $"all users together may have {row.Text(row.Others)}, and have {row.Number(_all[at])}; let the user who mounts add them");
            if (counts is null)
                _taken[user.Value] = counts = NewCounts();
            counts[at] += amount;
            _all[at] += amount;
        }
    }

    /// <summary>Gives some back.</summary>
    internal void Give(uint? user, DeviceResource resource, long amount)
    {
        if (!IsCounted(user) || amount == 0)
            return;
        int at = (int)resource;
        lock (_gate)
        {
            _all[at] -= amount;
            long[] counts = _taken[user!.Value];
            counts[at] -= amount;
            if (!counts.AsSpan().ContainsAnyExcept(0L))
                _taken.Remove(user.Value);
        }
    }

    /// <param name="User">Most of one user.</param>
    /// <param name="Others">Most of all users together who are counted.</param>
    /// <param name="What">Their name, for a person.</param>
    /// <param name="Unit">What they are counted in, for a person.</param>
    private sealed record Row(long User, long Others, string What, long Unit)
    {
        internal long Number(long amount) => amount / Unit;

        internal string Text(long amount) => $"{Number(amount)} {What}";
    }
}

/// <summary>What something took of the quota for a user (null: us), piece by piece. Dispose gives all of it back, once. Thread-safe.</summary>
internal sealed class DeviceCharge(DeviceQuota? quota, uint? user) : IDisposable
{
    /// <summary>Of all that is not counted.</summary>
    internal static readonly DeviceCharge None = new(null, null);

    private readonly Lock _gate = new();
    private readonly long[] _taken = DeviceQuota.NewCounts(); // guarded by _gate

    /// <summary>Gives all of it back; null: nothing is counted, so that there is nothing to give.</summary>
    internal Action? Ended => quota is null ? null : Dispose;

    /// <summary>Takes, or throws.</summary>
    internal void Take(DeviceResource resource, long amount)
    {
        if (quota is null)
            return;
        quota.Take(user, resource, amount);
        lock (_gate)
            _taken[(int)resource] += amount;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            for (int resource = 0; resource < _taken.Length; resource++)
                quota?.Give(user, (DeviceResource)resource, _taken[resource]);
            _taken.AsSpan().Clear();
        }
    }
}
