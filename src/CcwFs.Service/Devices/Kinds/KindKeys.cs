using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Images;
using CcwFs.Faults.Rules;
using CcwFs.Policy;
using CcwFs.Trace;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>Keys that several kinds have.</summary>
internal static class KindKeys
{
    private const byte MaxRealCss = 3;     // the machines have up to four; SA22-7832 allows 256
    private const byte VirtualCss = 0xFE;  // QEMU's (include/hw/s390x/css.h): a guest sees it as 0
    private const int MaxSyncSeconds = 3_600; // an hour, arbitrary
    private const int MaxPaths = 8; // SA22-7832: the path masks have eight bits

    /// <summary>Where a device stands.</summary>
    internal static readonly SpecKey[] Place =
    [
        new("id", "C.S.NNNN",
            "The bus id of the subchannel. The default is the id that a real subchannel has, else the first free one from 0.0.0000 on.",
            (s, v) => SubchannelId.TryParse(v, out SubchannelId id) ? WrongCss(id.CssId) ?? Assign(s.Id = id) : "it is written like 0.0.0000"),
        new("devno", "C.S.NNNN", "The bus id of the device. The default is what a real device says, else the sum of 0150 and the subchannel number, or the next free number.",
            (s, v) => DeviceId.TryParse(v, out DeviceId id) ? WrongCss(id.CssId) ?? Assign(s.Device = id) : "it is written like 0.0.0150"),
        new("css", "0-3|fe", "The channel subsystem in which it is shown. The default is the one in which it is.", SetCss),
    ];

    /// <summary>The channel paths of an emulated subchannel.</summary>
    internal static readonly SpecKey ChannelPaths = new("chpids", "XX.XX…", "The channel paths, one to eight. The default is 40.", SetPaths);

    /// <summary>What programs may do.</summary>
    internal static readonly SpecKey[] Policy =
    [
        new("readonly", null, "Nothing can be written to the volume.", (s, _) =>
            Assign(s.Policy = s.Policy with { ReadOnly = true })) { AtRunTime = true },
        new("allow", "COMMAND.…", "The only commands and orders that may be used, with dots between them, like READ_DATA.86.psf:18.psf:18/0e.dso:81.",
            (s, v) => Wrong(s, set => CommandList.TryParse(v, set, out _)) ?? Assign(s.Policy = s.Policy with { Allow = v })) { AtRunTime = true },
        new("deny", "COMMAND.…", "The commands and orders that may not be used, written in the same way.",
            (s, v) => Wrong(s, set => CommandList.TryParse(v, set, out _)) ?? Assign(s.Policy = s.Policy with { Deny = v })) { AtRunTime = true },
        new("extents", "C/H-C/H.…", "The only tracks that may be written. C-C and C are whole cylinders. A disk of blocks (9336) has N-N.",
            (s, v) => Wrong(s, set => ExtentRanges.TryParse(v, set, out _)) ?? Assign(s.Policy = s.Policy with { Extents = v })) { AtRunTime = true },
        new("max-ccws", "N", "The largest number of CCWs in a program.",
            (s, v) => IsNumber(v, int.MaxValue, out long n) ?? Assign(s.Policy = s.Policy with { MaxCcws = (int)n })) { AtRunTime = true },
        new("max-bytes", "N", "The largest sum of the byte counts of all CCWs in a program.",
            (s, v) => IsNumber(v, long.MaxValue, out long n) ?? Assign(s.Policy = s.Policy with { MaxBytes = n })) { AtRunTime = true },
    ];

    /// <summary>Faults that are injected.</summary>
    internal static readonly SpecKey[] Faults =
    [
        new("fault", "RULE", "A fault to inject: a rule or a preset of ccwfs-faults(7). This key can be given several times.", AddFault)
        {
            AtRunTime = true, Repeats = true,
        },
        new("hostile", "SEED", "The device gives random status, sense, lengths and delays, the same ones for the same seed.", SetHostile)
        {
            AtRunTime = true,
        },
    ];

    /// <summary>How many devices a SPEC is.</summary>
    internal static readonly SpecKey Count = new("count", "N", "Make N devices, with the ids that follow. image=PATH may hold %d.", SetCount);

    /// <summary>The flight recorder.</summary>
    internal static readonly SpecKey[] Flight =
    [
        new("flight", "N", $"How many programs the flight recorder keeps, 0 for none. The default is {TraceLayer.DefaultFlight}.", SetFlight),
        new("flight-data", "N|all", "How many of the first bytes of each command's data it keeps. The default is 0.", SetFlightData),
    ];

