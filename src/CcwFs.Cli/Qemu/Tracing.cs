using System.Globalization;
using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Cli.Qemu;

/// <summary>
/// ccwfs reads and writes its client's memory, for which it needs the rights of a debugger. The Yama module asks more than the same user: a
/// capability over the client, which root has, and the owner of the user namespace that the client is in; or the client names its ccwfs, and that
/// permission survives execve(2), as it belongs to the main thread (security/yama/yama_lsm.c).
/// </summary>
internal static class Tracing
{
    private const string Scope = "/proc/sys/kernel/yama/ptrace_scope";
    private const int Relational = 1, CapabilityOnly = 2, Never = 3; // Documentation/admin-guide/LSM/Yama.rst

    /// <summary>
    /// Lets the process that serves the mount at this one; throws where that cannot work. <paramref name="ownNamespace"/>: QEMU will be in a user
    /// namespace of this user.
    /// </summary>
    internal static void Allow(int server, bool ownNamespace)
    {
        int scope = File.Exists(Scope) && int.TryParse(File.ReadAllText(Scope), NumberStyles.Integer, CultureInfo.InvariantCulture, out int value)
            ? value : 0;
        bool isCapable = ownNamespace || (FileDescriptor.Status($"/proc/{server}", follow: true, out FileStatus status) == 0 && status.Uid == 0);
        bool isNamed = scope == Relational && Execution.IsMainThread && Execution.AllowTracing(server) == 0;
        bool isRefused = scope switch
        {
            >= Never => true,
            CapabilityOnly => !isCapable,
            Relational => !isCapable && !isNamed,
            _ => false,
        };
        if (isRefused)
            throw new CommandException($"ccwfs (pid {server}) may not reach QEMU's memory: {Scope} is {scope}; set it to 0, or 1 with both in one pid namespace");
    }
}
