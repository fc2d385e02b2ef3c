using System.Buffers.Binary;

namespace CcwFs.Tests.Eckd;

/// <summary>PREFIX and LOCATE RECORD EXTENDED in bytes (src/CcwFs.Emulation/Dasd/Eckd/README.md).</summary>
internal static class TrackSteps
{
    public static readonly byte[] EndMark = [.. Enumerable.Repeat((byte)0xFF, 8)];

    /// <summary>20 bytes, or 22 with a bit map of tracks.</summary>
    public static byte[] LocateBytes(byte operation, int count, int track, int record, int length = 0, byte extended = 0, ushort set = 0,
        byte auxiliary = 0)
    {
        byte[] bytes = new byte[set == 0 ? 20 : 22];
        Step.Locate(operation, count, track, record, length, auxiliary: auxiliary).Out.CopyTo(bytes, 0);
        bytes[17] = extended;
        if (set != 0)
        {
            bytes[19] = 2;
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(20), set);
        }
        return bytes;
    }

    public static Step Extended(byte operation, int count, int track, int record, int length = 0, byte extended = 0, ushort set = 0,
        byte auxiliary = 0) =>
        Step.W(0x4B, LocateBytes(operation, count, track, record, length, extended, set, auxiliary));

    /// <summary>Read Any (0A) or Write Any (09), whose set is one record.</summary>
    public static Step OfAnyRecord(byte extended, int count, int track, byte auxiliary = 0, int length = 0)
    {
        byte[] bytes = [.. LocateBytes(0x3F, count, track, 0, length, extended, auxiliary: auxiliary), 1];
        bytes[19] = 1;
        return Step.W(0x4B, bytes);
    }

    /// <summary>Format 0 without <paramref name="locate"/>, else format 1, for unit address 50 of subsystem 01.</summary>
    public static Step Prefix(byte mask, int first, int last, byte[]? locate = null, int blockSize = 0, byte validity = 0x80)
    {
        byte[] extent = [.. Step.DefineExtentBytes(mask, first, last, 0xC0), .. new byte[16]];
        BinaryPrimitives.WriteUInt16BigEndian(extent.AsSpan(2), (ushort)blockSize);
        return Step.W(0xE7, [(byte)(locate is null ? 0 : 1), validity, 0x50, 0, 0x01, .. new byte[7], .. extent, .. locate ?? new byte[20]]);
    }

    public static Step ReadData(int first, int last, int record, int lastBytes) =>
        Prefix(0x40, first, last, LocateBytes(0x0C, last - first + 1, first, record, lastBytes));

    public static Step WriteData(int first, int last, int record, int size) =>
        Prefix(0x80, first, last, LocateBytes(0x3F, last - first + 1, first, record, size, 0x23), size);

    public static Step ReadTracks(int first, int last) => Prefix(0x40, first, last, LocateBytes(0x4C, last - first + 1, first, 0));

    public static Step WriteTracks(int first, int last) =>
        Prefix(0xC0, first, last, LocateBytes(0x3F, last - first + 1, first, 0, extended: 0x11, set: (ushort)(0xFFFF << (15 - (last - first)))));

    /// <summary>What may be right, and is now and then spoilt.</summary>
    public static Step Random(Random random, int track, int record)
    {
        int last = track + random.Next(3);
        Step step = random.Next(6) switch
        {
            0 => ReadData(track, last, record, random.Next(5) * 512),
            1 => WriteData(track, last, record, random.Next(2) == 0 ? 512 : 64),
            2 => ReadTracks(track, last),
            3 => WriteTracks(track, last),
            4 => Extended((byte)random.Next(256), random.Next(4), track, record, random.Next(2) * 64, (byte)(random.Next(2) * 0x0E),
                (ushort)random.Next(65536)),
            _ => Prefix((byte)random.Next(256), 0, 29),
        };
        if (random.Next(3) == 0)
            step.Out[random.Next(step.Out.Length)] = (byte)random.Next(256);
        return random.Next(10) == 0 ? step with { Out = step.Out[..random.Next(step.Out.Length)] } : step;
    }
}
