using System.Buffers.Binary;
using System.IO.Compression;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Fuzz;

/// <summary>
/// Makes compressed images and shadow files in memory, as Hercules does but for what its old tools do not make: offsets of 64 bits, numbers of other
/// machines. Tracks that are not added are not in the file: null tracks of its format, or in a shadow file those below it.
/// </summary>
public sealed class CompressedBuilder(int cylinders)
{
    /// <summary>Ways to pack a track.</summary>
    public const byte Stored = 0, Zlib = 1, BZip2 = 2;

    /// <summary>Bytes of the headers: the first table is at this offset.</summary>
    public const int HeaderSize = 1_024;

    /// <summary>Tracks of a second table.</summary>
    public const int TableTracks = 256;

    /// <summary>Records 0 to 3 and the end mark, 5,458 bytes, as bzip2 packs them.</summary>
    private const string PackedRecords = "QlpoNTFBWSZTWeLOCyYAAAF///xAdRXAICgZAkwhIG/d3yzyAAYAJTAAMAgBMqhKQAQKsAFIysGkkxGjQAGg0aAAAADQ00NDGkGmIqgaaANBoAAAAAAAAARVJpAAyGIMjAgwGoDCA9EwmTQkmSTfAAiIkQIQzEAEQYKJwKdYyZjWDMqqrt+O9Kqteya9ZhwkOUPcpBS3SIKiRVCkJmTTKk0yqo0gqTJMKGCFRLMy2qMqmyplNQW0ZQpwaRkU1SJmVTEyWQylMIphkKpEv8sfFcIo6UPz4V3FF9WNUVaYgYRTyQZiBIQeQUhAbKgQgMCB6IMgBgBIQTlQMv7fgCPrx/HcmCSQQCQSSCQSQQSCCYF5AAuRqBqkqLPlikpBjAdlcMCKxqBJQCAIgiRABhUgA05oOx9kPvNtfvXtnf2xOuPMOurR13j8SpwIE8dwACA6Rtl8wg/i7kinChIcWcFkwA==";

    private readonly SortedDictionary<int, (byte[] Packed, int Length)> _tracks = []; // without bytes: a null track of a format, or -1: below

    /// <summary>Offsets have 64 bits.</summary>
    public bool IsWide { get; init; }

    /// <summary>A shadow file.</summary>
    public bool IsShadow { get; init; }

    /// <summary>Numbers as on a big-endian machine.</summary>
    public bool IsBigEndian { get; init; }

    /// <summary>Of null tracks.</summary>
    public byte NullFormat { get; init; }

    /// <summary>Entries of the first table beyond those that have tracks.</summary>
    public int SpareEntries { get; init; }

    /// <summary>Hercules has written to it and not closed it.</summary>
    public bool IsOpen { get; init; }

    private CkdGeometry Geometry => CkdGeometry.Model3390(cylinders);

    private int EntrySize => IsWide ? 8 : 4;

    private int PlaceSize => IsWide ? 16 : 8;

    private int Entries => (Geometry.Tracks + TableTracks - 1) / TableTracks + SpareEntries;

    /// <summary>A track by its packed bytes, the 5 before them too.</summary>
    public CompressedBuilder Add(int track, byte[] packed)
    {
        _tracks[track] = (packed, packed.Length);
        return this;
    }

    /// <summary>A track, home address to end mark.</summary>
    public CompressedBuilder Add(int track, ReadOnlySpan<byte> image, byte way) => Add(track, Pack(image, way));

    /// <summary>A track that is packed with bzip2; there is one such.</summary>
    public CompressedBuilder AddBZip2(int track) => Add(track, WithHead(track, BZip2, Convert.FromBase64String(PackedRecords)));

    /// <summary>A null track of a format.</summary>
    public CompressedBuilder AddNull(int track, int format)
    {
        _tracks[track] = ([], format);
        return this;
    }

    /// <summary>A track that is to be looked for in the file below.</summary>
    public CompressedBuilder AddBelow(int track) => AddNull(track, -1);

