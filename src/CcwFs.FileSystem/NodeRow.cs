using System.Text;
using CcwFs.CommandSets;
using CcwFs.FileSystem.Files;
using CcwFs.Metrics;
using CcwFs.Subchannel;
using CcwFs.Trace.Views;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.FileSystem;

/// <summary>What may be done with a file of the tree. Who may do it at all is the mount's: <see cref="TreeOwner"/>.</summary>
[Flags]
internal enum NodeRights
{
    /// <summary>Reading alone.</summary>
    None = 0,

    /// <summary>It is written too.</summary>
    Written = 1,

    /// <summary>Reading it takes something away, or changes the device: only who may write reads.</summary>
    Taken = 2,

    /// <summary>It belongs to a VFIO client, who makes us keep the most: its process is counted beside its user.</summary>
    OfClient = 4,
}

/// <summary>Opens a file of a row: 0, or a negative errno and no file.</summary>
internal delegate int NodeOpener(in Opening opening, out OpenFile? file);

/// <summary>
/// One row per kind of file: where it is, what may be done with it, and what an open one does. Nothing else in the tree knows the kinds.
/// </summary>
internal sealed class NodeRow
{
    private const string Subchannel = "{id}", Interrupts = Subchannel + "/irq";

    /// <summary>The tree, parents first; a row's place is its number less one, so that the root has FUSE's number of it, 1.</summary>
    internal static NodeRow[] All { get; } =
    [
        Directory(""),
        File("memory", NodeRights.Written, Made(o => new MemoryFile(o.Services.Memory, o.Account)), services => services.Memory.Length),
        File("control", NodeRights.Written | NodeRights.Taken, ControlFile.Open),
        File("iommu", NodeRights.Written | NodeRights.Taken | NodeRights.OfClient,
            Made(o => new EndpointOpen(o.Services.Vfio.OpenIommu(o.IsWritable, o.Account), o.Account))),
        File("metrics", NodeRights.None, Made(o => new TextFile(MountMetrics.Render(o.Services), o.Account))),
        Directory("sys"), // what is below: SysTree
        Directory(Subchannel),
        Region("io", RegionIndex.Io, NodeRights.Written | NodeRights.Taken),
        Region("cmd", RegionIndex.Cmd, NodeRights.Written),
        Region("schib", RegionIndex.Schib, NodeRights.None),
        Region("crw", RegionIndex.Crw, NodeRights.Taken),
        File(Subchannel + "/device", NodeRights.Written | NodeRights.Taken | NodeRights.OfClient,
            Made(o => new DeviceOpen(o.Entry!, o.Services.Vfio.OpenDevice(o.Entry!.Device, o.IsWritable, o.Account), o.Account))),
        File(Subchannel + "/info", NodeRights.None, Made(o => new TextFile(DeviceInfo.Render(o.Entry!.Device), o.Account))),
        File(Subchannel + "/stats", NodeRights.None, Made(o => new TextFile(StatsText.Render(o.Entry!.Metrics), o.Account))),
        Trace("trace", commands => new TextView(commands)),
        Trace("trace.json", commands => new JsonView(commands)),
        Trace("trace.pcapng", commands => new PcapngView(commands)),
        Flight("flight", commands => new TextView(commands)),
        Flight("flight.pcapng", commands => new PcapngView(commands)),
        Directory(Interrupts),
        Interrupt("io", DeviceInterrupt.Io),
        Interrupt("crw", DeviceInterrupt.Crw),
        Interrupt("req", DeviceInterrupt.Request),
    ];

    private NodeRow(string path, NodeRights rights, NodeOpener? open, Func<TreeServices, long> size)
    {
        int slash = path.LastIndexOf('/');
        (ParentPath, Name) = slash < 0 ? (path.Length == 0 ? null : "", path) : (path[..slash], path[(slash + 1)..]);
        (Path, Rights, Open, Size) = (path, rights, open, size);
        NameBytes = Encoding.ASCII.GetBytes(Name);
    }

    /// <summary>The root directory.</summary>
    internal static NodeRow Root { get; } = All[0];

    /// <summary>The directory below which <see cref="SysTree"/> goes on.</summary>
    internal static NodeRow Sys { get; } = Array.Find(All, row => row.Path == "sys")!;

    /// <summary>The directory of one subchannel.</summary>
    internal static NodeRow OfSubchannel { get; } = Array.Find(All, row => row.Path == Subchannel)!;

    /// <summary>The last part of <see cref="Path"/>.</summary>
    internal string Name { get; }

    /// <summary>The name as FUSE carries it.</summary>
    internal byte[] NameBytes { get; }

    /// <summary>Where it is; a subchannel's id in braces.</summary>
    internal string Path { get; }

    /// <summary>Of the directory that it is in; null for the root.</summary>
    internal string? ParentPath { get; }

    internal NodeRights Rights { get; }

    /// <summary>Opens it; null: it is a directory.</summary>
    internal NodeOpener? Open { get; }

    /// <summary>Bytes, as attributes name them.</summary>
    internal Func<TreeServices, long> Size { get; }

    internal bool IsDirectory => Open is null;

    /// <summary>There is one per subchannel.</summary>
    internal bool IsOfSubchannel => Path.StartsWith(Subchannel, StringComparison.Ordinal);

    /// <summary>The rows that are in it by their own names.</summary>
    internal NodeRow[] Children => field ??= Array.FindAll(All, row => row.ParentPath == Path && row != OfSubchannel);

    /// <summary>Its number, from 1 on.</summary>
    internal int Number => field == 0 ? field = Array.IndexOf(All, this) + 1 : field;

    /// <summary>The node of this row for a subchannel; slot 0 for a file of the root.</summary>
    internal NodeId Node(ulong slot) => new(Number, slot);

    /// <summary>The row with a number; null for a number that is none.</summary>
    internal static NodeRow? Of(int number) => number > 0 && number <= All.Length ? All[number - 1] : null;

    /// <summary>Opens a file of a kind that refuses nobody.</summary>
    internal static NodeOpener Made(Func<Opening, OpenFile> make) => (in Opening opening, out OpenFile? file) =>
    {
        file = make(opening);
        return 0;
    };

    private static NodeRow Directory(string path) => new(path, NodeRights.Written, null, _ => 0);

    private static NodeRow File(string path, NodeRights rights, NodeOpener open, Func<TreeServices, long>? size = null) =>
        new(path, rights, open, size ?? (_ => 0));

    private static NodeRow Region(string name, RegionIndex region, NodeRights rights) => new(
        $"{Subchannel}/{name}", rights, Made(o => new RegionFile(o.Entry!, region, o.Account)), _ => RegionLayout.Size(region));

    private static NodeRow Trace(string name, Func<CommandSet, TraceView> view) => new(
        $"{Subchannel}/{name}", NodeRights.Written | NodeRights.Taken,
        (in Opening o, out OpenFile? file) => TraceFile.Open(o, view, out file), _ => 0);

    private static NodeRow Flight(string name, Func<CommandSet, TraceView> view) => new(
        $"{Subchannel}/{name}", NodeRights.Taken,
        Made(o => new TextFile(TraceFile.Flight(o.Entry!.Trace, view), o.Account)), _ => 0);

    private static NodeRow Interrupt(string name, DeviceInterrupt interrupt) => new(
        $"{Interrupts}/{name}", NodeRights.Written | NodeRights.Taken,
        Made(o => new InterruptOpen(o.Entry!.Interrupt(interrupt, o.Services.NotifyPoll), o.Account)), _ => sizeof(ulong));
}
