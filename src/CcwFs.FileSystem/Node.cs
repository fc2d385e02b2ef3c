using System.Text;
using CcwFs.Subchannel;

namespace CcwFs.FileSystem;

/// <summary>What kind of file a node is.</summary>
internal enum NodeKind
{
    Root = 1,
    Memory,
    Control,
    SubchannelDirectory,
    Io,
    Cmd,
    Schib,
    Crw,
    InterruptDirectory,
    IoInterrupt,
    CrwInterrupt,
    RequestInterrupt,
    Info,
    Sys,
    Device,
    Iommu,
}

/// <summary>One row a kind of file: its name, where it is, what may be done with it.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Name">Its name; empty where the name is the subchannel's.</param>
/// <param name="Parent">The directory it is in.</param>
/// <param name="IsDirectory">A directory.</param>
/// <param name="IsWritable">Owners may write it.</param>
/// <param name="Region">The region behind it.</param>
/// <param name="Takes">Reading it takes something away, or changes the device: only who may write reads.</param>
internal sealed record NodeRow(NodeKind Kind, string Name, NodeKind Parent, bool IsDirectory, bool IsWritable, RegionIndex? Region = null, bool Takes = false)
{
    /// <summary>The tree, one row a kind of file.</summary>
    internal static readonly NodeRow[] All =
    [
        new(NodeKind.Root, "", NodeKind.Root, IsDirectory: true, IsWritable: true),
        new(NodeKind.Memory, "memory", NodeKind.Root, IsDirectory: false, IsWritable: true),
        new(NodeKind.Control, "control", NodeKind.Root, IsDirectory: false, IsWritable: true, Takes: true),
        new(NodeKind.SubchannelDirectory, "", NodeKind.Root, IsDirectory: true, IsWritable: true),
        new(NodeKind.Io, "io", NodeKind.SubchannelDirectory, IsDirectory: false, IsWritable: true, RegionIndex.Io, Takes: true),
        new(NodeKind.Cmd, "cmd", NodeKind.SubchannelDirectory, IsDirectory: false, IsWritable: true, RegionIndex.Cmd),
        new(NodeKind.Schib, "schib", NodeKind.SubchannelDirectory, IsDirectory: false, IsWritable: false, RegionIndex.Schib),
        new(NodeKind.Crw, "crw", NodeKind.SubchannelDirectory, IsDirectory: false, IsWritable: false, RegionIndex.Crw, Takes: true),
        new(NodeKind.InterruptDirectory, "irq", NodeKind.SubchannelDirectory, IsDirectory: true, IsWritable: true),
        new(NodeKind.IoInterrupt, "io", NodeKind.InterruptDirectory, IsDirectory: false, IsWritable: true, Takes: true),
        new(NodeKind.CrwInterrupt, "crw", NodeKind.InterruptDirectory, IsDirectory: false, IsWritable: true, Takes: true),
        new(NodeKind.RequestInterrupt, "req", NodeKind.InterruptDirectory, IsDirectory: false, IsWritable: true, Takes: true),
        new(NodeKind.Info, "info", NodeKind.SubchannelDirectory, IsDirectory: false, IsWritable: false),
        new(NodeKind.Sys, "sys", NodeKind.Root, IsDirectory: true, IsWritable: true), // what is below: SysTree
        new(NodeKind.Device, "device", NodeKind.SubchannelDirectory, IsDirectory: false, IsWritable: true, Takes: true),
        new(NodeKind.Iommu, "iommu", NodeKind.Root, IsDirectory: false, IsWritable: true, Takes: true),
    ];

    private static readonly NodeRow?[] s_byKind = ByKind();

    /// <summary>The name as FUSE carries it.</summary>
    internal byte[] NameBytes { get; } = Encoding.ASCII.GetBytes(Name);

    /// <summary>The row of a kind, null for a number that is none.</summary>
    internal static NodeRow? Of(NodeKind kind) => (uint)kind < (uint)s_byKind.Length ? s_byKind[(int)kind] : null;

    private static NodeRow?[] ByKind()
    {
        var rows = new NodeRow?[All.Length + 1];
        foreach (NodeRow row in All)
            rows[(int)row.Kind] = row;
        return rows;
    }
}

/// <summary>
/// A node id: the kind of file in the low byte, the subchannel's slot above it (0 for files of the root). Slots are never reused, so an id
/// names the same file for ever.
/// </summary>
/// <param name="Value">The id as FUSE carries it.</param>
internal readonly record struct NodeId(ulong Value)
{
    private const int KindBits = 8;

    internal NodeId(NodeKind kind, ulong slot)
        : this((slot << KindBits) | (uint)kind)
    {
    }

    internal NodeKind Kind => (NodeKind)(byte)Value;

    internal ulong Slot => Value >> KindBits;
}
