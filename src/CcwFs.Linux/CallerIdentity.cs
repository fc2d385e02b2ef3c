using System.Globalization;
using System.Runtime.ExceptionServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

/// <summary>An identity cannot be taken: no thread can be made for it now, or this process may not have it.</summary>
/// <param name="message">Why, and what to do.</param>
/// <param name="errno">The same as an errno, positive.</param>
public sealed class IdentityException(string message, Errno errno) : IOException(message)
{
    /// <summary>Why, positive.</summary>
    public Errno Errno { get; } = errno;
}

/// <summary>
/// The file-system identity of a caller, and a way to act with it: what is opened is opened with that user's rights.
/// </summary>
/// <param name="Uid">File-system user.</param>
/// <param name="Gid">File-system group.</param>
/// <param name="Groups">Supplementary groups.</param>
public sealed record CallerIdentity(uint Uid, uint Gid, IReadOnlyList<uint> Groups)
{
    private const string NotPermitted =
        "this ccwfs may not act as another user (it has no CAP_SETUID and CAP_SETGID, as under its systemd unit); let its own user add the device";

    private const string OtherGroups =
        "who asks has other groups than this ccwfs, which may not take them; ask with the same groups, or mount again with these";

    private const string NotSeen =
        "who asks cannot be seen from this ccwfs (another pid namespace, or /proc hides it): its rights are not known, so no file is opened; ask from there";

    /// <summary>
    /// CAP_SYS_CHROOT, CAP_SYS_PTRACE and CAP_SYS_ADMIN: who has them can enter our mount namespace (setns(2)), so that another one keeps nothing
    /// away.
    /// </summary>
    private const ulong CanEnter = (1 << 18) | (1 << 19) | (1 << 21);

    private static readonly Lazy<Self> s_self = new(Self.Read);

    /// <summary>Why nothing is opened for it; null: all of its rights are known.</summary>
    public string? Obstacle { get; init; }

    /// <summary>
    /// Its effective capabilities (capabilities(7)), as bits; none for one in another user namespace, where they are good for nothing here.
    /// </summary>
    public ulong Capabilities { get; init; }

    /// <summary>
    /// Its root directory where it sees other files than we do, by another mount namespace or chroot(2): it may have what it can open by the same
    /// path there (<see cref="LeadsTo"/>). Belongs to the holder of the identity. Null: paths lead where ours do.
    /// </summary>
    public FileDescriptor? Root { get; init; }

    /// <summary>It may open all that this process may: the same user, and no capability or group is missing.</summary>
    public bool IsOurs { get; private init; }

