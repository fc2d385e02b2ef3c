using System.Buffers.Binary;
using System.IO.Compression;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Compressed;

/// <summary>
/// A track as a compressed image holds it: 5 bytes, how it is packed and cylinder and head (big-endian), then the track from record 0 to the end
/// mark, as it is or as a stream of zlib or bzip2. What comes out is never more than a slot, whatever the bytes are.
/// </summary>
internal static class PackedTrack
{
    /// <summary>Bytes before the packed ones.</summary>
    public const int HeadSize = CkdTrack.HomeAddressSize;

    private const byte Stored = 0, Zlib = 1, BZip2 = 2;
    private const int EndMarkSize = CkdTrack.CountSize;

    /// <summary>
    /// Unpacks <paramref name="packed"/>, of which <paramref name="length"/> bytes count, into a whole slot. Gives null, or why it is no such track;
    /// the slot's bytes mean nothing then.
    /// </summary>
    public static string? Unpack(byte[] packed, int length, CkdGeometry geometry, int track, Span<byte> slot)
    {
        ReadOnlySpan<byte> head = packed.AsSpan(0, HeadSize);
        if (TrackAddress.Read(head[1..]) != new TrackAddress(track / geometry.Heads, track % geometry.Heads))
            return $"the bytes there are the track of cylinder {BinaryPrimitives.ReadUInt16BigEndian(head[1..])} head {BinaryPrimitives.ReadUInt16BigEndian(head[3..])}";
        if (head[0] > BZip2)
            return $"its track is packed in way {head[0]}; only {Stored} (stored), {Zlib} (zlib) and {BZip2} (bzip2) are known";
        head.CopyTo(slot);
        slot[0] = 0;
        int unpacked;
        try
        {
            Span<byte> records = slot[HeadSize..];
            unpacked = HeadSize + head[0] switch
            {
                Zlib => Inflate(packed, length, records),
                BZip2 => BZip2Decoder.Decode(packed.AsSpan(HeadSize, length - HeadSize), records),
                _ => Copy(packed.AsSpan(HeadSize, length - HeadSize), records),
            };
        }
        catch (InvalidDataException error)
        {
            return $"its track cannot be unpacked: {error.Message}";
        }
        int end = EndOf(slot[..unpacked]);
        if (end < 0)
            return $"its track has no end mark in its {unpacked} bytes";
        if (end != unpacked && head[0] != Stored)
            return $"its track has {unpacked - end} bytes behind its end mark";
        slot[end..].Clear();
        return null;
    }

    /// <summary>A stored track may be followed by bytes that mean nothing.</summary>
    private static int Copy(ReadOnlySpan<byte> bytes, Span<byte> records)
    {
        bytes = bytes[..Math.Min(bytes.Length, records.Length)];
        bytes.CopyTo(records);
        return bytes.Length;
    }

    private static int Inflate(byte[] packed, int length, Span<byte> records)
    {
        using var source = new MemoryStream(packed, HeadSize, length - HeadSize, writable: false);
        using var stream = new ZLibStream(source, CompressionMode.Decompress);
        int unpacked;
        bool isLonger;
        try
        {
            unpacked = stream.ReadAtLeast(records, records.Length, throwOnEndOfStream: false);
            isLonger = unpacked == records.Length && stream.ReadByte() >= 0;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw new InvalidDataException("it is no whole stream of zlib", error);
        }
        return isLonger ? throw new InvalidDataException(BZip2Decoder.TooLong) : unpacked;
    }

    /// <summary>Where the track ends, its end mark included; -1: nowhere.</summary>
    private static int EndOf(ReadOnlySpan<byte> track)
    {
        int at = HeadSize;
        for (int record = 0; record <= CkdTrack.MaxRecords && at + EndMarkSize <= track.Length; record++)
        {
            ReadOnlySpan<byte> count = track.Slice(at, CkdTrack.CountSize);
            if (count.IndexOfAnyExcept((byte)0xFF) < 0)
                return at + EndMarkSize;
            at += CkdTrack.CountSize + count[5] + BinaryPrimitives.ReadUInt16BigEndian(count[6..]);
        }
        return -1;
    }
}
