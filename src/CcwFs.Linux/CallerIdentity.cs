using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace CcwFs.Linux;

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

    /// <summary>
    /// Who asks by a request that is not answered yet: user and group are the request's own, the supplementary groups are read from /proc/TID/status. The
    /// kernel keeps the thread until the request is answered, so that its number is its own and its identity cannot change: never ask later.
    /// 0, or -EPERM when /proc says another user or group than the request, which then is not of that thread alone. Where the thread is not to be
    /// seen (its number is 0 in a foreign pid namespace, or /proc hides it), there are no supplementary groups: rights are never more than the caller's.
    /// </summary>
    public static int OfRequest(uint thread, uint uid, uint gid, out CallerIdentity identity)
    {
        identity = new CallerIdentity(uid, gid, []);
        if (thread == 0 || !ProcessFiles.AreOurs)
            return 0;
        string[] lines;
        try
        {
            lines = File.ReadAllLines($"/proc/{thread}/status");
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
        foreach (string line in lines)
        {
            // Uid: and Gid: hold real, effective, saved and file-system ids.
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if ((words is ["Uid:", _, _, _, string fsUid] && Number(fsUid) != uid) || (words is ["Gid:", _, _, _, string fsGid] && Number(fsGid) != gid))
                return -(int)Errno.EPERM;
            if (words is ["Groups:", .. string[] list])
                identity = identity with { Groups = Array.ConvertAll(list, Number) };
        }
        return 0;
    }

    /// <summary>
    /// The working directory of the thread whose request is not answered yet, for relative paths; null where it is not to be seen. It gives no right: what it
    /// leads to is opened with the caller's.
    /// </summary>
    public static string? DirectoryOf(uint thread) =>
        thread != 0 && ProcessFiles.AreOurs && FileSystems.ReadLink($"/proc/{thread}/cwd", out string directory) == 0 ? directory : null;

    /// <summary>
    /// Runs <paramref name="action"/> with this identity, on a thread of its own that ends afterwards: the identity is a thread's, and no other
    /// work may ever meet it. Waits for the end; an exception of the action is thrown here. Needs CAP_SETUID and CAP_SETGID unless the identity is
    /// the process's own.
    /// </summary>
    /// <exception cref="UnauthorizedAccessException">The process may not take that identity.</exception>
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
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    // The C library's setgroups changes every thread of the process; the system call changes one.
    private unsafe void Assume()
    {
        (nint setGroups, nint setFsUid, nint setFsGid) = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => ((nint)116, (nint)122, (nint)123),
            Architecture.S390x => (206, 215, 216),
            _ => throw new PlatformNotSupportedException("the system-call numbers of this architecture are not known"),
        };
        if (LibC.EffectiveUser() == Uid && LibC.EffectiveUser() != 0)
            return;
        uint[] groups = [.. Groups];
        fixed (uint* list = groups)
        {
            // SAFETY: the array is pinned for the call and its own length is passed.
            if (LibC.SystemCall(setGroups, groups.Length, (nint)list, 0) < 0)
                throw new UnauthorizedAccessException(NotPermitted);
        }

        // Both calls give the old id, never an error: a second call with an invalid id tells what is set. The group goes first,
        // for the change of the user drops the capability. A user other than 0 also loses the capabilities that override file rights.
        LibC.SystemCall(setFsGid, (nint)Gid, 0, 0);
        LibC.SystemCall(setFsUid, (nint)Uid, 0, 0);
        if ((uint)LibC.SystemCall(setFsGid, -1, 0, 0) != Gid || (uint)LibC.SystemCall(setFsUid, -1, 0, 0) != Uid)
            throw new UnauthorizedAccessException(NotPermitted);
    }
}
