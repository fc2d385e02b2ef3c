using System.Buffers.Binary;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>Tracks that a compressed image does not hold: it says in which of three formats they are.</summary>
internal static class NullTrack
{
    /// <summary>Record 0, and an end of file in record 1.</summary>
    public const int EndOfFile = 0;

    /// <summary>Record 0 alone.</summary>
    public const int Empty = 1;

    /// <summary>Record 0, and 12 records of 4096 zeros: a volume that was formatted for Linux.</summary>
    public const int Blocks = 2;

    private const int BlocksPerTrack = 12, BlockSize = 4_096, RecordZeroSize = 8;

    /// <summary>Makes a track of a format; the rest of the slot becomes zeros.</summary>
    public static void Format(int format, CkdGeometry geometry, int track, Span<byte> slot)
    {
        slot.Clear();
        Span<byte> address = slot.Slice(1, TrackAddress.Size);
        new TrackAddress(track / geometry.Heads, track % geometry.Heads).Write(address);
        int end = Add(slot, CkdTrack.HomeAddressSize, 0, RecordZeroSize, address);
        int last = format switch { EndOfFile => 1, Empty => 0, _ => BlocksPerTrack };
        for (int record = 1; record <= last; record++)
            end = Add(slot, end, record, format == Blocks ? BlockSize : 0, address);
        slot.Slice(end, CkdTrack.CountSize).Fill(0xFF);
    }

    private static int Add(Span<byte> slot, int at, int record, int length, ReadOnlySpan<byte> address)
    {
        Span<byte> count = slot.Slice(at, CkdTrack.CountSize);
        address.CopyTo(count);
        count[TrackAddress.Size] = (byte)record;
        BinaryPrimitives.WriteUInt16BigEndian(count[6..], (ushort)length);
        return at + CkdTrack.CountSize + length;
    }
}
