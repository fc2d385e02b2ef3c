using System.Buffers.Binary;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>What the host said about its use of the cache (DEFINE EXTENT, byte 1, bits 3-5). An open enum: others count as normal.</summary>
internal enum CacheUse : byte
{
    Normal,
    Bypass,
    InhibitLoad,
    Sequential,
}

/// <summary>
/// Requests to a volume since it was opened. A channel program that comes to a track is one request: a write when it changed anything, else a read;
/// a hit when the cache had all its tracks. Guarded by the volume's gate.
/// </summary>
internal sealed class VolumeStatistics
{
    private long _readHits;
    private long _writeHits;
    private uint _sequentialReads;
    private uint _sequentialReadHits;
    private uint _sequentialWrites;
    private uint _sequentialWriteHits;
    private uint _inhibited;
    private uint _bypassed;

    /// <summary>Tracks loaded into the cache; 32 bits, as what a host reads of all counters: they wrap.</summary>
    public uint Loads { get; set; }

    /// <summary>Tracks written to the store.</summary>
    public uint Stores { get; set; }

    /// <summary>All reads.</summary>
    public long Reads { get; private set; }

    /// <summary>All writes.</summary>
    public long Writes { get; private set; }

    /// <summary>Reads and writes that the cache had.</summary>
    public long Hits => _readHits + _writeHits;

    /// <summary>A program has ended.</summary>
    public void Count(CacheUse use, bool isWrite, bool isHit)
    {
        uint hit = isHit ? 1u : 0;
        uint sequential = use == CacheUse.Sequential ? 1u : 0;
        if (isWrite)
        {
            (Writes, _writeHits) = (Writes + 1, _writeHits + hit);
            (_sequentialWrites, _sequentialWriteHits) = (_sequentialWrites + sequential, _sequentialWriteHits + (sequential & hit));
        }
        else
        {
            (Reads, _readHits) = (Reads + 1, _readHits + hit);
            (_sequentialReads, _sequentialReadHits) = (_sequentialReads + sequential, _sequentialReadHits + (sequential & hit));
        }
        _inhibited += use == CacheUse.InhibitLoad ? 1u : 0;
        _bypassed += use == CacheUse.Bypass ? 1u : 0;
    }

    /// <summary>
    /// Bytes 4 to 87 of the performance statistics, as Linux names them (dasd_rssd_perf_stats): normal reads, hits, writes, fast-write hits at 4; the
    /// same of sequential ones at 20; inhibited and bypassed at 52; tracks to the cache at 64, from it at 68; misses at 84. Others are not counted.
    /// </summary>
    public void Write(Span<byte> destination)
    {
        Put(destination, 4, (uint)Reads - _sequentialReads, (uint)_readHits - _sequentialReadHits, (uint)Writes - _sequentialWrites,
            (uint)_writeHits - _sequentialWriteHits);
        Put(destination, 20, _sequentialReads, _sequentialReadHits, _sequentialWrites, _sequentialWriteHits);
        Put(destination, 52, _inhibited, _bypassed);
        Put(destination, 64, Loads, Stores);
        Put(destination, 84, (uint)(Reads + Writes - Hits));
    }

    private static void Put(Span<byte> destination, int at, params ReadOnlySpan<uint> values)
    {
        foreach (uint value in values)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination[at..], value);
            at += sizeof(uint);
        }
    }
}