    /// <summary>
    /// Who asks by a request that is not answered yet: user and group are the request's own, supplementary groups, capabilities and namespaces are
    /// read from /proc/TID. The kernel keeps the thread until the request is answered, so that its number is its own and its identity cannot change:
    /// never ask later. 0, or -EPERM when /proc says another user or group than the request, which then is not of that thread alone. Of a thread that
    /// is not to be seen (its number is 0 in a foreign pid namespace, or /proc hides it) too little is known to act for it, as <see cref="Obstacle"/>
    /// says.
    /// </summary>
    public static int OfRequest(uint thread, uint uid, uint gid, out CallerIdentity identity)
    {
        identity = new CallerIdentity(uid, gid, []) { Obstacle = NotSeen };
        if (thread == 0 || !ProcessFiles.AreOurs)
            return 0;
        string process = string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}");
        int result = ReadStatus(process, ref identity);
        if (result != 0 || !ReadPlace(process, out string mounts, out string users, out string root))
            return result < 0 ? result : 0;
        Self self = s_self.Value;
        identity = identity with { Capabilities = users == self.Users ? identity.Capabilities : 0, Obstacle = null };
        if ((mounts != self.Mounts || root != "/") && (identity.Capabilities & CanEnter) != CanEnter)
        {
            result = FileDescriptor.Open(process + "/root", OpenOptions.PathOnly | OpenOptions.Directory, 0, out FileDescriptor opened);
            identity = result < 0 ? identity with { Obstacle = NotSeen } : identity with { Root = opened };
        }
        identity = identity with { IsOurs = identity is { Obstacle: null, Root: null } && identity.HasAllOf(self) };
        return 0;
    }

    /// <summary>
    /// Whether a path of ours leads to the same file by the root directory of the caller, and to write if that is wanted: 0, -ESTALE for another
    /// file, or what the system says. For an action of <see cref="Run"/>.
    /// </summary>
    public int LeadsTo(string path, FileIdentity file, bool write)
    {
        if (Root is null)
            return 0;
        int result = FileDescriptor.OpenBelow(Root, path, out FileDescriptor theirs);
        using (theirs)
        {
            result = result < 0 ? result : theirs.Status(out FileStatus status) is < 0 and var failed ? failed
                : FileIdentity.Of(status) != file ? -(int)Errno.ESTALE : FileDescriptor.MayReopen(theirs, write);
            return result;
        }
    }

    /// <summary>0; 1: it is not to be seen; -EPERM: it is not the caller.</summary>
    private static int ReadStatus(string process, ref CallerIdentity identity)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(process + "/status");
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return 1;
        }
        foreach (string line in lines)
        {
            // Uid: and Gid: hold real, effective, saved and file-system ids.
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if ((words is ["Uid:", _, _, _, string fsUid] && Number(fsUid) != identity.Uid)
                || (words is ["Gid:", _, _, _, string fsGid] && Number(fsGid) != identity.Gid))
                return -(int)Errno.EPERM;
            if (words is ["Groups:", .. string[] list])
                identity = identity with { Groups = Array.ConvertAll(list, Number) };
            if (words is ["CapEff:", string effective])
                identity = identity with { Capabilities = ulong.Parse(effective, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) };
        }
        return 0;
    }

    /// <summary>
    /// Mount and user namespace as the kernel names them, and the root directory as we see it; false where they are not to be seen.
    /// </summary>
    private static bool ReadPlace(string process, out string mounts, out string users, out string root)
    {
        (users, root) = ("", "");
        return FileSystems.ReadLink(process + "/ns/mnt", out mounts) == 0 && FileSystems.ReadLink(process + "/ns/user", out users) == 0
            && FileSystems.ReadLink(process + "/root", out root) == 0;
    }

    /// <summary>Of root nothing but capabilities counts; another user's groups may give rights and take them.</summary>
    private bool HasAllOf(Self self) => Uid == Descriptors.EffectiveUser && (self.Identity.Capabilities & ~Capabilities) == 0
        && (Uid == 0 || (Gid == self.Identity.Gid && Groups.ToHashSet().SetEquals(self.Identity.Groups)));

    /// <summary>
    /// The working directory of the thread whose request is not answered yet, for relative paths; null where it is not to be seen. It gives no right:
    /// what it leads to is opened with the caller's.
    /// </summary>
    public static string? DirectoryOf(uint thread) =>
        thread != 0 && ProcessFiles.AreOurs && FileSystems.ReadLink($"/proc/{thread}/cwd", out string directory) == 0 ? directory : null;

    /// <summary>
    /// Runs <paramref name="action"/> with this identity, on a thread of its own that ends afterwards: the identity is a thread's, and no other
    /// work may ever meet it. Waits for the end; an exception of the action is thrown here. Needs CAP_SETUID and CAP_SETGID.
    /// </summary>
    /// <exception cref="IdentityException">The identity cannot be taken.</exception>
    public T Run<T>(Func<T> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                Assume();
                result = action();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        })
        {
            IsBackground = true,
            Name = "caller identity",
        };
        try
        {
            thread.Start();
        }
        catch (OutOfMemoryException) // what the runtime says when the system has no thread to give
        {
            throw new IdentityException("no thread can be made for it now; try again", Errno.EAGAIN);
        }
        thread.Join();
        failure?.Throw();
        return result;
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    // The C library's setgroups changes every thread of the process; the system call changes one.
    private unsafe void Assume()
    {
        if (Obstacle is { } obstacle)
            throw new IdentityException(obstacle, Errno.EPERM);
        uint[] groups = [.. Groups];
        fixed (uint* list = groups)
        {
            // SAFETY: the array is pinned for the call and its own length is passed.
            if (LibC.SystemCall(KernelNumbers.SetGroups, groups.Length, (nint)list) < 0)
                throw new IdentityException(Uid == Descriptors.EffectiveUser && Uid != 0 ? OtherGroups : NotPermitted, Errno.EPERM);
        }

        // Both calls give the old id, never an error: a second call with an invalid id tells what is set. The group goes first,
        // for the change of the user drops the capability. A user other than 0 also loses the capabilities that override file rights.
        LibC.SystemCall(KernelNumbers.SetFsGid, (nint)Gid);
        LibC.SystemCall(KernelNumbers.SetFsUid, (nint)Uid);
        if ((uint)LibC.SystemCall(KernelNumbers.SetFsGid, -1) != Gid || (uint)LibC.SystemCall(KernelNumbers.SetFsUid, -1) != Uid)
            throw new IdentityException(NotPermitted, Errno.EPERM);
        KeepCapabilities(Capabilities);
    }

    /// <summary>Of the effective capabilities of this thread those alone stay that the caller has too.</summary>
    private static unsafe void KeepCapabilities(ulong kept)
    {
        // struct __user_cap_header_struct and two of struct __user_cap_data_struct (linux/capability.h): effective, permitted, inheritable of 32
        // each.
        const uint Version3 = 0x2008_0522;
        uint* header = stackalloc uint[2] { Version3, 0 };
        uint* sets = stackalloc uint[6];

        // SAFETY: both calls reach no further than the header and the two sets of this version, which are locals.
        nint result = LibC.SystemCall(KernelNumbers.GetCapabilities, (nint)header, (nint)sets);
        (sets[0], sets[3]) = (sets[0] & (uint)kept, sets[3] & (uint)(kept >> 32));
        if (result < 0 || LibC.SystemCall(KernelNumbers.SetCapabilities, (nint)header, (nint)sets) < 0)
            throw new IdentityException(NotPermitted, Errno.EPERM);
    }

    /// <summary>This process, which keeps its identity and its namespaces.</summary>
    private sealed record Self(CallerIdentity Identity, string Mounts, string Users)
    {
        internal static Self Read()
        {
            var identity = new CallerIdentity(Descriptors.EffectiveUser, Descriptors.EffectiveGroup, []);
            _ = ReadStatus("/proc/self", ref identity);
            _ = ReadPlace("/proc/self", out string mounts, out string users, out _);
            return new Self(identity, mounts, users);
        }
    }
}
