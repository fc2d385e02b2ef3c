using System.Buffers.Binary;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>What a redo file says of its image as a whole.</summary>
internal enum RedoState : uint
{
    /// <summary>All that was written is on stable storage, or is ordered by syncs: a power cut leaves each track old or new.</summary>
    Ordered = 0,

    /// <summary>Tracks were written since the last sync: a power cut may leave them half written. A kill of ccwfs alone does not.</summary>
    Unsynced = 1,

    /// <summary>A sync failed: tracks that were acknowledged may be lost.</summary>
    SyncFailed = 2,
}

/// <summary>
/// The first sector of a redo file; numbers little-endian: 0 "CCWFSRDO", 8 version u32 (2), 12 <see cref="RedoState"/> u32, 16 bytes of the image's
/// files u64, 24 checksum of their headers u32, 28 errno of the failed sync u32, 32 inode of the first file u64, 40 run of the kernel (16 bytes), 56
/// session u64 (of one open of the image), 508 checksum of bytes 0 to 507 u32. A sector is written whole or not at all; one that is torn all the same
/// fails its checksum.
/// </summary>
internal readonly record struct RedoHead(RedoState State, RedoBinding Binding, int Errno, Guid BootId, ulong Session)
{
    /// <summary>Bytes: a sector.</summary>
    public const int Size = 512;

    private const uint Version = 2;
    private const uint FirstVersion = 1; // one pending change at 64, bound to the image's size and label alone; 12 its tracks
    private const int SumAt = Size - sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "CCWFSRDO"u8;

    public void Format(Span<byte> sector)
    {
        sector[..Size].Clear();
        Magic.CopyTo(sector);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[12..], (uint)State);
        BinaryPrimitives.WriteInt64LittleEndian(sector[16..], Binding.TotalLength);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[24..], Binding.HeaderSum);
        BinaryPrimitives.WriteInt32LittleEndian(sector[28..], Errno);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[32..], Binding.Inode);
        BootId.TryWriteBytes(sector[40..]);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[56..], Session);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[SumAt..], Crc32C.Of(sector[..SumAt]));
    }

    /// <summary>
    /// Null when the file says nothing: it is new, or its first write was cut short, and then nothing was done under it. With
    /// <paramref name="hasMore"/> there is something after the sector, which is never written before the head is: a head of zeros is damaged then.
    /// Another kind of file, a head that is damaged, or a pending change of an older ccwfs, is an <see cref="ImageException"/>.
    /// </summary>
    public static RedoHead? Parse(ReadOnlySpan<byte> sector, bool hasMore, string path)
    {
        if (hasMore && sector.IndexOfAnyExcept((byte)0) < 0)
            throw Damaged(path, 0);
        if (sector.IndexOfAnyExcept((byte)0) < 0 || (sector.Length < 12 && Magic.StartsWith(sector[..Math.Min(sector.Length, Magic.Length)])))
            return null;
        if (!sector.StartsWith(Magic))
            throw new ImageException($"{path}: offset 0: not a redo file of ccwfs; move it away");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(sector[8..]);
        if (version == FirstVersion)
        {
            int pending = sector.Length < 16 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(sector[12..]);
            return pending == 0 ? null : throw new ImageException(
                $"{path}: a change of an older ccwfs is pending, which did not note what it replaces; "
                + "open the image once with that ccwfs, or check it and move the file away");
        }
        if (version != Version)
            throw new ImageException($"{path}: offset 8: redo file of version {version}; this program knows {Version}");
        if (sector.Length < Size)
            return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(sector[SumAt..]) != Crc32C.Of(sector[..SumAt]))
            throw Damaged(path, SumAt);
        var binding = new RedoBinding(
            BinaryPrimitives.ReadInt64LittleEndian(sector[16..]), BinaryPrimitives.ReadUInt32LittleEndian(sector[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(sector[32..]));
        return new RedoHead(
            (RedoState)BinaryPrimitives.ReadUInt32LittleEndian(sector[12..]), binding, BinaryPrimitives.ReadInt32LittleEndian(sector[28..]),
            new Guid(sector.Slice(40, 16)), BinaryPrimitives.ReadUInt64LittleEndian(sector[56..]));
    }

    /// <summary>A sector of the file that was written whole is not what it was: what is pending cannot be told.</summary>
    public static ImageException Damaged(string path, int offset) =>
        new($"{path}: offset {offset}: the redo file is damaged, and what was being written cannot be told from it; "
            + "look at the image with ccwfs dasd check, then remove the file");
}

/// <summary>What ties a redo file to its image: bytes of all files, checksum of their headers, and the first file's inode.</summary>
internal readonly record struct RedoBinding(long TotalLength, uint HeaderSum, ulong Inode);
