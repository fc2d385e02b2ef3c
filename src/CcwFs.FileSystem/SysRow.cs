using System.Globalization;
using System.Text;
using CcwFs.ChannelIo;

namespace CcwFs.FileSystem;

/// <summary>How many of a sysfs node there are: one, or one a channel subsystem, a channel path, a subchannel.</summary>
internal enum SysScope
{
    Once,
    Css,
    ChannelPath,
    Subchannel,
}

/// <summary>Which one of its scope a node is about.</summary>
/// <param name="Css">Channel-subsystem id, from <see cref="SysScope.Css"/> on.</param>
/// <param name="Chpid">Channel-path id, in <see cref="SysScope.ChannelPath"/>.</param>
/// <param name="Entry">The subchannel, in <see cref="SysScope.Subchannel"/>.</param>
/// <param name="Subchannels">All subchannels, for what sums up several.</param>
internal readonly record struct SysPlace(byte Css, byte Chpid, MountedSubchannel? Entry, IReadOnlyList<MountedSubchannel> Subchannels)
{
    internal SubchannelId Id => Entry!.Id;

    /// <summary>The path management now; zeros when the subchannel is not operational any more.</summary>
    internal Pmcw Pmcw => Entry!.Store(out Schib schib) ? schib.Pmcw : default;

    /// <summary>A name with its variable parts filled in.</summary>
    internal string Expand(string name) => name switch
    {
        "{id}" => Id.ToString(),
        "{uuid}" => Entry!.Uuid,
        "css{css}" => string.Create(CultureInfo.InvariantCulture, $"css{Css:x}"),
        "chp0.{chp}" => string.Create(CultureInfo.InvariantCulture, $"chp0.{Chpid:x2}"),
        _ => name,
    };
}

/// <summary>
/// One row per kind of sysfs node. The names, targets and texts are those of the kernel's css bus, vfio_ccw and mdev drivers
/// (drivers/s390/cio/css.c, chp.c, vfio_ccw_drv.c; Documentation/arch/s390/vfio-ccw.rst); a VFIO client reads a few of them, people the others.
/// </summary>
internal sealed class SysRow
{
    /// <summary>Channel-path type of the emulated paths: FICON point to point (the descriptor's byte 3 in CHSC 0002).</summary>
    internal const byte Ficon = 0x1B;

    private const string Subchannel = "devices/css{css}/{id}", Mdev = Subchannel + "/{uuid}", Path = "devices/css{css}/chp0.{chp}";
    private const string Type = Subchannel + "/mdev_supported_types/vfio_ccw-io";

    private SysRow(string path, uint type, Func<SysPlace, string>? text)
    {
        int slash = path.LastIndexOf('/');
        (ParentPath, Name) = slash < 0 ? (path.Length == 0 ? null : "", path) : (path[..slash], path[(slash + 1)..]);
        (FullPath, FileType, Text) = (path, type, text);
        Scope = path.Contains("{id}", StringComparison.Ordinal) || path.Contains("{uuid}", StringComparison.Ordinal) ? SysScope.Subchannel
            : path.Contains("{chp}", StringComparison.Ordinal) ? SysScope.ChannelPath
            : path.Contains("{css}", StringComparison.Ordinal) ? SysScope.Css
            : SysScope.Once;
    }

