using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Labels;

/// <summary>Reads the records of a VTOC, once, and then follows the chains between them.</summary>
internal sealed class VtocReader(ITrackStore store, CkdTrack track)
{
    /// <summary>Most records that are kept (arbitrary, above any real VTOC), and problems that are named.</summary>
    internal const int MostRecords = 65_536, MostProblems = 100;

    private const int VtocExtentAt = DataSetLabel.ExtentsAt;

    private readonly List<byte[]> _labels = [];
    private readonly Dictionary<(int Track, byte Record), byte[]> _more = []; // of data sets; each is taken out by the one that it belongs to
    private readonly List<TrackExtent> _free = [];
    private readonly List<string> _problems = [];

    private CkdGeometry Geometry => store.Geometry;

    /// <summary>Begins with the record of format 4 there; null when there is none.</summary>
    internal Vtoc? Read(int first, byte record)
    {
        if (Find(first, record) is not { } format4 || format4[Dscb.FormatAt] != Dscb.Format4)
            return null;
        TrackExtent? said = TrackExtent.Read(format4.AsSpan(VtocExtentAt, TrackExtent.Size), Geometry);
        if (said is not { } extent || extent.First != first)
        {
            Say("the VTOC's own extent is not where its first record is");
            extent = new TrackExtent(first, first);
        }
        for (int number = store.NextFormatted(first); number <= extent.Last; number = store.NextFormatted(number + 1))
        {
            if (track.Load(store, number) is { } wrong)
                Say($"{At(number)}: torn or impossible track: {wrong}");
            else if (!ReadRecords(number))
                break;
        }
        return new Vtoc(extent, [.. _labels.Select(DataSet)], _free, _problems);
    }

    private byte[]? Find(int number, byte record)
    {
        if (track.Load(store, number) is not null)
            return null;
        for (int index = 1; index < track.RecordCount; index++)
        {
            if (track.Count(index)[4] == record && IsDscb(index))
                return track.KeyAndData(index).ToArray();
        }
        return null;
    }

    private bool IsDscb(int index) => track.KeyLength(index) == Dscb.KeySize && track.DataLength(index) == Dscb.Size - Dscb.KeySize;

    /// <summary>False: there are more records than are kept.</summary>
    private bool ReadRecords(int number)
    {
        for (int index = 1; index < track.RecordCount; index++)
        {
            if (!IsDscb(index))
                continue;
            ReadOnlySpan<byte> dscb = track.KeyAndData(index);
            if (_labels.Count + _more.Count + _free.Count >= MostRecords)
            {
                Say($"{At(number)}: more than {MostRecords} records; the rest is left out");
                return false;
            }
            switch (dscb[Dscb.FormatAt])
            {
                case Dscb.Format1 or Dscb.Format8:
                    _labels.Add(dscb.ToArray());
                    break;
                case Dscb.Format2 or Dscb.Format3 or Dscb.Format9:
                    _more[(number, track.Count(index)[4])] = dscb.ToArray();
                    break;
                case Dscb.Format5:
                    ReadFree(dscb, 4, 8, ReadFormat5, FreeSize5);
                    ReadFree(dscb, Dscb.FormatAt + 1, 18, ReadFormat5, FreeSize5);
                    break;
                case Dscb.Format7:
                    ReadFree(dscb, 4, 5, ReadFormat7, FreeSize7);
                    ReadFree(dscb, Dscb.FormatAt + 1, 11, ReadFormat7, FreeSize7);
                    break;
                default:
                    break; // format 4, free records, and what nobody knows
            }
        }
        return true;
    }

    /// <summary>A data set with the extents that its chain of records gives it.</summary>
    private DataSetLabel DataSet(byte[] dscb)
    {
        List<TrackExtent> extents = [];
        string name = DataSetLabel.NameOf(dscb);
        AddExtents(name, dscb, DataSetLabel.ExtentsAt, DataSetLabel.Extents1, extents);
        byte[] link = dscb;
        while (link.AsSpan(Dscb.NextAt, Dscb.AddressSize).IndexOfAnyExcept((byte)0) >= 0)
        {
            ReadOnlySpan<byte> next = link.AsSpan(Dscb.NextAt, Dscb.AddressSize);
            if (TrackExtent.Track(next, Geometry) is not { } number || !_more.Remove((number, next[4]), out byte[]? found))
            {
                Say($"{name}: its next record {Convert.ToHexString(next)} is none, or stands in a chain already");
                break;
            }
            link = found;
            if (link[Dscb.FormatAt] != Dscb.Format3)
                continue;
            AddExtents(name, link, 4, 4, extents);
            AddExtents(name, link, Dscb.FormatAt + 1, 9, extents);
        }
        return DataSetLabel.Read(dscb, extents);
    }

    private void AddExtents(string name, byte[] dscb, int at, int count, List<TrackExtent> extents)
    {
        for (int index = 0; index < count; index++)
        {
            ReadOnlySpan<byte> bytes = dscb.AsSpan(at + (index * TrackExtent.Size), TrackExtent.Size);
            if (bytes[0] == 0)
                continue; // not used
            if (TrackExtent.Read(bytes, Geometry) is { } extent)
                extents.Add(extent);
            else
                Say($"{name}: extent {Convert.ToHexString(bytes)} is not on the volume");
        }
    }

    private const int FreeSize5 = 5, FreeSize7 = 8;

    private delegate (long First, long Tracks) FreeReader(ReadOnlySpan<byte> bytes, int heads);

    /// <summary>Format 5: first track 2, cylinders 2, tracks 1.</summary>
    private static (long First, long Tracks) ReadFormat5(ReadOnlySpan<byte> bytes, int heads) =>
        (BinaryPrimitives.ReadUInt16BigEndian(bytes), ((long)BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]) * heads) + bytes[4]);

    /// <summary>Format 7: first track 4, the one behind the last 4.</summary>
    private static (long First, long Tracks) ReadFormat7(ReadOnlySpan<byte> bytes, int heads)
    {
        long first = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return (first, BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) - first);
    }

    private void ReadFree(ReadOnlySpan<byte> dscb, int at, int count, FreeReader read, int size)
    {
        for (int index = 0; index < count; index++)
        {
            ReadOnlySpan<byte> bytes = dscb.Slice(at + (index * size), size);
            if (bytes.IndexOfAnyExcept((byte)0) < 0)
                continue;
            (long first, long tracks) = read(bytes, Geometry.Heads);
            if (tracks > 0 && first + tracks <= Geometry.Tracks)
                _free.Add(new TrackExtent((int)first, (int)(first + tracks - 1)));
            else
                Say($"free space {Convert.ToHexString(bytes)} is not on the volume");
        }
    }

    private string At(int number) => Geometry.At(number);

    private void Say(string problem)
    {
        if (_problems.Count < MostProblems)
            _problems.Add(problem);
        else if (_problems.Count == MostProblems)
            _problems.Add("and more");
    }
}
