using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mono.Unix.Native;

namespace CcwFs.Service.Images;

/// <summary>A user who has devices on an open image.</summary>
/// <param name="caller">Whose rights they have; null: ours.</param>
/// <param name="charge">What the image takes, as if no other user had it open: a user who stays keeps all of it.</param>
/// <param name="log">Where lines about the image go for them.</param>
internal sealed class ImageUser(CallerIdentity? caller, DeviceCharge charge, ILogger log)
{
    private const uint Root = 0;

    /// <summary>
    /// Without the root directory of the request: that is closed with the file that it came by, and each request is judged with its own.
    /// </summary>
    internal CallerIdentity? Caller { get; } = caller is null ? null : caller with { Root = null };

    internal DeviceCharge Charge => charge;

    internal ILogger Log => log;

    internal uint Uid => caller?.Uid ?? Descriptors.EffectiveUser;

    /// <summary>Their number; guarded by the image's gate.</summary>
    internal int Devices { get; set; }

    internal bool Is(CallerIdentity? other) => caller is null || other is null ? caller == other
        : (caller.Uid, caller.Gid, caller.Capabilities, caller.Obstacle) == (other.Uid, other.Gid, other.Capabilities, other.Obstacle)
            && caller.Groups.ToHashSet().SetEquals(other.Groups);

    /// <summary>The lower, the more such a one may: we, root, the mount's owner, a user who is counted.</summary>
    internal int Rank(DeviceQuota quota) => caller is null or { IsOurs: true } ? 0 : caller.Uid == Root ? 1 : quota.IsCounted(caller.Uid) ? 3 : 2;
}

/// <summary>
/// All users who have devices on an open image. What is done for all of them does not depend on who came first: the log is that of the one who may
/// most, and what one of them may not do is done as another who may. Changed under the image's gate, used without it.
/// </summary>
internal sealed class ImageUsers(DeviceQuota quota)
{
    // For one action, each on a thread of its own (arbitrary: more than share an image).
    private const int MostTried = 8;           // users
    private const int MostIdentitiesOfOne = 4; // of a user, with other groups each

    private volatile ImageUser[] _users = []; // who may most first, then who came first; never changed in place

    /// <summary>Of lines about the image.</summary>
    internal ILogger Log => _users is [var first, ..] ? first.Log : NullLogger.Instance;

    /// <summary>Who of them it is; null: nobody.</summary>
    internal ImageUser? Find(CallerIdentity? caller) => Array.Find(_users, user => user.Is(caller));

    internal void Add(ImageUser user) => _users = [.. _users.Append(user).OrderBy(one => one.Rank(quota))];

    /// <summary>Gives back what the user took.</summary>
    internal void Remove(ImageUser user)
    {
        _users = [.. _users.Where(one => one != user)];
        user.Charge.Dispose();
    }

    /// <summary>
    /// Does something with files of <paramref name="owner"/> (null: it is not known) as the first of them who may; the fault is that of the first who
    /// may not.
    /// </summary>
    internal T AsAny<T>(uint? owner, Func<ImageUser, T> action)
    {
        ImageException? refusal = null;
        foreach (ImageUser user in Tried(owner))
        {
            try
            {
                return As(user.Caller, () => action(user));
            }
            catch (ImageException refused) when (IsRefusal(-refused.Errno))
            {
                refusal ??= refused;
            }
        }
        throw refusal ?? new ImageException("nobody has it open any more", (int)Errno.EBADF);
    }

    /// <summary>The same for what gives an errno.</summary>
    internal int AsAnyErrno(uint? owner, Func<int> action)
    {
        int refusal = 0;
        foreach (ImageUser user in Tried(owner))
        {
            int result = AsErrno(user.Caller, action);
            if (!IsRefusal(result))
                return result;
            refusal = refusal < 0 ? refusal : result;
        }
        return refusal < 0 ? refusal : -(int)Errno.EBADF;
    }

    /// <summary>
    /// Does something as one user (null: we). What keeps us from being that user is a fault of the image to its caller, who knows no other.
    /// </summary>
    internal static T As<T>(CallerIdentity? user, Func<T> action)
    {
        try
        {
            return user is null ? action() : user.Run(action);
        }
        catch (IdentityException failure)
        {
            throw new ImageException(failure.Message, (int)failure.Errno);
        }
    }

    /// <summary>The same for what gives an errno.</summary>
    internal static int AsErrno(CallerIdentity? user, Func<int> action)
    {
        try
        {
            return user is null ? action() : user.Run(action);
        }
        catch (IdentityException failure)
        {
            return -(int)failure.Errno;
        }
    }

    /// <summary>Another user may be allowed to.</summary>
    internal static bool IsRefusal(int result) => result is -(int)Errno.EACCES or -(int)Errno.EPERM;

    /// <summary>The owner first, however many others there are, then who may most.</summary>
    private IEnumerable<ImageUser> Tried(uint? owner) => _users.GroupBy(static user => user.Uid).OrderBy(group => group.Key != owner).Take(MostTried)
        .SelectMany(static group => group.Take(MostIdentitiesOfOne));
}