    /// <summary>The file.</summary>
    public byte[] Build()
    {
        byte[] head = new byte[HeaderSize + Entries * EntrySize];
        Format(head);
        Span<byte> first = head.AsSpan(HeaderSize);
        if (IsShadow)
            first.Fill(0xFF);
        List<byte> file = [.. head];
        foreach (IGrouping<int, KeyValuePair<int, (byte[] Packed, int Length)>> group in _tracks.GroupBy(track => track.Key / TableTracks))
        {
            byte[] table = new byte[TableTracks * PlaceSize];
            if (IsShadow)
                table.AsSpan().Fill(0xFF);
            PutOffset(first[(group.Key * EntrySize)..], (ulong)file.Count);
            int at = file.Count;
            file.AddRange(table);
            foreach ((int track, (byte[] packed, int length)) in group)
            {
                Span<byte> place = table.AsSpan(track % TableTracks * PlaceSize, PlaceSize);
                place.Fill(length < 0 ? (byte)0xFF : (byte)0);
                if (length < 0)
                    continue;
                PutOffset(place, packed.Length == 0 ? 0 : (ulong)file.Count);
                PutHalf(place[EntrySize..], length);
                PutHalf(place[(EntrySize + 2)..], length);
                file.AddRange(packed);
            }
            for (int i = 0; i < table.Length; i++)
                file[at + i] = table[i];
        }
        for (int i = 0; i < first.Length; i++)
            file[HeaderSize + i] = first[i];
        byte[] bytes = [.. file];
        PutSizes(bytes);
        return bytes;
    }

    /// <summary>The offset in the built file of a track's entry in its second table.</summary>
    public int PlaceAt(ReadOnlySpan<byte> file, int track) => TableAt(file, track / TableTracks) + track % TableTracks * PlaceSize;

    /// <summary>The offset in the built file of a second table.</summary>
    public int TableAt(ReadOnlySpan<byte> file, int number) => (int)Number(file[EntryAt(number)..]);

    /// <summary>The offset in the built file of a track's bytes.</summary>
    public int TrackAt(ReadOnlySpan<byte> file, int track) => (int)Number(file[PlaceAt(file, track)..]);

    /// <summary>The offset in the built file of an entry of the first table.</summary>
    public int EntryAt(int number) => HeaderSize + number * EntrySize;

    /// <summary>Packs a track, home address to end mark.</summary>
    public static byte[] Pack(ReadOnlySpan<byte> image, byte way)
    {
        if (way == Stored)
            return image.ToArray();
        using var packed = new MemoryStream();
        packed.Write([way, .. image[1..CkdTrack.HomeAddressSize]]);
        using (var stream = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            stream.Write(image[CkdTrack.HomeAddressSize..]);
        return packed.ToArray();
    }

    /// <summary>Packed bytes with the five before them.</summary>
    public byte[] WithHead(int track, byte way, byte[] packed)
    {
        (int cylinder, int head) = Math.DivRem(track, Geometry.Heads);
        return [way, (byte)(cylinder >> 8), (byte)cylinder, 0, (byte)head, .. packed];
    }

    private void Format(Span<byte> bytes)
    {
        System.Text.Encoding.ASCII.GetBytes($"CKD_{(IsShadow ? 'S' : 'C')}{(IsWide ? "064" : "370")}", bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Geometry.Heads);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], Geometry.TrackSize);
        bytes[16] = 0x90;
        Span<byte> second = bytes[512..];
        (second[1], second[2], second[3]) = (3, 1, (byte)((IsBigEndian ? 0x02 : 0) | (IsOpen ? 0xC0 : 0x40)));
        PutNumber(second[4..], Entries);
        PutNumber(second[8..], TableTracks);
        BinaryPrimitives.WriteInt32LittleEndian(second[(IsWide ? 12 : 40)..], cylinders);
        second[IsWide ? 72 : 44] = NullFormat;
        second[IsWide ? 73 : 45] = Zlib;
        second.Slice(IsWide ? 74 : 46, 2).Fill(0xFF);
    }

    private void PutSizes(Span<byte> bytes)
    {
        Span<byte> second = bytes[512..];
        PutOffset(second[(IsWide ? 16 : 12)..], (ulong)bytes.Length);
        PutOffset(second[(IsWide ? 24 : 16)..], (ulong)bytes.Length);
    }

    private void PutOffset(Span<byte> at, ulong value)
    {
        if (!IsWide)
            PutNumber(at, (int)value);
        else if (IsBigEndian)
            BinaryPrimitives.WriteUInt64BigEndian(at, value);
        else
            BinaryPrimitives.WriteUInt64LittleEndian(at, value);
    }

    private void PutNumber(Span<byte> at, int value)
    {
        if (IsBigEndian)
            BinaryPrimitives.WriteInt32BigEndian(at, value);
        else
            BinaryPrimitives.WriteInt32LittleEndian(at, value);
    }

    private void PutHalf(Span<byte> at, int value)
    {
        if (IsBigEndian)
            BinaryPrimitives.WriteUInt16BigEndian(at, (ushort)value);
        else
            BinaryPrimitives.WriteUInt16LittleEndian(at, (ushort)value);
    }

    private ulong Number(ReadOnlySpan<byte> at) => IsWide
        ? IsBigEndian ? BinaryPrimitives.ReadUInt64BigEndian(at) : BinaryPrimitives.ReadUInt64LittleEndian(at)
        : IsBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);
}
