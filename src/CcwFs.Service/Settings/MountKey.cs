using CcwFs.ChannelIo.Text;
using CcwFs.Control;
using CcwFs.Fuse;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Logs;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Settings;

/// <summary>What a key of the configuration takes.</summary>
internal enum MountKeyType
{
    /// <summary>A text.</summary>
    Text,

    /// <summary>true or false; as an option it stands alone.</summary>
    Flag,

    /// <summary>An array of devices; as an option one device, repeated.</summary>
    Devices,
}

/// <summary>One key of the configuration, and the option of `ccwfs mount` of the same name.</summary>
/// <param name="Key">The key.</param>
/// <param name="Type">What it takes.</param>
/// <param name="Value">What its value looks like.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Set">Takes a value (of a flag: "true" or "false") into the settings; gives null, or what is wrong with it.</param>
internal sealed record MountKey(string Key, MountKeyType Type, string Value, string Help, Func<MountSettings, string, string?> Set)
{
    /// <summary>The levels of --log-level.</summary>
    private static readonly (string Name, LogLevel Level)[] s_levels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information), ("warning", LogLevel.Warning),
            ("error", LogLevel.Error),
    ];

    /// <summary>The keys.</summary>
    internal static readonly MountKey[] Keys =
    [
        new("mountpoint", MountKeyType.Text, "DIRECTORY", "Where to mount. The default is /run/ccwfs for root and $XDG_RUNTIME_DIR/ccwfs for others.",
            SetMountPoint),
        new("devices", MountKeyType.Devices, "SPEC",
            "The devices. Without this key there is one volume, which is made on first use. Say [] for no device at all.", AddDevice)
            { Option = "--device", AtRunTime = true },
        new("memory", MountKeyType.Text, "SIZE|PATH", "The guest storage: a size, or a file that another program maps too. The default is 256M.",
            SetMemory),
        new("owner", MountKeyType.Text, "USER", "The owner of the files, a name or a number. The default is the user who mounts.",
            (s, v) => SystemNames.FindId(v, "/etc/passwd", "user", out string? wrong) is { } id ? Done(s.Uid = id) : wrong),
        new("group", MountKeyType.Text, "GROUP", "The group of the files, a name or a number. The default is the group of the user who mounts.",
            (s, v) => SystemNames.FindId(v, "/etc/group", "group", out string? wrong) is { } id ? Done(s.Gid = id) : wrong),
        new("mode", MountKeyType.Text, "OCTAL", "The permissions of the files: read and write bits. The default is 0600.",
            (s, v) => SystemNames.ParseMode(v) is { } mode ? Done(s.FileMode = mode) : "give read and write bits in octal, like 0660"),
        new("allow-other", MountKeyType.Flag, "true|false", "Let other users in, as far as owner, group and mode allow it.", (s, v) =>
            Done(s.AllowOther = v == "true")),
        new("uring", MountKeyType.Text, "auto|on|off",
            "FUSE over io_uring: on, on where the kernel has it switched on (auto), or off. The default is off.", SetTransport),
        new("log", MountKeyType.Text, "console|journal|FILE",
            "Where log lines go: console is standard error, journal is the journal with priorities, and with --daemon it may be a file. The default is the journal where standard error is the journal, and for a daemon where there is one; else console.",
            (s, v) => v.Length > 0 ? Done(s.Log = v is LogOutput.Console or LogOutput.Journal ? v : Path.GetFullPath(v, s.Directory))
                : "it is console, journal or a file"),
        new("log-level", MountKeyType.Text, "trace|debug|information|warning|error",
            "What is logged: this level and all that is worse. The default is warning.", SetLevel)
            { AtRunTime = true },
        new("verbose", MountKeyType.Flag, "true|false", "Log more: this is the level debug.", (s, v) => v == "true"
            ? Done(s.LogLevel = LogLevel.Debug) : null)
            { Alias = "-v", AtRunTime = true },
    ];

    /// <summary>The words of --uring.</summary>
    private static readonly (string Name, FuseTransport Transport)[] s_transports =
        [("auto", FuseTransport.Auto), ("on", FuseTransport.Rings), ("off", FuseTransport.Classic)];

    /// <summary>The option's name; the mount point is an argument in place of an option.</summary>
    internal string Option { get; init; } = "--" + Key;

    /// <summary>A short name of the option.</summary>
    internal string? Alias { get; init; }

    /// <summary>A reload takes a new value at once; all else wants a new mount.</summary>
    internal bool AtRunTime { get; init; }

    /// <summary>The key that is called <paramref name="key"/>; "device" is another word for "devices".</summary>
    internal static MountKey? Find(string key) => Array.Find(Keys, k => k.Key == (key == "device" ? "devices" : key));

    private static string? Done(object? _) => null;

    private static string? SetMountPoint(MountSettings settings, string value)
    {
        if (value.Length == 0)
            return "a directory is missing";
        settings.MountPoint = Path.GetFullPath(value, settings.Directory);
        return null;
    }

    private static string? AddDevice(MountSettings settings, string value)
    {
        (settings.Devices ??= []).Add(DeviceKinds.Parse(value));
        return null;
    }

    private static string? SetMemory(MountSettings settings, string value)
    {
        settings.Memory = GuestStorage.IsSize(value) ? value : Path.GetFullPath(value, settings.Directory);
        return GuestStorage.WrongSize(value);
    }

    private static string? SetTransport(MountSettings settings, string value)
    {
        (string? name, FuseTransport transport) = Array.Find(s_transports, t => t.Name == value);
        return name is null ? "it is auto, on or off" : Done(settings.Transport = transport);
    }

    private static string? SetLevel(MountSettings settings, string value)
    {
        (string? name, LogLevel level) = Array.Find(s_levels, l => l.Name == value);
        if (name is null)
            return $"unknown level{Nearest.Hint(value, s_levels.Select(l => l.Name), $"it is one of {string.Join(", ", s_levels.Select(l => l.Name))}")}";
        settings.LogLevel = level;
        return null;
    }
}
