using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Overlay;

/// <summary>
/// The first sector of an overlay file; numbers little-endian: 0 "CCWFSOVL", 8 version u32 (1), 12 bytes of a slot u32, 16 cylinders u32, 20 heads
/// u32, 24 checksum of the base's track 0 u32 (what names the volume; as a slot, CRC-32C), 508 checksum of bytes 0 to 507 u32; the rest is zero. It
/// says nothing of where the base is: who opens the overlay names it, and what is in a file leads nowhere.
/// </summary>
/// <param name="Geometry">Of the volume.</param>
/// <param name="BaseSum">Checksum of the base's track 0 when the overlay was made.</param>
internal readonly record struct OverlayHeader(CkdGeometry Geometry, uint BaseSum)
{
    /// <summary>Bytes of a sector.</summary>
    internal const int Size = 512;

    /// <summary>Where the first slot is.</summary>
    internal const int SlotsAt = 4_096;

    private const uint Version = 1;
    private const int SumAt = Size - sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "CCWFSOVL"u8;

    /// <summary>Bytes of the whole file, which is sparse.</summary>
    internal long FileLength => SlotsAt + (long)Geometry.Tracks * Geometry.TrackSize;

    /// <summary>That of a new overlay of a volume.</summary>
    internal static OverlayHeader Of(ITrackStore store)
    {
        byte[] slot = new byte[store.Geometry.TrackSize];
        store.Read(0, slot);
        return new OverlayHeader(store.Geometry, Crc32C.Of(slot));
    }

    /// <summary>The sector.</summary>
    internal byte[] Sector()
    {
        byte[] bytes = new byte[Size];
        Span<byte> sector = bytes;
        Magic.CopyTo(sector);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(sector[12..], Geometry.TrackSize);
        BinaryPrimitives.WriteInt32LittleEndian(sector[16..], Geometry.Cylinders);
        BinaryPrimitives.WriteInt32LittleEndian(sector[20..], Geometry.Heads);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[24..], BaseSum);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[SumAt..], Crc32C.Of(sector[..SumAt]));
        return bytes;
    }

    /// <summary>Judges the first sector of a file of so many bytes against the base: null, or "offset N: reason".</summary>
    internal string? Fault(ReadOnlySpan<byte> sector, long length)
    {
        if (!sector.StartsWith(Magic))
            return "offset 0: it is no overlay of ccwfs";
        if (BinaryPrimitives.ReadUInt32LittleEndian(sector[8..]) is not Version and var version)
            return $"offset 8: an overlay of version {version}; this program knows {Version}";
        if (BinaryPrimitives.ReadUInt32LittleEndian(sector[SumAt..]) != Crc32C.Of(sector[..SumAt]))
            return $"offset {SumAt}: the head of the overlay is damaged";
        int size = BinaryPrimitives.ReadInt32LittleEndian(sector[12..]), cylinders = BinaryPrimitives.ReadInt32LittleEndian(sector[16..]);
        if ((size, cylinders, BinaryPrimitives.ReadInt32LittleEndian(sector[20..])) != (Geometry.TrackSize, Geometry.Cylinders, Geometry.Heads))
            return $"offset 12: it is over a volume of {cylinders} cylinders, and this one has {Geometry.Cylinders}";
        if (BinaryPrimitives.ReadUInt32LittleEndian(sector[24..]) != BaseSum)
            return "offset 24: it is over another volume, or that was written since: track 0 is not what it was";
        return length == FileLength ? null : $"offset {length}: it must have {FileLength} bytes: truncated?";
    }
}
