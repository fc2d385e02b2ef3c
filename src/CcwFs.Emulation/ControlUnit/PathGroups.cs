using System.Text;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>
/// The path-group state of one device's eight paths, as SENSE PATH GROUP ID gives it: 12 bytes per path, state and path-group id of 11
/// bytes. State: bits 0-1 00 reset, 10 ungrouped, 11 grouped; bits 2-3 the device's reserve (added when sensed); bit 4 multipath mode.
/// </summary>
internal sealed class PathGroups
{
    /// <summary>Paths of a subchannel.</summary>
    public const int Paths = 8;

    /// <summary>Bytes of SENSE and SET PATH GROUP ID.</summary>
    public const int RecordSize = 12;

    public const byte Ungrouped = 0x80;
    public const byte Grouped = 0xC0;
    public const byte ReservedElsewhere = 0x20;
    public const byte ReservedHere = 0x30;
    public const byte MultipathMode = 0x08;

    private const byte GroupMask = 0xC0;

    /// <summary>Made with the first SET PATH GROUP ID: an idle device has none.</summary>
    private byte[]? _records;

    public void Sense(int path, Span<byte> destination)
    {
        if (_records is null)
            destination[..RecordSize].Clear();
        else
            Record(path).CopyTo(destination);
    }

    /// <summary>Puts the path into a group; false when it is in another.</summary>
    public bool Establish(int path, ReadOnlySpan<byte> id, bool multipath)
    {
        _records ??= new byte[Paths * RecordSize];
        Span<byte> record = Record(path);
        if ((record[0] & GroupMask) == Grouped && !record[1..].SequenceEqual(id))
            return false;
        record[0] = (byte)(Grouped | (multipath ? MultipathMode : 0));
        id.CopyTo(record[1..]);
        return true;
    }

    /// <summary>Takes the path out of its group, which it keeps the id of; false when it is in another group.</summary>
    public bool Resign(int path, ReadOnlySpan<byte> id)
    {
        if (_records is null)
            return true;
        Span<byte> record = Record(path);
        if ((record[0] & GroupMask) != Grouped)
            return true;
        if (!record[1..].SequenceEqual(id))
            return false;
        record[0] = Ungrouped;
        return true;
    }

    /// <summary>Takes all paths of the path's group out of it; false when the path is in another group.</summary>
    public bool Disband(int path, ReadOnlySpan<byte> id)
    {
        if (!Resign(path, id))
            return false;
        for (int other = 0; other < Paths; other++)
            _ = Resign(other, id);
        return true;
    }

    /// <summary>True for the first path of each group, whose id it gives.</summary>
    public bool LeadsGroup(int path, out ReadOnlySpan<byte> id)
    {
        id = _records is null ? default : Record(path)[1..];
        if (!IsGrouped(path))
            return false;
        for (int before = 0; before < path; before++)
        {
            if (AreTogether(before, path))
                return false;
        }
        return true;
    }

    /// <summary>The same path, or both in one group.</summary>
    public bool AreTogether(int path, int other) =>
        path == other || (IsGrouped(path) && IsGrouped(other) && Record(path)[1..].SequenceEqual(Record(other)[1..]));

    /// <summary>The path is reset: it is in no group and has no id.</summary>
    public void Reset(int path)
    {
        if (_records is not null)
            Record(path).Clear();
    }

    public void Clear() => _records = null;

    public string Describe()
    {
        if (_records is null)
            return "none";
        var text = new StringBuilder();
        for (int path = 0; path < Paths; path++)
        {
            ReadOnlySpan<byte> record = Record(path);
            if ((record[0] & GroupMask) == Grouped)
                text.Append($"{(text.Length == 0 ? "" : ", ")}path {path} {Convert.ToHexString(record[1..])}");
        }
        return text.Length == 0 ? "none" : text.ToString();
    }

    private bool IsGrouped(int path) => _records is not null && (Record(path)[0] & GroupMask) == Grouped;

    private Span<byte> Record(int path) => _records.AsSpan(path * RecordSize, RecordSize);
}
