using CcwFs.Fuse;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.FileSystem.Files;

/// <summary>
/// An open directory: what was in it when it was opened; what is gone since is left out. <paramref name="name"/> gives each of
/// <paramref name="count"/> names; <paramref name="size"/>: bytes that they keep.
/// </summary>
internal sealed class DirectoryFile(NodeAttributes attributes, int count, Func<int, DirectoryName> name, long size, ClientAccount account)
    : OpenFile(account)
{
    private const ulong Dots = 2; // "." and ".."

    /// <inheritdoc/>
    internal override uint Flags => 0;

    /// <inheritdoc/>
    internal override long Size => size;

    /// <inheritdoc/>
    internal override int ReadDir(NodeId node, ulong offset, ref FuseDirectoryWriter writer)
    {
        for (ulong at = offset; at < Dots + (ulong)count; at++)
        {
            bool added = at < Dots
                ? writer.TryAdd(at == 0 ? "."u8 : ".."u8, node.Value, NodeAttributes.Directory, at + 1)
                : TryAdd(ref writer, name((int)(at - Dots)), at + 1);
            if (!added)
                break;
        }
        return 0;
    }

    private bool TryAdd(ref FuseDirectoryWriter writer, DirectoryName name, ulong next)
    {
        if (attributes.IsGone(name.Node))
            return true;
        if (!writer.Plus)
            return writer.TryAdd(name.Name, name.Node.Value, name.Type, next);
        return attributes.FillEntry(name.Node, out FuseEntry entry) != 0 || writer.TryAdd(name.Name, entry, next);
    }
}
