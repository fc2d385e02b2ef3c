using CcwFs.Fuse;
using Mono.Unix.Native;

namespace CcwFs.FileSystem;

/// <summary>What stat(2) says of the tree's files. Thread-safe.</summary>
internal sealed class NodeAttributes(TreeServices services)
{
    /// <summary>S_IFDIR and S_IFREG.</summary>
    internal const uint Directory = 0x4000, Regular = 0x8000;

    /// <summary>Bytes of a block, and what sysfs says of each of its attributes.</summary>
    internal const uint BlockSize = 4096;

    private const uint ReadBits = 0x124, WriteBits = 0x92; // 0444, 0222

    private readonly TreeOwner _owner = services.Owner;
    private readonly long _mountedNs = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * 100;

    private uint DirectoryMode => Directory | _owner.FileMode | ((_owner.FileMode & ReadBits) >> 2);

    /// <summary>The node is of a subchannel that is no longer there.</summary>
    internal bool IsGone(NodeId node) => NodeRow.Of(node.Row) is { IsOfSubchannel: true } && services.Table.At(node.Slot) is null;

    /// <summary>The attributes of a node: 0, or -ENOENT.</summary>
    internal int Fill(NodeId node, out FuseAttr attr)
    {
        attr = default;
        attr.Node = node.Value;
        (attr.Uid, attr.Gid, attr.TimeNs) = (_owner.Uid, _owner.Gid, _mountedNs);
        if (services.Sys.Owns(node))
            return FillSys(node, ref attr);
        if (NodeRow.Of(node.Row) is not { } row || IsGone(node))
            return -(int)Errno.ENOENT;
        attr.Links = row.IsDirectory ? 2u : 1u;
        attr.Mode = row.IsDirectory ? DirectoryMode : Regular | ModeOf(row);
        attr.Size = (ulong)row.Size(services);
        return 0;
    }

    /// <summary>The same as the answer of a lookup.</summary>
    internal int FillEntry(NodeId node, out FuseEntry entry)
    {
        entry = new FuseEntry { Node = node.Value };
        return Fill(node, out entry.Attr);
    }

    /// <summary>
    /// The rights of a file. Who may not write may not change a device, so a file whose reading does is readable for those alone who may write,
    /// whatever the mode of the mount says; the kernel sees to it (default_permissions), and what a program does with a descriptor it was given is
    /// judged by how that was opened (<see cref="Files.Opening.IsWritable"/>).
    /// </summary>
    private uint ModeOf(NodeRow row)
    {
        uint writers = (_owner.FileMode & WriteBits) << 1; // as read bits
        uint mode = (row.Rights & NodeRights.Taken) != 0 ? _owner.FileMode & (~ReadBits | writers) : _owner.FileMode;
        return (row.Rights & NodeRights.Written) != 0 ? mode : mode & ~WriteBits;
    }

    private int FillSys(NodeId node, ref FuseAttr attr)
    {
        if (services.Sys.TypeOf(node) is not { } type)
            return -(int)Errno.ENOENT;
        attr.Links = type == Directory ? 2u : 1u;
        attr.Mode = type switch
        {
            Directory => DirectoryMode & ~WriteBits,
            SysTree.TypeLink => type | 0x1FF, // 0777, as the rights of a link always are
            _ => type | (_owner.FileMode & ~WriteBits),
        };
        attr.Size = type switch
        {
            Directory => 0,
            SysTree.TypeLink => (ulong)(services.Sys.Content(node)?.Length ?? 0),
            _ => BlockSize,
        };
        return 0;
    }
}
