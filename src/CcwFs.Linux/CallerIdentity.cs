using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace CcwFs.Linux;

/// <summary>
/// The file-system identity of a process, and a way to act with it: what is opened is opened with that user's rights.
/// </summary>
/// <param name="Uid">File-system user.</param>
/// <param name="Gid">File-system group.</param>
/// <param name="Groups">Supplementary groups.</param>
public sealed record CallerIdentity(uint Uid, uint Gid, IReadOnlyList<uint> Groups)
{
    private const string NotPermitted =
        "this ccwfs may not act as another user (it has no CAP_SETUID and CAP_SETGID, as under its systemd unit); let its own user add the device";

    /// <summary>Reads the identity of a process from /proc/PID/status; null when it is gone.</summary>
    public static CallerIdentity? OfProcess(int pid)
    {
        uint? uid = null, gid = null;
        uint[] groups = [];
        try
        {
            foreach (string line in File.ReadLines($"/proc/{pid}/status"))
            {
                // Uid: and Gid: hold real, effective, saved and file-system ids.
                string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
                if (words is ["Uid:", _, _, _, string fsUid])
                    uid = uint.Parse(fsUid, CultureInfo.InvariantCulture);
                else if (words is ["Gid:", _, _, _, string fsGid])
                    gid = uint.Parse(fsGid, CultureInfo.InvariantCulture);
                else if (words is ["Groups:", .. string[] list])
                    groups = Array.ConvertAll(list, text => uint.Parse(text, CultureInfo.InvariantCulture));
            }
        }
        catch (IOException)
        {
            return null;
        }
        return uid is { } user && gid is { } group ? new CallerIdentity(user, group, groups) : null;
    }

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
