using System.Buffers.Binary;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>
/// A track in 65,536 bytes, as Linux reads and writes it on a DASD with raw_track_access: record 0 first (count 8, data 8), then each record's count
/// 8 (CCHHR 5, key length 1, data length 2, big-endian), key and data, then eight FF; what follows means nothing. There is no home address. Source:
/// Linux' dasd_eckd.c and s390-tools' libzds.h.
/// </summary>
public static class RawTrack
{
    /// <summary>Bytes of a track.</summary>
    public const int Size = 65_536;

    private const int EndMarkSize = 8;

    /// <summary>
    /// Turns a track into the slot of an image, whose bytes behind the track become zeros. A track of zeros is one that was never formatted. Gives
    /// null, or what is wrong ("offset N: reason"); then the slot holds nothing of use.
    /// </summary>
    public static string? ToSlot(ReadOnlySpan<byte> raw, int number, CkdGeometry geometry, Span<byte> slot)
    {
        slot[..geometry.TrackSize].Clear();
        if (raw.IndexOfAnyExcept((byte)0) < 0)
            return null;
        if (raw[..CkdTrack.CountSize].IndexOfAnyExcept((byte)0) < 0)
            return "offset 0: the track is neither formatted nor all zeros";
        var address = new TrackAddress(number / geometry.Heads, number % geometry.Heads);
        if (TrackAddress.Read(raw) != address)
            return $"offset 0: record 0 is of another cylinder or head ({Convert.ToHexString(raw[..TrackAddress.Size])})";
        if (raw[4] != 0 || raw[5] != 0)
            return $"offset 4: the first record is not record 0 (R {raw[4]:X2}, key length {raw[5]})";
        int end = 0;
        for (int records = 0; raw.Slice(end, EndMarkSize).IndexOfAnyExcept((byte)0xFF) >= 0; records++)
        {
            if (records == CkdTrack.MaxRecords)
                return $"offset {end}: more than {CkdTrack.MaxRecords} records";
            int length = CkdTrack.CountSize + raw[end + 5] + BinaryPrimitives.ReadUInt16BigEndian(raw[(end + 6)..]);
            if (CkdTrack.HomeAddressSize + end + length + EndMarkSize > geometry.TrackSize)
                return $"offset {end}: a record of {length} bytes runs over the track's end";
            end += length;
        }
        address.Write(slot[1..]);
        raw[..(end + EndMarkSize)].CopyTo(slot[CkdTrack.HomeAddressSize..]);
        return null;
    }
}
