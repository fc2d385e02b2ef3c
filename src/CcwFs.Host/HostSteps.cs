using CcwFs.Control;
using CcwFs.Linux;

namespace CcwFs.Host;

/// <summary>
/// One row of the way from a device that Linux uses to a subchannel of a mount. Attach does the rows that are not done, downwards; detach, and an
/// attach that failed, undo those that are not undone, upwards.
/// </summary>
/// <param name="Name">What messages call it.</param>
/// <param name="IsDone">Nothing to do.</param>
/// <param name="Do">What it does; made when its turn comes.</param>
/// <param name="IsUndone">Nothing to undo.</param>
/// <param name="Undo">What takes it back.</param>
internal sealed record HostStep(
    string Name, Func<HostTarget, bool> IsDone, Func<HostTarget, IEnumerable<HostAction>> Do,
    Func<HostTarget, bool> IsUndone, Func<HostTarget, IEnumerable<HostAction>> Undo)
{
    /// <summary>It needs no subchannel, which is not known while the device is hidden.</summary>
    internal bool IsEarly { get; init; }

    /// <summary>What it did stays when the subchannel is gone, and can be undone then.</summary>
    internal bool OutlivesSubchannel { get; init; }
}

/// <summary>The rows.</summary>
internal static class HostSteps
{
    private const string NoModule =
        "; this kernel has no vfio_ccw: Debian's s390x kernel is built without it, those of Ubuntu, Fedora, RHEL and SLES have it";

