using System.Buffers.Binary;
using System.IO.Compression;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>
/// The tracks of an xCAT image, from front to back, as feilong's ckdencode writes them. A track: number of records without record 0 (1 byte); runs
/// of records that have keys of one length (records 1, key length 1) until all records have one; runs of records that have data of one length
/// (records 1, data length 2, big-endian) likewise; then key and data of each record. Records are numbered from 1. Memory is that of one track,
/// whatever the file says.
/// </summary>
internal sealed class XcatTracks : IDisposable
{
    private const int BufferSize = 1 << 16;
    private const int RecordZeroData = 8, EndMarkSize = 8;

    private readonly string _path;
    private readonly CkdGeometry _geometry;
    private readonly BufferedStream _stream;
    private readonly int[] _keys = new int[byte.MaxValue];    // lengths of the keys of a track's records
    private readonly int[] _lengths = new int[byte.MaxValue]; // and of their data
    private long _offset; // in the tracks, unpacked

    /// <summary>Begins with the first track of an open image, which stays the caller's.</summary>
    internal XcatTracks(IImageFile file, XcatHeader header)
    {
        (_path, _geometry) = (file.Path, CkdGeometry.Model3390(header.Cylinders));
        var plain = new ForwardStream(file, header.TracksAt);
        _stream = new BufferedStream(header.IsCompressed ? new GZipStream(plain, CompressionMode.Decompress) : plain, BufferSize);
    }

    /// <summary>The number of the track that comes next.</summary>
    internal int Next { get; private set; }

    /// <summary>Reads the next track into a slot of zeros. Behind the last one there must be nothing.</summary>
    internal void Read(Span<byte> slot)
    {
        slot.Clear();
        int records = ReadByte();
        ReadRuns(_keys.AsSpan(0, records), size: 1);
        ReadRuns(_lengths.AsSpan(0, records), size: 2);
        var address = new TrackAddress(Next / _geometry.Heads, Next % _geometry.Heads);
        address.Write(slot[1..]);
        int at = CkdTrack.HomeAddressSize;
        WriteCount(slot, ref at, address, 0, 0, RecordZeroData);
        at += RecordZeroData;
        for (int index = 0; index < records; index++)
        {
            int length = _keys[index] + _lengths[index];
            if (at + CkdTrack.CountSize + length + EndMarkSize > slot.Length)
                throw Wrong($"record {index + 1} of {length} bytes runs over the track's end");
            WriteCount(slot, ref at, address, index + 1, _keys[index], _lengths[index]);
            Fill(slot.Slice(at, length));
            at += length;
        }
        slot.Slice(at, EndMarkSize).Fill(0xFF);
        Next++;
        if (Next == _geometry.Tracks && Take([0]) > 0)
            throw Wrong($"the tracks go on behind the {_geometry.Cylinders} cylinders of the header");
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static void WriteCount(Span<byte> slot, ref int at, TrackAddress address, int record, int key, int data)
    {
        address.Write(slot[at..]);
        (slot[at + 4], slot[at + 5]) = ((byte)record, (byte)key);
        BinaryPrimitives.WriteUInt16BigEndian(slot[(at + 6)..], (ushort)data);
        at += CkdTrack.CountSize;
    }

    /// <summary>Reads lengths of so many bytes each, as runs of records that have the same.</summary>
    private void ReadRuns(Span<int> lengths, int size)
    {
        for (int at = 0; at < lengths.Length;)
        {
            int run = ReadByte(), length = 0;
            if (run == 0 || run > lengths.Length - at)
                throw Wrong($"a run of {run} records, where {lengths.Length - at} are left");
            for (int index = 0; index < size; index++)
                length = (length << 8) | ReadByte();
            lengths.Slice(at, run).Fill(length);
            at += run;
        }
    }

    private byte ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        Fill(one);
        return one[0];
    }

    private void Fill(Span<byte> bytes)
    {
        if (Take(bytes) < bytes.Length)
            throw Wrong("the file ends here: it is cut off");
    }

    private int Take(Span<byte> bytes)
    {
        try
        {
            int taken = _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            _offset += taken;
            return taken;
        }
        catch (InvalidDataException)
        {
            throw Wrong("its compressed data is damaged");
        }
    }

    private ImageException Wrong(string reason) => new(
        $"{_path}: offset {_offset} of the tracks: {_geometry.At(Next)}: {reason}");
}
