using System.Globalization;
using Mono.Unix.Native;

namespace CcwFs.HostFixture;

/// <summary>One subchannel of the model, with what hangs on it.</summary>
internal sealed class ModelSubchannel(string id, string device, string deviceDriver)
{
    internal string Id { get; } = id;

    /// <summary>The device behind it; stays what it is.</summary>
    internal string Device { get; } = device;

    /// <summary>The driver that takes the device when io_subchannel has the subchannel.</summary>
    internal string DeviceDriver { get; } = deviceDriver;

    /// <summary>The name of its disk; null when it is none.</summary>
    internal string? Disk { get; init; }

    /// <summary>The group device it is part of.</summary>
    internal string? Group { get; init; }

    /// <summary>0 for I/O.</summary>
    internal int Type { get; init; }

    /// <summary>A QDIO device: vfio_ccw does not take it.</summary>
    internal bool IsQdio => Group is not null;

    internal string? Driver { get; set; } = "io_subchannel";

    internal string? Override { get; set; }

    internal bool IsOnline { get; set; }

    internal string? Mdev { get; set; }

    internal string Css => $"css{Id.Split('.')[0]}";
}

/// <summary>
/// A channel subsystem as Linux shows it in /sys and /proc, and what writes to its attributes do: the css and ccw buses, the io_subchannel and
/// vfio_ccw drivers, mediated devices, cio_ignore. Guarded by itself.
/// </summary>
internal sealed class HostModel
{
    private const string VfioDriver = "vfio_ccw", IoDriver = "io_subchannel";

    private readonly List<(string Path, string Text, int Errno, bool Once)> _failures = [];

    internal List<ModelSubchannel> Subchannels { get; } =
    [
        new("0.0.0313", "0.0.2b09", "dasd-eckd") { IsOnline = true, Disk = "dasda" },
        new("0.0.0314", "0.0.2b0a", "dasd-eckd") { Disk = "dasdb" },
        new("0.0.0320", "0.0.f5f0", "qeth") { IsOnline = true, Group = "0.0.f5f0" },
        new("0.0.0330", "0.0.3000", "dasd-eckd"),
        new("0.0.0ff0", "none", "") { Type = 1, Driver = "chsc_subchannel" },
        new("0.1.0005", "0.1.0150", "tape_34xx") { IsOnline = true },
    ];

    /// <summary>The list of ignored devices, one per line.</summary>
    internal List<string> Ignored { get; } = ["0.0.3000"];

    /// <summary>The name of this boot.</summary>
    internal string Boot { get; set; } = "5d0c8a5e-0000-4000-8000-000000000001";

    /// <summary>vfio_ccw is loaded.</summary>
    internal bool HasModule { get; set; }

    /// <summary>Before Linux 6.6: no character device of a mediated device; and no driver_override.</summary>
    internal bool IsOld { get; set; }

    /// <summary>Lines of /proc/self/mountinfo: "dasda1 /srv".</summary>
    internal List<(string Disk, string Place)> Mounts { get; } = [];

    /// <summary>Open files of a process.</summary>
    internal List<(int Pid, string Name, string Target)> Holders { get; } = [];

    /// <summary>Every write that was accepted, in order.</summary>
    internal List<string> Writes { get; } = [];

    /// <summary>A write of this text (* any) to this path ends with this errno; 0: it is accepted and does nothing. Once, or always.</summary>
    internal void Fail(string path, string text, int errno, bool once) => _failures.Add((path, text, errno, once));

    /// <summary>How many failures have not come yet, or come always.</summary>
    internal int FailuresLeft => _failures.Count;

    /// <summary>Nothing fails any more.</summary>
    internal void Heal() => _failures.Clear();

    /// <summary>The subchannels that Linux sees.</summary>
    internal IEnumerable<ModelSubchannel> Visible => Subchannels.Where(s => s.Driver != "hidden");

    /// <summary>One write(2) to an attribute; 0 or a negative errno.</summary>
    internal int Write(string path, string text)
    {
        int failing = _failures.FindIndex(f => f.Path == path && (f.Text == "*" || f.Text == text));
        if (failing >= 0)
        {
            (_, _, int errno, bool once) = _failures[failing];
            if (once)
                _failures.RemoveAt(failing);
            return -errno;
        }
        int result = Apply(path, text);
        if (result == 0)
            Writes.Add($"{path} {text}".TrimEnd());
        return result;
    }