    /// <summary>The image of a volume.</summary>
    internal static SpecKey Image(string help) => new("image", "PATH", help, (s, v) => SetPath(v, () => s.Image = v));

    /// <summary>When writes to an image go to stable storage; <paramref name="more"/>: what is to be said of a power cut.</summary>
    internal static SpecKey Sync(string more) => new("sync", "none|program|SECONDS",
        "When writes go to stable storage: none is when the image is closed, program is at the end of every program, and SECONDS is so many seconds "
            + "after a write. The default is none." + more, SetSync) { AtRunTime = true };

    /// <summary>Gives null: nothing is wrong with a value that was assigned.</summary>
    internal static string? Assign(object? _) => null;

    /// <summary>Takes a path; gives null, or what is wrong with it.</summary>
    internal static string? SetPath(string value, Action set)
    {
        set();
        return value.Length == 0 ? "a path is missing" : null;
    }

    /// <summary>A number from 1 to <paramref name="most"/>; gives null, or what is wrong.</summary>
    internal static string? IsNumber(string value, long most, out long number) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= most
            ? null : "it is a number from 1 on";

    /// <summary>
    /// What is wrong with a value that means something in a family alone; null where a family that the device may be of takes it. What a real device
    /// is, is only known when it is there.
    /// </summary>
    private static string? Wrong(DeviceSpec spec, Func<CommandSet, string?> parse)
    {
        IEnumerable<string?> found = spec.Kind.Families.Select(parse);
        return found.Contains(null) ? null : found.First();
    }

    private static string? AddFault(DeviceSpec spec, string value)
    {
        IReadOnlyList<FaultRule> rules = [];
        return Wrong(spec, set => FaultRule.TryParse(value, new FaultTarget(set, !spec.Kind.IsReal), out rules)) ?? spec.Faults.Add(value, rules);
    }

    private static string? SetHostile(DeviceSpec spec, string value)
    {
        bool isNumber = ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed);
        spec.Faults.Hostile = seed;
        return isNumber ? null : "it is a number, the seed";
    }

    private static string? SetCount(DeviceSpec spec, string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count is < 1 or > DeviceSpec.MaxCount)
            return $"it is a number from 1 to {DeviceSpec.MaxCount}";
        spec.Count = count;
        return null;
    }

    private static string? SetFlight(DeviceSpec spec, string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int programs) || programs > TraceLayer.MaxFlight)
            return $"it is a number from 0 to {TraceLayer.MaxFlight}";
        spec.Flight = programs;
        return null;
    }

    private static string? SetFlightData(DeviceSpec spec, string value)
    {
        int bytes = TraceLayer.MaxData;
        if (value != "all" && (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out bytes) || bytes > TraceLayer.MaxData))
            return $"it is all, or a number from 0 to {TraceLayer.MaxData}";
        spec.FlightData = bytes;
        return null;
    }

    private static string? SetSync(DeviceSpec spec, string value)
    {
        bool isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            && seconds is >= 1 and <= MaxSyncSeconds;
        spec.Sync = value == "program" ? ImageSync.Program : isNumber ? new ImageSync(EveryProgram: false, seconds) : ImageSync.None;
        return isNumber || value is "none" or "program" ? null : $"it is none, program, or a number of seconds from 1 to {MaxSyncSeconds}";
    }

    private static string? SetCss(DeviceSpec spec, string value)
    {
        bool isNumber = byte.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte css);
        spec.Css = css;
        return isNumber && WrongCss(css) is null ? null : $"it is 0 to {MaxRealCss}, or {VirtualCss:x}";
    }

    private static string? SetPaths(DeviceSpec spec, string value)
    {
        string[] parts = value.Split('.');
        var paths = new byte[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i].Length != 2 || !byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out paths[i]))
                return "channel-path ids are two hex digits each, with dots between: 40.41";
        }
        if (paths.Length > MaxPaths || paths.Distinct().Count() != paths.Length)
            return $"one to {MaxPaths} different channel paths";
        spec.ChannelPaths = paths;
        return null;
    }

    private static string? WrongCss(byte css) =>
        css is <= MaxRealCss or VirtualCss ? null : $"there is no channel subsystem {css:x}: it is 0 to {MaxRealCss}, or {VirtualCss:x}";
}
