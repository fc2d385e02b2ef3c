using System.Runtime.InteropServices;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>A process for good: a number that was used again comes with another start.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Start">When it started, in clock ticks since boot.</param>
public readonly record struct ClientProcess(int Id, ulong Start);

/// <summary>
/// Who has how much of what clients can use up. The opener of a file answers for all that is kept because of it, also when he hands it on or ends.
/// Thread-safe.
/// </summary>
public sealed class ClientAccounts
{
    private static readonly int s_resources = Enum.GetValues<Resource>().Length;

    private readonly Lock _gate = new();
    private readonly ClientLimits _limits;
    private readonly uint _owner;
    private readonly Dictionary<ClientProcess, long[]> _processes = []; // guarded by _gate, as the rest: those that have something
    private readonly Dictionary<uint, long[]> _users = [];
    private readonly long[] _ofUsers = NewCounts(), _ofAll = NewCounts();

    /// <summary>Accounts of a mount of the user <paramref name="owner"/>.</summary>
    public ClientAccounts(ClientLimits limits, uint owner) => (_limits, _owner) = (limits, owner);

    /// <summary>
    /// Accounts with these limits (null: what the system gives), of a mount of <paramref name="owner"/> (null: this process's user).
    /// </summary>
    internal static ClientAccounts Make(ClientLimits? limits = null, uint? owner = null) =>
        new(limits ?? new ClientLimits(SystemLimits.Read()), owner ?? Descriptors.EffectiveUser);

    /// <summary>Users that have something now; tests see by it that nobody is kept who has nothing.</summary>
    internal int Users
    {
        get
        {
            lock (_gate)
                return _users.Count;
        }
    }

    /// <summary>What all users have of something now, and what they may have.</summary>
    public (long Used, long Limit) Use(Resource resource)
    {
        lock (_gate)
            return (_ofAll[(int)resource], _limits.OfAll(resource));
    }

    /// <summary>
    /// The account of who opens a file: the user of the request, and where it matters the process of its thread (the number in the FUSE header). Call
    /// it while the request is unanswered: the thread is its own until then. A thread that cannot be looked up is counted by its user alone.
    /// </summary>
    public ClientAccount Of(uint user, uint thread = 0) =>
        thread != 0 && ProcessFiles.AreOurs && ProcessFiles.ThreadGroup(thread, out int id) == 0 && ProcessFiles.StartTime(id, out ulong start) == 0
            ? new ClientAccount(this, user, new ClientProcess(id, start)) : new ClientAccount(this, user, null);

    /// <summary>0, or the negative errno of the first limit that is reached; then nothing was taken.</summary>
    internal int TryTake(uint user, ClientProcess? process, Resource resource, long amount)
    {
        bool isUser = !IsPrivileged(user);
        int at = (int)resource;
        lock (_gate)
        {
            long ofProcess = process is { } known && _processes.TryGetValue(known, out long[]? counts) ? counts[at] : 0;
            long ofUser = _users.TryGetValue(user, out counts) ? counts[at] : 0;
            bool processIsFull = process is not null && amount > _limits.OfProcess(resource) - ofProcess;
            if (processIsFull || amount > _limits.OfAll(resource) - _ofAll[at]
                || (isUser && (amount > _limits.OfUser(resource) - ofUser || amount > _limits.OfUsers(resource) - _ofUsers[at])))
                return -(int)ClientLimits.Refusal(resource, processIsFull);
            Add(user, process, at, amount);
            return 0;
        }
    }

    /// <summary>Gives back what was taken.</summary>
    internal void Give(uint user, ClientProcess? process, Resource resource, long amount)
    {
        lock (_gate)
        {
            Add(user, process, (int)resource, -amount);
            if (IsNothing(_users[user]))
                _users.Remove(user);
            if (process is { } known && IsNothing(_processes[known]))
                _processes.Remove(known);
        }
    }

    // Guarded by _gate.
    private void Add(uint user, ClientProcess? process, int at, long amount)
    {
        _ofAll[at] += amount;
        if (!IsPrivileged(user))
            _ofUsers[at] += amount;
        (CollectionsMarshal.GetValueRefOrAddDefault(_users, user, out _) ??= NewCounts())[at] += amount;
        if (process is { } known)
            (CollectionsMarshal.GetValueRefOrAddDefault(_processes, known, out _) ??= NewCounts())[at] += amount;
    }

    private bool IsPrivileged(uint user) => user == 0 || user == _owner;

    private static bool IsNothing(long[] counts) => !counts.AsSpan().ContainsAnyExcept(0L);

    private static long[] NewCounts() => new long[s_resources];
}

/// <summary>Where what is kept for an open file is counted. Each taker gives back. Thread-safe.</summary>
public sealed class ClientAccount
{
    private readonly ClientAccounts _accounts;
    private readonly uint _user;
    private readonly ClientProcess? _process;

    internal ClientAccount(ClientAccounts accounts, uint user, ClientProcess? process) => (_accounts, _user, _process) = (accounts, user, process);

    /// <summary>Who opened the file.</summary>
    public uint User => _user;

    /// <summary>
    /// 0, or a negative errno when there is no more for the process, its user or anybody: EMFILE and ENFILE for files, EBUSY for calls, else ENOMEM.
    /// </summary>
    public int TryTake(Resource resource, long amount = 1) => _accounts.TryTake(_user, _process, resource, amount);

    /// <summary>As <see cref="TryTake"/>, where the errno does not matter.</summary>
    public bool Takes(Resource resource, long amount = 1) => TryTake(resource, amount) == 0;

    /// <summary>Takes a mapping of so many bytes; the result as for <see cref="TryTake"/>.</summary>
    internal int TryTakeMapping(long bytes)
    {
        int result = TryTake(Resource.Mappings);
        if (result == 0 && (result = TryTake(Resource.MappedBytes, bytes)) < 0)
            Give(Resource.Mappings);
        return result;
    }

    /// <summary>Gives a mapping back; without effect where it has no bytes.</summary>
    internal void GiveMapping(long bytes)
    {
        if (bytes == 0)
            return;
        Give(Resource.Mappings);
        Give(Resource.MappedBytes, bytes);
    }

    /// <summary>Gives back.</summary>
    public void Give(Resource resource, long amount = 1) => _accounts.Give(_user, _process, resource, amount);
}
