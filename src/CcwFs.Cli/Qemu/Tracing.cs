using System.Globalization;
using CcwFs.Linux;

namespace CcwFs.Cli.Qemu;

/// <summary>
/// ccwfs reads and writes its client's memory, for which it needs the rights of a debugger. The Yama module asks more than the same user: the launched
/// process names its ccwfs, and that permission survives execve(2), as it belongs to the process (security/yama/yama_lsm.c).
/// </summary>
internal static class Tracing
{
    private const string Scope = "/proc/sys/kernel/yama/ptrace_scope";
    private const int Relational = 1, CapabilityOnly = 2, Never = 3; // Documentation/admin-guide/LSM/Yama.rst

    /// <summary>Lets the process that serves the mount at this one; throws where that cannot work.</summary>
    internal static void Allow(int server)
    {
        int scope = File.Exists(Scope) && int.TryParse(File.ReadAllText(Scope), NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) ? value : 0;
        bool isRoot = CallerIdentity.OfProcess(server) is { Uid: 0 };
        if (scope >= Never || (scope == CapabilityOnly && !isRoot))
            throw new CommandException($"{Scope} is {scope}, so no ccwfs {(scope >= Never ? "" : "of an ordinary user ")}can reach QEMU's memory; set it to 1 or 0");
        if (scope == Relational && (!Execution.IsMainThread || Execution.AllowTracing(server) < 0) && !isRoot)
            throw new CommandException($"{Scope} is {scope}, and ccwfs (pid {server}) cannot be let at QEMU's memory; run both in one pid namespace, or set it to 0");
    }
}