    /// <summary>
    /// In the order of attach; the subchannel is known from "identify" on. The override goes after the unbinding so that, upwards, it is cleared
    /// before the old driver is probed.
    /// </summary>
    internal static readonly HostStep[] All =
    [
        new("record", t => HostFiles.Read(t.RecordPath) == t.Before.ToText(), t => [new SaveFile(t.RecordPath, t.Before.ToText())],
            t => t.IsRollback && t.Recorded is not null ? HostFiles.Read(t.RecordPath) == t.Recorded.ToText() : !HostFiles.Exists(t.RecordPath),
            t => [t.IsRollback && t.Recorded is not null ? new SaveFile(t.RecordPath, t.Recorded.ToText()) : new DeleteFile(t.RecordPath)])
        { IsEarly = true, OutlivesSubchannel = true },

        new("unhide", t => t.IsFound,
            t => [new WriteAttribute(IgnoredDevices.List(t.Roots), $"free {t.Device}"), new WriteAttribute(IgnoredDevices.Settle(t.Roots), "1"),
                Await(t, t.Find, $"[ -e {t.Roots.Ccw}/devices/{t.Device} ]",
                    $"device {t.Device} is no longer ignored but did not come; is it there?")],
            t => !t.Before.Hidden || (IsIgnored(t) && (!t.IsVisible || t.OthersToPurge().Any())), Hide)
        { IsEarly = true, OutlivesSubchannel = true },

        new("identify", t => !t.Before.Hidden || HostFiles.Read(t.RecordPath) == t.Before.ToText(), t =>
            [new SaveFile(t.RecordPath, t.Before.ToText())], _ => true, _ => []),

        // A module that was loaded stays after a detach: other subchannels may have come to use it.
        new("module", t => HostFiles.Exists(t.DriverDirectory),
            t => [new RunProgram("modprobe", [HostDevice.VfioDriver], said => said.Contains("not found", StringComparison.Ordinal) ? NoModule : ""),
                Await(t, () => HostFiles.Exists(t.DriverDirectory), $"[ -e {t.DriverDirectory} ]", $"{t.DriverDirectory} is not there{NoModule}")],
            t => !t.IsRollback || !HostFiles.Exists(t.DriverDirectory), _ => [new RunProgram("modprobe", ["-r", HostDevice.VfioDriver])])
        { IsEarly = true },

        new("offline", t => t.Now.IsOnline != true, TakeOffline,
            t => !t.Before.Online || t.Now.IsOnline == true,
            t => [Await(t, () => t.Now.IsOnline is not null, $"[ -e {t.Directory}/{t.Before.Device}/online ]",
                $"device {t.Before.Device} did not come back on subchannel {t.Id}"),
                new WriteAttribute($"{t.Directory}/{t.Before.Device}/online", "1"),
                Await(t, () => t.Now.IsOnline == true, $"grep -q 1 {t.Directory}/{t.Before.Device}/online",
                    $"device {t.Before.Device} is still offline")]),

        new("unbind", t => t.Now.Driver is null or HostDevice.VfioDriver,
            t => [new WriteAttribute($"{t.Directory}/driver/unbind", t.Id.ToString()),
                Await(t, () => t.Now.Driver is null, $"[ ! -e {t.Directory}/driver ]", $"{t.Now.Driver} did not let go of subchannel {t.Id}")],
            t => t.Now.Driver is not (null or HostDevice.VfioDriver) || t.Before.Driver is null,
            t => [Probe(t),
                Await(t, () => t.Now.Driver is not (null or HostDevice.VfioDriver), $"[ -e {t.Directory}/driver ]",
                $"no driver took subchannel {t.Id} back (see dmesg)")]),

        new("override", t => t.Now.Override == HostDevice.VfioDriver || t.Now.Driver == HostDevice.VfioDriver || !HasOverride(t),
            t => [new WriteAttribute($"{t.Directory}/driver_override", HostDevice.VfioDriver), Await(t, () => t.Now.Override == HostDevice.VfioDriver,
                $"grep -q vfio_ccw {t.Directory}/driver_override", $"{t.Directory}/driver_override did not take vfio_ccw")],
            t => t.Now.Override != HostDevice.VfioDriver, t => [new WriteAttribute($"{t.Directory}/driver_override", t.Before.Override ?? ""),
                Await(t, () => t.Now.Override != HostDevice.VfioDriver, $"! grep -q vfio_ccw {t.Directory}/driver_override",
                    $"{t.Directory}/driver_override keeps vfio_ccw")]),

        // It unbinds and probes by itself, in either direction.
        new("driverctl", t => !HasTools(t) || IsDriverctls(t),
            t => [Driverctl("set-override", t.Id.ToString(), HostDevice.VfioDriver)], t => !t.Before.Persist || !t.IsFound || !IsDriverctls(t),
            t => [!t.IsThere ? new DeleteFile(DriverctlFile(t))
                : t.Before.Override is { } before ? Driverctl("set-override", t.Id.ToString(), before)
                    : Driverctl("unset-override", t.Id.ToString())])
        { OutlivesSubchannel = true },

        new("bind", t => t.Now.Driver == HostDevice.VfioDriver,
            t => [HasOverride(t) ? Probe(t) : new WriteAttribute($"{t.DriverDirectory}/bind", t.Id.ToString()),
                Await(t, () => t.Now.Driver == HostDevice.VfioDriver, $"[ -e {t.DriverDirectory}/{t.Id} ]",
                    $"vfio_ccw did not take subchannel {t.Id}; is it a QDIO device? (see dmesg)")],
            t => t.Now.Driver != HostDevice.VfioDriver,
            t => [new WriteAttribute($"{t.DriverDirectory}/unbind", t.Id.ToString()),
                Await(t, () => t.Now.Driver != HostDevice.VfioDriver, $"[ ! -e {t.DriverDirectory}/{t.Id} ]",
                    $"vfio_ccw did not let go of subchannel {t.Id}")]),

        new("mdev", t => t.Now.Mdev is not null,
            t => [Await(t, () => HostFiles.Exists($"{TypeDirectory(t)}/create"), $"[ -e {TypeDirectory(t)}/create ]",
                $"vfio_ccw offers no mediated device: {TypeDirectory(t)}/create is not there"),
                new WriteAttribute($"{TypeDirectory(t)}/create", t.Uuid),
                Await(t, () => HasMdev(t, t.Uuid), $"[ -e {MdevPath(t)} ]", $"the mediated device did not come: {MdevPath(t)} is not there")],
            t => t.Now.Mdev is null,
            t => [new WriteAttribute($"{t.Directory}/{t.Now.Mdev?.Uuid ?? t.Uuid}/remove", "1"),
                Await(t, () => t.Now.Mdev is null, $"[ ! -e {MdevPath(t)} ]", $"mediated device {t.Uuid} is still there")]),

        new("mdevctl", t => !HasTools(t) || HostFiles.Exists(MdevctlFile(t)),
            t => [new RunProgram("mdevctl", ["define", "-a", "-u", t.Uuid, "-p", t.Id.ToString(), "-t", HostDevice.MdevType])],
            t => !t.Before.Persist || !t.IsFound || !HostFiles.Exists(MdevctlFile(t)),
            t => [new RunProgram("mdevctl", ["undefine", "-u", t.Uuid, "-p", t.Id.ToString()])])
        { OutlivesSubchannel = true },

        // The tools know neither of hidden devices nor of the mount.
        new("unit", t => !t.Options.Persist || (HasTools(t) && !t.Before.Hidden && t.Options.MountPoint is null) || AttachUnit.IsThere(t),
            AttachUnit.Install, AttachUnit.IsGone, AttachUnit.Remove)
        {
            OutlivesSubchannel = true,
        },

        new("mount", t => t.Options.MountPoint is null || t.Mounted is not null,
            t => [new AskMount(t.Options.MountPoint!, new ControlRequest { Verb = "add", Spec = Spec(t), Directory = "/" },
                $"ccwfs add {ShellText.Quote(Spec(t))}")],
            t => t.Options.MountPoint is not { } mountPoint || !t.IsFound || (t.IsRollback && !HostMounts.IsAlive(mountPoint)) || t.Mounted is null,
            t => [new AskMount(t.Options.MountPoint!, new ControlRequest { Verb = "remove", Id = t.Mounted?.Subchannel, Force = t.Options.Force },
                $"ccwfs remove {t.Mounted?.Subchannel}{(t.Options.Force ? " --force" : "")}")])
        { OutlivesSubchannel = true },
    ];

