using CcwFs.Control;
using CcwFs.Host;
using CcwFs.Linux;

namespace CcwFs.Cli.Qemu;

/// <summary>
/// A mount namespace of QEMU's own in which /sys/bus and /sys/devices are those of the mount, with the host's /sys/devices/system inside: QEMU
/// opens absolute paths. What the host unmounts goes there too (slave propagation), or QEMU would keep every file system of the host alive. A process
/// with threads, as this one, cannot make a user namespace: util-linux's unshare makes both, and everything is an exec in the same process.
/// </summary>
internal static class PrivateSysfs
{
    /// <summary>Where QEMU finds the channel subsystem's bus.</summary>
    internal const string Bus = "/sys/bus";

    private const string Script =
        """m=$1; shift; mount --rbind /sys/devices/system "$m/sys/devices/system" && mount --rbind "$m/sys/devices" /sys/devices && mount --rbind "$m/sys/bus" /sys/bus && exec "$@" """;

    /// <summary>Whether it is needed: not where the host's own css bus has every one of the subchannels.</summary>
    internal static bool IsNeeded(IReadOnlyList<QemuDevice> devices) =>
        !devices.All(d => d.IsOnHost && Directory.Exists($"{Bus}/css/devices/{d.Id}"));

    /// <summary>A command that runs <paramref name="command"/> in such a namespace.</summary>
    internal static IReadOnlyList<string> Wrap(string mountPoint, IReadOnlyList<string> command) =>
        ["unshare", Descriptors.EffectiveUser == 0 ? "-m" : "-rm", "--propagation", "slave",
            "sh", "-c", Script.TrimEnd(), "ccwfs-qemu", mountPoint, .. command];

    /// <summary>Throws when the namespace cannot be made, by making one.</summary>
    internal static void Check(string mountPoint)
    {
        foreach (string tool in (string[])["unshare", "mount"])
        {
            if (Execution.Find(tool) is null)
                throw new CommandException($"{tool} is not found; install util-linux");
        }
        IReadOnlyList<string> attempt = Wrap(mountPoint, ["true"]);
        (int status, _, string error) = ChildProcess.Run(attempt[0], [.. attempt.Skip(1)]);
        if (status == 0)
            return;
        string advice = Descriptors.EffectiveUser == 0
            ? "root needs CAP_SYS_ADMIN for it, which a container may not have"
            : "are user namespaces allowed? (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)";
        throw new CommandException($"QEMU's private /sys cannot be made: {ChildProcess.FirstLine(error)}; {advice}");
    }
}
