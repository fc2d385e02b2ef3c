using System.Globalization;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.CommandSets;

/// <summary>
/// Places of a device, counted as its family does. Tracks of a 3390: <c>C/H-C/H</c>, <c>C/H</c>, <c>C-C</c> or <c>C</c> (whole cylinders). Blocks of
/// a 9336: <c>N-N</c> or <c>N</c>. Decimal, with dots between. Equal when the text is.
/// </summary>
public sealed class ExtentRanges : IEquatable<ExtentRanges>
{
    /// <summary>Tracks of a cylinder of a 3390, and of a 3380.</summary>
    private const int Heads = 15;

    private readonly (long First, long Last)[] _ranges; // sorted, with a gap between
    private readonly string _text;

    private ExtentRanges(string text, (long First, long Last)[] ranges) => (_text, _ranges) = (text, ranges);

    /// <summary>Reads ranges of a family's devices; gives null, or what is wrong with them.</summary>
    public static string? TryParse(string text, CommandSet commands, out ExtentRanges? ranges)
    {
        ranges = null;
        if (commands.Extents == ExtentUnit.None)
            return "ccwfs does not know what this device counts: only a 3390 has tracks and a 9336 blocks; leave it out, or take readonly";
        bool tracks = commands.Extents == ExtentUnit.Tracks;
        List<(long First, long Last)> found = [];
        foreach (string word in text.Split('.'))
        {
            string[] ends = word.Split('-');
            bool good = ends.Length <= 2 & TryEnd(ends[0], tracks, last: false, out long first) & TryEnd(ends[^1], tracks, last: true, out long last);
            if (!good || first > last)
            {
                return tracks ? $"'{word}' is no range of tracks: C/H-C/H, or cylinders C-C, with dots between ranges"
                    : $"'{word}' is no range of blocks: N-N, with dots between ranges";
            }
            found.Add((first, last));
        }
        ranges = new ExtentRanges(text, Merge(found));
        return null;
    }

    /// <summary>All places from the first to the last are in here.</summary>
    public bool Contain(long first, long last) => Array.Exists(_ranges, r => r.First <= first && last <= r.Last);

    /// <summary>A place from the first to the last is in here.</summary>
    public bool Touch(long first, long last) => Array.Exists(_ranges, r => r.First <= last && first <= r.Last);

    /// <summary>The number of the track that a CCHH names; false when a 3390 has no such head.</summary>
    public static bool TryTrack(ReadOnlySpan<byte> address, out long track)
    {
        TrackAddress read = TrackAddress.Read(address);
        track = ((long)read.Cylinder * Heads) + read.Head;
        return read.Head < Heads;
    }

    /// <inheritdoc/>
    public bool Equals(ExtentRanges? other) => other is not null && other._text == _text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ExtentRanges);

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The ranges as they were written.</summary>
    public override string ToString() => _text;

    private static bool TryEnd(string text, bool tracks, bool last, out long place) => tracks
        ? TryTrack(text, last, out place)
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out place) && place <= uint.MaxValue;

    private static bool TryTrack(string text, bool last, out long track)
    {
        string[] parts = text.Split('/');
        int head = last ? Heads - 1 : 0;
        track = 0;
        if (parts.Length > 2 || !TryNumber(parts[0], TrackAddress.MaxCylinder, out int cylinder)
            || (parts.Length == 2 && !TryNumber(parts[1], Heads - 1, out head)))
            return false;
        track = ((long)cylinder * Heads) + head;
        return true;
    }

    private static bool TryNumber(string text, int most, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most;

    private static (long First, long Last)[] Merge(List<(long First, long Last)> ranges)
    {
        List<(long First, long Last)> merged = [];
        ranges.Sort();
        foreach ((long first, long last) in ranges)
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(last, merged[^1].Last));
            else
                merged.Add((first, last));
        }
        return [.. merged];
    }
}