    /// <summary>The tree, parents first; a row's place is its number.</summary>
    internal static SysRow[] All { get; } =
    [
        Directory(""),
        Directory("bus"),
        Directory("bus/css"),
        Directory("bus/css/devices"),
        Link("bus/css/devices/{id}", p => $"../../../{Device(p)}"),
        Directory("bus/css/drivers"),
        Directory("bus/css/drivers/vfio_ccw"),
        Link("bus/css/drivers/vfio_ccw/{id}", p => $"../../../../{Device(p)}"),
        Directory("bus/mdev"),
        Directory("bus/mdev/devices"),
        Link("bus/mdev/devices/{uuid}", p => $"../../../{Device(p)}/{p.Entry!.Uuid}"),
        Directory("bus/mdev/drivers"),
        Directory("bus/mdev/drivers/vfio_ccw_mdev"),
        Link("bus/mdev/drivers/vfio_ccw_mdev/{uuid}", p => $"../../../../{Device(p)}/{p.Entry!.Uuid}"),
        Directory("devices"),
        Directory("devices/system"), // empty: where a private namespace mounts the real one
        Directory("devices/css{css}"),
        Directory(Path),
        File(Path + "/type", _ => $"{Ficon:x}"),
        File(Path + "/status", p => IsAvailable(p) ? "online" : "offline"),
        Directory(Subchannel),
        File(Subchannel + "/chpids", ChannelPaths),
        File(Subchannel + "/pimpampom", Masks),
        File(Subchannel + "/type", _ => "0"), // an I/O subchannel
        File(Subchannel + "/modalias", _ => "css:t0"),
        File(Subchannel + "/uevent", _ => "DRIVER=vfio_ccw\nMODALIAS=css:t0"),
        File(Subchannel + "/dev_busid", p => p.Entry!.Number.ToString()),
        File(Subchannel + "/driver_override", _ => "vfio_ccw"),
        Link(Subchannel + "/driver", _ => "../../../bus/css/drivers/vfio_ccw"),
        Link(Subchannel + "/subsystem", _ => "../../../bus/css"),
        Directory(Subchannel + "/mdev_supported_types"),
        Directory(Type),
        File(Type + "/name", _ => "I/O subchannel (Non-QDIO)"),
        File(Type + "/device_api", _ => "vfio-ccw"),
        File(Type + "/available_instances", _ => "0"),
        Directory(Type + "/devices"),
        Link(Type + "/devices/{uuid}", p => $"../../../{p.Entry!.Uuid}"),
        Directory(Mdev),
        File(Mdev + "/uevent", _ => "DRIVER=vfio_ccw_mdev"),
        Link(Mdev + "/driver", _ => "../../../../bus/mdev/drivers/vfio_ccw_mdev"),
        Link(Mdev + "/subsystem", _ => "../../../../bus/mdev"),
        Link(Mdev + "/mdev_type", _ => "../mdev_supported_types/vfio_ccw-io"),
    ];

    /// <summary>The name in its directory, variable parts in braces.</summary>
    internal string Name { get; }

    /// <summary>Path in the tree, variable parts in braces.</summary>
    internal string FullPath { get; }

    /// <summary>The directory's path; null for the top.</summary>
    internal string? ParentPath { get; }

    /// <summary>S_IFDIR, S_IFREG or S_IFLNK.</summary>
    internal uint FileType { get; }

    /// <summary>How many there are.</summary>
    internal SysScope Scope { get; }

    /// <summary>A file's text without its last newline, a link's target; null for a directory.</summary>
    internal Func<SysPlace, string>? Text { get; }

    private static SysRow Directory(string path) => new(path, SysTree.TypeDirectory, null);

    private static SysRow File(string path, Func<SysPlace, string> text) => new(path, SysTree.TypeRegular, text);

    private static SysRow Link(string path, Func<SysPlace, string> target) => new(path, SysTree.TypeLink, target);

    private static string Device(SysPlace place) => string.Create(CultureInfo.InvariantCulture, $"devices/css{place.Css:x}/{place.Id}");

    /// <summary>Eight ids with a blank after each; 00 where no path is installed.</summary>
    private static string ChannelPaths(SysPlace place)
    {
        Pmcw pmcw = place.Pmcw;
        var text = new StringBuilder();
        for (int i = 0; i < 8; i++)
            text.Append(CultureInfo.InvariantCulture, $"{(SysTree.HasPath(pmcw.Pim, i) ? pmcw.ChannelPath(i) : 0):x2} ");
        return text.ToString();
    }

    private static string Masks(SysPlace place)
    {
        Pmcw pmcw = place.Pmcw;
        return string.Create(CultureInfo.InvariantCulture, $"{pmcw.Pim:x2} {pmcw.Pam:x2} {pmcw.Pom:x2}");
    }

    /// <summary>A path is online while it is available to any subchannel.</summary>
    private static bool IsAvailable(SysPlace place) =>
        SysTree.PathsOf(place.Subchannels, place.Css, available: true).Contains(place.Chpid);
}