    private int Apply(string path, string text)
    {
        string[] parts = path.Split('/');
        return parts switch
        {
            ["proc", "cio_settle"] => 0,
            ["proc", "cio_ignore"] => Ignore(text.Split(' ')),
            ["fake", "modprobe"] => Modprobe(text),
            ["sys", "bus", "css", "drivers_probe"] => Probe(Find(text)),
            ["sys", "bus", "css", "drivers", var driver, "bind"] => Bind(Find(text), driver),
            ["sys", "bus", "css", "drivers", var driver, "unbind"] => Unbind(Find(text), driver),
            ["sys", "devices", _, var id, "driver_override"] => Override(Find(id), text),
            ["sys", "devices", _, var id, "mdev_supported_types", _, "create"] => Create(Find(id), text),
            ["sys", "devices", _, var id, _, "remove"] => Remove(Find(id), text),
            ["sys", "devices", _, var id, _, "online" or "safe_offline"] => SetOnline(Find(id), parts[^1] == "online" ? text : "0"),
            _ => -(int)Errno.EACCES,
        };
    }

    private ModelSubchannel? Find(string id) => Visible.FirstOrDefault(s => s.Id == id);

    private int Ignore(string[] words)
    {
        switch (words)
        {
            case ["free", var device] when Ignored.Remove(device):
                foreach (ModelSubchannel subchannel in Subchannels.Where(s => s.Device == device && s.Driver == "hidden"))
                    subchannel.Driver = IoDriver;
                return 0;
            case ["free", _]:
                return 0;
            case ["add", var device]:
                if (!Ignored.Contains(device))
                    Ignored.Add(device);
                return 0;
            case ["purge"]:
                foreach (ModelSubchannel subchannel in Subchannels.Where(s => Ignored.Contains(s.Device) && s.Driver == IoDriver && !s.IsOnline))
                    subchannel.Driver = "hidden";
                return 0;
            default:
                return -(int)Errno.EINVAL;
        }
    }

    private int Modprobe(string text)
    {
        if (text == "-r vfio_ccw" && Subchannels.Any(s => s.Driver == VfioDriver))
            return -(int)Errno.EBUSY;
        HasModule = text == VfioDriver;
        return 0;
    }

    private int Probe(ModelSubchannel? subchannel)
    {
        if (subchannel is null)
            return -(int)Errno.ENODEV;
        if (subchannel.Driver is null)
            Bind(subchannel, subchannel.Override ?? (subchannel.Type == 0 ? IoDriver : "chsc_subchannel"));
        return 0;
    }

    private int Bind(ModelSubchannel? subchannel, string driver)
    {
        if (subchannel is null || (driver == VfioDriver && (!HasModule || subchannel.IsQdio)) || (subchannel.Override ?? driver) != driver)
            return -(int)Errno.ENODEV;
        if (subchannel.Driver is not null)
            return -(int)Errno.EBUSY;
        subchannel.Driver = driver;
        return 0;
    }

    private static int Unbind(ModelSubchannel? subchannel, string driver)
    {
        if (subchannel is null || subchannel.Driver != driver)
            return -(int)Errno.ENODEV;
        (subchannel.Driver, subchannel.IsOnline, subchannel.Mdev) = (null, false, null);
        return 0;
    }

    private static int Override(ModelSubchannel? subchannel, string text)
    {
        if (subchannel is null)
            return -(int)Errno.ENODEV;
        subchannel.Override = text.Length == 0 ? null : text;
        return 0;
    }

    private int Create(ModelSubchannel? subchannel, string text)
    {
        if (subchannel is null || !Guid.TryParseExact(text, "D", out Guid uuid))
            return -(int)Errno.EINVAL;
        if (Subchannels.Any(s => s.Mdev == uuid.ToString()))
            return -(int)Errno.EEXIST;
        if (subchannel.Mdev is not null)
            return -(int)Errno.EUSERS;
        subchannel.Mdev = uuid.ToString();
        return 0;
    }

    private static int Remove(ModelSubchannel? subchannel, string text)
    {
        if (subchannel?.Mdev is null || text != "1")
            return -(int)Errno.EINVAL;
        subchannel.Mdev = null;
        return 0;
    }

    private int SetOnline(ModelSubchannel? subchannel, string text)
    {
        if (subchannel is null || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int online))
            return -(int)Errno.EINVAL;
        if (online == 0 && subchannel.Disk is { } disk && Mounts.Any(m => m.Disk.StartsWith(disk, StringComparison.Ordinal)))
            return -(int)Errno.EBUSY;
        subchannel.IsOnline = online == 1;
        return 0;
    }
}