    /// <summary>The device's SPEC in a mount: under the host's own id, unless the keys say otherwise.</summary>
    internal static string Spec(HostTarget target) =>
        $"vfio,device={target.Uuid}{(target.Options.KeysSayId ? "" : $",id={target.Id}")}{(target.Options.Keys is { Length: > 0 } keys ? "," + keys : "")}";

    private static string TypeDirectory(HostTarget target) => $"{target.Directory}/mdev_supported_types/{HostDevice.MdevType}";

    private static string MdevPath(HostTarget target) => $"{target.Roots.Mdev}/devices/{target.Uuid}";

    private static bool HasMdev(HostTarget target, string uuid) => target.Now.Mdev?.Uuid == uuid && HostFiles.Exists(MdevPath(target));

    private static bool HasOverride(HostTarget target) => HostFiles.Exists($"{target.Directory}/driver_override");

    private static bool IsIgnored(HostTarget target) => IgnoredDevices.Contains(target.Roots, target.Device!.Value);

    /// <summary>
    /// The list alone keeps a device away that is not there now. One that is there goes with a purge only, which takes every other ignored device
    /// that is not online too (drivers/s390/cio/device.c): so where there are such, it stays to be seen.
    /// </summary>
    private static IEnumerable<HostAction> Hide(HostTarget target)
    {
        string list = IgnoredDevices.List(target.Roots);
        if (!IsIgnored(target))
        {
            yield return new WriteAttribute(list, $"add {target.Device}");
            yield return Await(target, () => IsIgnored(target), $"[ -e {list} ]", $"{list} did not take {target.Device}");
        }
        if (!target.IsVisible || target.OthersToPurge().Any())
            yield break;
        yield return new WriteAttribute(list, "purge");
        yield return Await(target, () => !target.IsVisible, $"[ ! -e {target.Roots.Ccw}/devices/{target.Device} ]",
            $"device {target.Device} is still there, though it is to be ignored");
    }

    private static RunProgram Driverctl(params string[] words) => new("driverctl", ["-b", "css", .. words]);

    private static WriteAttribute Probe(HostTarget target) => new($"{target.Roots.Css}/drivers_probe", target.Id.ToString());

    private static AwaitState Await(HostTarget target, Func<bool> hasCome, string shell, string otherwise) => new(
        () =>
        {
            target.Waiting();
            return hasCome();
        },
        target.Options.Patience, shell, otherwise);

    /// <summary>Both or neither: the one without the other does not bring a device back.</summary>
    private static bool HasTools(HostTarget target) =>
        target.Options.Persist && HasOverride(target) && Execution.Find("driverctl") is not null && Execution.Find("mdevctl") is not null;

    /// <summary>driverctl's file for the subchannel names our driver; another one is a person's own choice.</summary>
    private static bool IsDriverctls(HostTarget target) => HostFiles.ReadLine(DriverctlFile(target)) == HostDevice.VfioDriver;

    private static string DriverctlFile(HostTarget target) => $"{target.Roots.Root}/etc/driverctl.d/css-{target.Id}";

    private static string MdevctlFile(HostTarget target) => $"{target.Roots.Root}/etc/mdevctl.d/{target.Id}/{target.Uuid}";

    /// <summary>A device in use that --force takes away is given the time to finish its I/O, where its driver can do that.</summary>
    private static IEnumerable<HostAction> TakeOffline(HostTarget target)
    {
        HostDevice now = target.Now;
        string device = $"{target.Directory}/{now.Device}";
        bool safely = target.Options.Force && HostFiles.Exists($"{device}/safe_offline") && HostUse.OfDevice(now, target.Roots).Any();
        yield return safely ? new WriteAttribute($"{device}/safe_offline", "1") : new WriteAttribute($"{device}/online", "0");
        yield return Await(target, () => target.Now.IsOnline != true, $"grep -q 0 {device}/online", $"device {now.Device} is still online");
    }
}
