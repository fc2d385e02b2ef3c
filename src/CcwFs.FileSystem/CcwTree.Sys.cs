using CcwFs.Fuse;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem;

/// <summary>The operations on what is below sys.</summary>
public sealed partial class CcwTree
{
    /// <inheritdoc/>
    public override int ReadLink(in FuseRequest request, Span<byte> target)
    {
        var node = new NodeId(request.Node);
        if (!SysTree.Owns(node) || _sys.TypeOf(node) != SysTree.TypeLink)
            return -(int)Errno.EINVAL;
        byte[]? content = _sys.Content(node);
        return content is not null && content.AsSpan().TryCopyTo(target) ? content.Length : -(int)Errno.ENOENT;
    }

    private int OpenSys(in FuseRequest request, NodeId node, out FuseOpened opened)
    {
        opened = default;
        if (_sys.TypeOf(node) is not { } type)
            return -(int)Errno.ENODEV;
        ClientAccount account = _vfio.Accounts.Of(request.Uid);
        int refusal = account.TryTake(Resource.Files);
        if (refusal < 0)
            return refusal;
        opened.Flags = type == Directory ? 0 : FuseOpened.DirectIo | FuseOpened.NoFlush;
        var file = new OpenFile(NodeRow.Of(NodeKind.Sys)!, null, account)
        {
            Text = _sys.Content(node) ?? [], Children = type == Directory ? _sys.List(node) : null,
        };
        return Keep(file, ref opened);
    }

    private int ReadSysDir(NodeId node, IReadOnlyList<(byte[] Name, NodeId Node, uint Type)> children, ulong offset, ref FuseDirectoryWriter writer)
    {
        for (ulong at = offset; at < 2 + (ulong)children.Count; at++)
        {
            bool added;
            if (at < 2)
            {
                added = writer.TryAdd(at == 0 ? "."u8 : ".."u8, node.Value, Directory, at + 1);
            }
            else
            {
                (byte[] name, NodeId child, uint type) = children[(int)at - 2];
                added = !writer.Plus ? writer.TryAdd(name, child.Value, type, at + 1)
                    : FillEntry(child, out FuseEntry entry) != 0 || writer.TryAdd(name, entry, at + 1); // gone since: left out
            }
            if (!added)
                break;
        }
        return 0;
    }

    private int FillSysAttr(NodeId node, ref FuseAttr attr)
    {
        if (_sys.TypeOf(node) is not { } type)
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
            SysTree.TypeLink => (ulong)(_sys.Content(node)?.Length ?? 0),
            _ => BlockSize, // as sysfs says of every attribute
        };
        return 0;
    }
}
