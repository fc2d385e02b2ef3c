namespace CcwFs.Cli.Mount;

/// <summary>
/// How many devices users may add through `control`, for each takes memory of ours (some 7 KB, more with an image). Whoever adds one answers for it until it is
/// closed. Root, the user of this process and the mount's owner are not counted: what they have is theirs. Thread-safe.
/// </summary>
internal sealed class DeviceQuota(uint self, uint? owner)
{
    /// <summary>Most devices of one user (arbitrary: more than a guest has).</summary>
    internal const int PerUser = 1_024;

    /// <summary>Most devices of all users together who are counted (arbitrary).</summary>
    internal const int Others = 8_192;

    private const uint Root = 0;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, int> _taken = []; // by user; guarded by _gate
    private int _all; // guarded by _gate

    /// <summary>Takes <paramref name="count"/> at once, or throws and takes none. Null: us.</summary>
    internal void Take(uint? user, int count)
    {
        if (!IsCounted(user))
            return;
        lock (_gate)
        {
            int taken = _taken.GetValueOrDefault(user!.Value);
            if (count > PerUser - taken)
                throw new CommandException($"a user may have {PerUser} devices, and you have {taken}; remove some first, or let the user who mounts add them");
            if (count > Others - _all)
                throw new CommandException($"all users together may have {Others} devices, and have {_all}; let the user who mounts add them");
            _taken[user.Value] = taken + count;
            _all += count;
        }
    }

    /// <summary>Gives some back.</summary>
    internal void Give(uint? user, int count)
    {
        if (!IsCounted(user))
            return;
        lock (_gate)
        {
            _all -= count;
            if ((_taken[user!.Value] -= count) == 0)
                _taken.Remove(user.Value);
        }
    }

    private bool IsCounted(uint? user) => user is { } known && known != Root && known != self && known != owner;
}
