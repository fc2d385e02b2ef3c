using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Comparison;

/// <summary>
/// Compares the tracks of two volumes, A and B. What stands behind the end mark of a track means nothing. A track that one volume is too small for
/// is one that was never formatted there.
/// </summary>
public sealed class VolumeComparison
{
    // Arbitrary: some progress reports per second.
    private const int ReportEvery = 150;

    private readonly Side _a;
    private readonly Side _b;

    /// <summary>A comparison of volumes that stay the caller's.</summary>
    public VolumeComparison(ITrackStore a, ITrackStore b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        (_a, _b) = (new Side(a), new Side(b));
    }

    /// <summary>Tracks of the larger volume.</summary>
    public int Tracks => Math.Max(_a.Tracks, _b.Tracks);

    /// <summary>
    /// Every track that differs, in order. What is a hole in both is not read. Progress counts tracks. Faults of the volumes are those of their
    /// stores.
    /// </summary>
    public IEnumerable<TrackDifference> Differences(IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        int report = 0;
        for (int track = Next(0); track < Tracks; track = Next(track + 1))
        {
            cancel.ThrowIfCancellationRequested();
            if (track >= report)
            {
                progress?.Report(track);
                report = track + ReportEvery;
            }
            if (Compare(track) is { } difference)
                yield return difference;
        }
        progress?.Report(Tracks);
    }

    private int Next(int track) => Math.Min(_a.Next(track), _b.Next(track));

    private TrackDifference? Compare(int track)
    {
        ReadOnlySpan<byte> a = _a.Read(track), b = _b.Read(track);
        if (a.SequenceEqual(b))
            return null;
        string? wrongInA = _a.Parse(a, track), wrongInB = _b.Parse(b, track);
        if (wrongInA is not null || wrongInB is not null)
        {
            DifferenceKinds kinds = (wrongInA is null ? 0 : DifferenceKinds.DamagedInA) | (wrongInB is null ? 0 : DifferenceKinds.DamagedInB);
            return new TrackDifference(track, kinds, 0, wrongInA is null ? $"damaged in B: {wrongInB}" : $"damaged in A: {wrongInA}");
        }
        if (_a.Track.WasUnformatted != _b.Track.WasUnformatted)
        {
            return _a.Track.WasUnformatted ? new TrackDifference(track, DifferenceKinds.FormattedOnlyInB, 0, "formatted only in B")
                : new TrackDifference(track, DifferenceKinds.FormattedOnlyInA, 0, "formatted only in A");
        }
        return CompareRecords(track);
    }

    private TrackDifference? CompareRecords(int number)
    {
        CkdTrack a = _a.Track, b = _b.Track;
        int both = Math.Min(a.RecordCount, b.RecordCount), differing = Math.Abs(a.RecordCount - b.RecordCount);
        DifferenceKinds kinds = a.RecordCount > b.RecordCount ? DifferenceKinds.RecordsOnlyInA
            : a.RecordCount < b.RecordCount ? DifferenceKinds.RecordsOnlyInB : DifferenceKinds.None;
        string? first = null;
        for (int index = 0; index < both; index++)
        {
            DifferenceKinds kind = RecordKind(a, b, index);
            if (kind == DifferenceKinds.None)
                continue;
            first ??= Words(a, b, index, kind);
            kinds |= kind;
            differing++;
        }
        first ??= kinds switch
        {
            DifferenceKinds.RecordsOnlyInA => $"record {a.Count(both)[4]}: only in A",
            DifferenceKinds.RecordsOnlyInB => $"record {b.Count(both)[4]}: only in B",
            _ => null,
        };
        return first is null ? null : new TrackDifference(number, kinds, differing, first);
    }

    private static DifferenceKinds RecordKind(CkdTrack a, CkdTrack b, int index)
    {
        DifferenceKinds kinds = a.Count(index).SequenceEqual(b.Count(index)) ? DifferenceKinds.None : DifferenceKinds.Count;
        kinds |= a.Key(index).SequenceEqual(b.Key(index)) ? DifferenceKinds.None : DifferenceKinds.Key;
        return kinds | (a.Data(index).SequenceEqual(b.Data(index)) ? DifferenceKinds.None : DifferenceKinds.Data);
    }

    private static string Words(CkdTrack a, CkdTrack b, int index, DifferenceKinds kind)
    {
        string where = $"record {a.Count(index)[4]}: ";
        if (kind.HasFlag(DifferenceKinds.Count))
        {
            // Of a moved record the address tells more, of another one its lengths.
            bool sameLengths = a.Count(index)[5..].SequenceEqual(b.Count(index)[5..]);
            return where + (sameLengths ? $"count differs ({Convert.ToHexString(a.Count(index))} and {Convert.ToHexString(b.Count(index))})"
                : $"count differs (key {a.KeyLength(index)} data {a.DataLength(index)} and key {b.KeyLength(index)} data {b.DataLength(index)})");
        }
        return where + (kind.HasFlag(DifferenceKinds.Key) ? Words("key", a.Key(index), b.Key(index)) : Words("data", a.Data(index), b.Data(index)));
    }

    /// <summary>Of two areas of one length.</summary>
    private static string Words(string area, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        int at = a.CommonPrefixLength(b), bytes = 0;
        for (int index = at; index < a.Length; index++)
            bytes += a[index] == b[index] ? 0 : 1;
        return $"{area} differs at byte {at} ({a[at]:X2} and {b[at]:X2}{(bytes > 1 ? $"; {bytes} bytes differ" : "")})";
    }

    /// <summary>One of the two volumes, and a buffer for its tracks.</summary>
    private sealed class Side(ITrackStore store)
    {
        private readonly byte[] _slot = new byte[store.Geometry.TrackSize];

        internal int Tracks => store.Geometry.Tracks;

        internal CkdTrack Track { get; } = new(store.Geometry);

        internal int Next(int track) => track < Tracks && store.NextFormatted(track) is var next && next < Tracks ? next : int.MaxValue;

        internal ReadOnlySpan<byte> Read(int track)
        {
            if (track < Tracks)
                store.Read(track, _slot);
            else
                _slot.AsSpan().Clear();
            return _slot;
        }

        internal string? Parse(ReadOnlySpan<byte> slot, int track) => Track.Load(slot, track);
    }
}
