using System.Text;
using CcwFs.ChannelIo;
using CcwFs.FileSystem.Files;

namespace CcwFs.FileSystem;

/// <summary>
/// The mirror of the sysfs files that a VFIO client looks for, over the mounted subchannels; row <paramref name="root"/> is its top. Nothing is kept:
/// every answer is made from the subchannels of the moment. Thread-safe. A node's row is its <see cref="SysRow"/>'s number from
/// <see cref="FirstRow"/> on, its slot the number of what it is about.
/// </summary>
internal sealed class SysTree(SubchannelTable table, int root)
{
    internal const uint TypeDirectory = 0x4000, TypeRegular = 0x8000, TypeLink = 0xA000; // S_IFDIR, S_IFREG, S_IFLNK

    private const int FirstRow = 128; // above every NodeRow
    private const int ChpidBits = 8;

    private static readonly int[][] s_children = Children();

    /// <summary>Whether a node is one of these.</summary>
    internal bool Owns(NodeId node) => node.Row == root || node.Row >= FirstRow;

    /// <summary>Whether path <paramref name="index"/> (0 = mask bit 80) is in a mask.</summary>
    internal static bool HasPath(byte mask, int index) => (mask & (0x80 >> index)) != 0;

    /// <summary>The channel paths that are installed, or available, in any subchannel of a channel subsystem.</summary>
    internal static SortedSet<byte> PathsOf(IReadOnlyList<MountedSubchannel> subchannels, byte css, bool available)
    {
        SortedSet<byte> paths = [];
        foreach (MountedSubchannel entry in subchannels)
        {
            if (entry.Id.CssId != css || !entry.Store(out Schib schib))
                continue;
            for (int i = 0; i < 8; i++)
            {
                if (HasPath(available ? schib.Pmcw.Pam : schib.Pmcw.Pim, i))
                    paths.Add(schib.Pmcw.ChannelPath(i));
            }
        }
        return paths;
    }

    /// <summary>The type bits of a node; null when there is none of this id (any more).</summary>
    internal uint? TypeOf(NodeId node) => RowOf(node) is { } row && Place(row, node.Slot) is not null ? row.FileType : null;

    /// <summary>A file's text with its newline, or a link's target, as bytes; null for a directory or no such node.</summary>
    internal byte[]? Content(NodeId node)
    {
        if (RowOf(node) is not { Text: { } text } row || Place(row, node.Slot) is not { } place)
            return null;
        return Encoding.ASCII.GetBytes(row.FileType == TypeLink ? text(place) : text(place) + "\n");
    }

    /// <summary>The node of a name in a directory.</summary>
    internal NodeId? Find(NodeId directory, ReadOnlySpan<byte> name)
    {
        string wanted = Encoding.UTF8.GetString(name);
        if (!IsThere(directory, out int number))
            return null;
        foreach (int child in s_children[number])
        {
            SysRow row = SysRow.All[child];
            foreach (ulong slot in Slots(row, SysRow.All[number], directory.Slot, wanted))
            {
                if (Place(row, slot) is { } place && place.Expand(row.Name) == wanted)
                    return Node(child, slot);
            }
        }
        return null;
    }

    /// <summary>What is in a directory; empty when it is none.</summary>
    internal IReadOnlyList<DirectoryName> List(NodeId directory)
    {
        List<DirectoryName> list = [];
        if (!IsThere(directory, out int number))
            return list;
        foreach (int child in s_children[number])
        {
            SysRow row = SysRow.All[child];
            foreach (ulong slot in Slots(row, SysRow.All[number], directory.Slot, wanted: null))
            {
                if (Place(row, slot) is { } place)
                    list.Add(new DirectoryName(Encoding.ASCII.GetBytes(place.Expand(row.Name)), Node(child, slot), row.FileType));
            }
        }
        return list;
    }

    private SysRow? RowOf(NodeId node) => Number(node) is { } number ? SysRow.All[number] : null;

    private int? Number(NodeId node)
    {
        if (node.Row == root)
            return node.Slot == 0 ? 0 : null;
        int number = node.Row - FirstRow;
        return number > 0 && number < SysRow.All.Length ? number : null;
    }

    private static NodeId Node(int number, ulong slot) => new(FirstRow + number, slot);

    private bool IsThere(NodeId directory, out int number)
    {
        number = Number(directory) ?? -1;
        return number >= 0 && Place(SysRow.All[number], directory.Slot) is not null;
    }

    /// <summary>
    /// The slots that a row may have below a directory. <paramref name="wanted"/>, the name that is looked up, spares the search through thousands of
    /// subchannels; null means all.
    /// </summary>
    private IEnumerable<ulong> Slots(SysRow row, SysRow parent, ulong parentSlot, string? wanted)
    {
        if (row.Scope == parent.Scope)
            return [parentSlot];
        byte css = (byte)parentSlot; // of a parent in the scope of a channel subsystem
        switch (row.Scope)
        {
            case SysScope.Css:
                return table.All.Select(e => (ulong)e.Id.CssId).Distinct();
            case SysScope.ChannelPath:
                return PathsOf(table.All, css, available: false).Select(chpid => ((ulong)css << ChpidBits) | chpid);
            default:
                bool InParent(MountedSubchannel entry) => parent.Scope != SysScope.Css || entry.Id.CssId == css;
                if (wanted is null || row.Name != "{id}")
                    return table.All.Where(InParent).Select(e => e.Slot);
                return SubchannelId.TryParse(wanted, out SubchannelId id) && table.Find(id) is { } entry && InParent(entry) ? [entry.Slot] : [];
        }
    }

    /// <summary>What a slot of a row is about; null when there is no such thing (any more).</summary>
    private SysPlace? Place(SysRow row, ulong slot)
    {
        switch (row.Scope)
        {
            case SysScope.Once:
                return slot == 0 ? default(SysPlace) : null;
            case SysScope.Css:
                return slot <= byte.MaxValue && table.All.Any(e => e.Id.CssId == slot) ? new SysPlace((byte)slot, 0, null, []) : null;
            case SysScope.ChannelPath:
                IReadOnlyList<MountedSubchannel> all = table.All;
                (byte css, byte chpid) = ((byte)(slot >> ChpidBits), (byte)slot);
                return slot <= ushort.MaxValue && PathsOf(all, css, available: false).Contains(chpid) ? new SysPlace(css, chpid, null, all) : null;
            default:
                return table.At(slot) is { } entry ? new SysPlace(entry.Id.CssId, 0, entry, []) : null;
        }
    }

    private static int[][] Children() => Array.ConvertAll(SysRow.All, parent => Enumerable.Range(0, SysRow.All.Length)
        .Where(child => SysRow.All[child].ParentPath == parent.FullPath).ToArray());
}
