using System.Globalization;
using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram.Policy;

/// <summary>
/// Tracks of a 3390: <c>C/H-C/H</c>, <c>C/H</c>, <c>C-C</c> or <c>C</c> (whole cylinders), decimal, with dots between. Equal when the text is.
/// </summary>
public sealed class TrackRanges : IEquatable<TrackRanges>
{
    /// <summary>Tracks of a cylinder of a 3390, and of a 3380.</summary>
    private const int Heads = 15;

    private readonly (long First, long Last)[] _ranges; // sorted, with a gap between
    private readonly string _text;

    private TrackRanges(string text, (long First, long Last)[] ranges) => (_text, _ranges) = (text, ranges);

    /// <summary>Reads ranges; gives null, or what is wrong with them.</summary>
    public static string? TryParse(string text, out TrackRanges? tracks)
    {
        tracks = null;
        List<(long First, long Last)> ranges = [];
        foreach (string word in text.Split('.'))
        {
            string[] ends = word.Split('-');
            if (ends.Length > 2 || !TryTrack(ends[0], last: false, out long first) || !TryTrack(ends[^1], last: true, out long last) || first > last)
                return $"'{word}' is no range of tracks: C/H-C/H, or cylinders C-C, with dots between ranges";
            ranges.Add((first, last));
        }
        tracks = new TrackRanges(text, Merge(ranges));
        return null;
    }

    /// <summary>Two tracks, CCHH each, and all between them are in here; false too when they are no tracks or stand the wrong way round.</summary>
    internal bool Contain(ReadOnlySpan<byte> range) =>
        TryRead(range, out long first) && TryRead(range[4..], out long last) && first <= last && Contain(first, last);

    /// <summary>The track of a CCHH is in here.</summary>
    internal bool ContainTrack(ReadOnlySpan<byte> address) => TryRead(address, out long track) && Contain(track, track);

    /// <inheritdoc/>
    public bool Equals(TrackRanges? other) => other is not null && other._text == _text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TrackRanges);

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The ranges as they were written.</summary>
    public override string ToString() => _text;

    private bool Contain(long first, long last) => Array.Exists(_ranges, r => r.First <= first && last <= r.Last);

    /// <summary>The number of the track that a CCHH names; false when a 3390 has no such head.</summary>
    private static bool TryRead(ReadOnlySpan<byte> address, out long track)
    {
        TrackAddress read = TrackAddress.Read(address);
        track = ((long)read.Cylinder * Heads) + read.Head;
        return read.Head < Heads;
    }

    private static bool TryTrack(string text, bool last, out long track)
    {
        string[] parts = text.Split('/');
        int head = last ? Heads - 1 : 0;
        track = 0;
        if (parts.Length > 2 || !TryNumber(parts[0], TrackAddress.MaxCylinder, out int cylinder) || (parts.Length == 2 && !TryNumber(parts[1], Heads - 1, out head)))
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
