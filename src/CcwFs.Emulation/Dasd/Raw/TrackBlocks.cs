using System.Buffers.Binary;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Raw;

/// <summary>Turns the blocks of a track into the track and back. Nothing is allocated.</summary>
internal static class TrackBlocks
{
    private const int RecordZeroSize = CkdTrack.CountSize + 8; // no key, 8 bytes of zeros
    private const int EndMarkSize = 8;

    /// <summary>Makes a slot in <see cref="CkdTrack"/>'s layout of blocks; one of an unformatted track is zeros.</summary>
    internal static void Expand(RawFormat format, RawShape shape, in CkdGeometry geometry, int track, ReadOnlySpan<byte> blocks, Span<byte> slot)
    {
        if (shape == RawShape.Unformatted)
        {
            slot.Clear();
            return;
        }
        int at = Begin(geometry, track, slot);
        Span<byte> address = slot.Slice(1, 4);
        for (int record = 1; record <= format.Records; record++)
        {
            (int key, int data) = format.LengthsOf(track, record, shape);
            WriteCount(slot[at..], address, record, key, data);
            at += CkdTrack.CountSize;
            blocks.Slice((record - 1) * format.BlockSize, key + data).CopyTo(slot[at..]);
            at += key + data;
        }
        slot.Slice(at, EndMarkSize).Fill(0xFF);
        slot[(at + EndMarkSize)..].Clear();
    }

    /// <summary>
    /// Makes blocks of a slot. Gives null, or why blocks cannot hold that track; then <paramref name="blocks"/> means nothing.
    /// <paramref name="shape"/>: what of the track's shapes the slot has.
    /// </summary>
    internal static string? Contract(
        RawFormat format, in CkdGeometry geometry, int track, ReadOnlySpan<byte> slot, Span<byte> blocks, out RawShape shape)
    {
        shape = RawShape.Blocks;
        Span<byte> start = stackalloc byte[CkdTrack.HomeAddressSize + RecordZeroSize];
        int at = Begin(geometry, track, start);
        if (slot.Length < at + EndMarkSize || !slot.StartsWith(start))
            return "its home address or record 0 is none that blocks have";
        if (track <= 1 && IsWithoutData(slot[at..]))
        {
            shape = RawShape.Unformatted;
            blocks.Clear();
            return null;
        }
        // The first count tells which of its two shapes such a track has.
        bool hasKeys = track <= 1 && slot[at + 5] != 0;
        shape = hasKeys ? RawShape.Cdl : RawShape.Blocks;
        Span<byte> count = stackalloc byte[CkdTrack.CountSize];
        for (int record = 1; record <= format.Records; record++)
        {
            (int key, int data) = format.LengthsOf(track, record, shape);
            WriteCount(count, slot.Slice(1, 4), record, key, data);
            if (slot.Length < at + CkdTrack.CountSize + key + data + EndMarkSize || !slot[at..].StartsWith(count))
                return WhyNot(format, slot[at..], record, key, data);
            at += CkdTrack.CountSize;
            Span<byte> block = blocks.Slice((record - 1) * format.BlockSize, format.BlockSize);
            slot.Slice(at, key + data).CopyTo(block);
            block[(key + data)..].Fill(RawFormat.Filler);
            at += key + data;
        }
        return slot.Slice(at, EndMarkSize).IndexOfAnyExcept((byte)0xFF) < 0 ? null : $"it has more than {format.Records} records";
    }

    private static int Begin(in CkdGeometry geometry, int track, Span<byte> slot)
    {
        slot[0] = 0;
        new TrackAddress(track / geometry.Heads, track % geometry.Heads).Write(slot[1..]);
        WriteCount(slot[CkdTrack.HomeAddressSize..], slot.Slice(1, 4), 0, 0, 8);
        slot.Slice(CkdTrack.HomeAddressSize + CkdTrack.CountSize, 8).Clear();
        return CkdTrack.HomeAddressSize + RecordZeroSize;
    }

    private static void WriteCount(Span<byte> count, ReadOnlySpan<byte> address, int record, int key, int data)
    {
        address.CopyTo(count);
        (count[4], count[5]) = ((byte)record, (byte)key);
        BinaryPrimitives.WriteUInt16BigEndian(count[6..], (ushort)data);
    }

    /// <summary>No record, or only such as mark an end of file: what dasdfmt makes of track 0 until the rest is formatted.</summary>
    private static bool IsWithoutData(ReadOnlySpan<byte> records)
    {
        for (; records.Length >= EndMarkSize && records[..EndMarkSize].IndexOfAnyExcept((byte)0xFF) >= 0; records = records[CkdTrack.CountSize..])
        {
            if (records[5] != 0 || BinaryPrimitives.ReadUInt16BigEndian(records[6..]) != 0)
                return false;
        }
        return true;
    }

    private static string WhyNot(RawFormat format, ReadOnlySpan<byte> there, int record, int key, int data)
    {
        string wanted = $"record {record} must have a key of {key} bytes and {data} bytes of data ({format.Records} records of {format.BlockSize} bytes a track)";
        return there[..EndMarkSize].IndexOfAnyExcept((byte)0xFF) < 0 ? $"{wanted}, and the track ends before it"
            : $"{wanted}, and its count is {Convert.ToHexString(there[..CkdTrack.CountSize])}";
    }
}
