using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram.Packed;

/// <summary>Bytes of guest memory that travel with a packed program.</summary>
/// <param name="Address">Guest address of the first byte.</param>
/// <param name="Bytes">The bytes, at least one.</param>
public readonly record struct PackedSegment(ulong Address, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The address behind the last byte. Never wraps: see <see cref="PackedProgram.OrbAddress"/>.</summary>
    public ulong End => Address + (ulong)Bytes.Length;
}

/// <summary>
/// A channel program in one block that needs nothing around it, as the first QEMU proposal for vfio-ccw handed programs to the kernel; with its data
/// it is a file that can be run elsewhere. All numbers are big-endian; an offset counts from the beginning of the block.
/// <code>
/// offset
///      0  CCW 0, format 1        A TIC's address field holds the offset of its target,
///      8  CCW 1                  every other CCW's the offset of its own entry, 2048 + 8 * i.
///         …                      Flags, counts and command codes are the guest's.
///    8*n  NOP                    03 00 0000 00000000, behind the last of n CCWs, 1 to 255
///         zeros
///   2048  entry of CCW 0         64 bits: the guest address of the CCW's data or, with the IDA flag, of its IDAW list;
///   2056  entry of CCW 1         0 for a TIC, the NOP and what is not used
///         …
///   4096  segments, until the file ends:
///         +0  u64 guest address
///         +8  u32 length, at least 1
///        +12  the bytes
/// </code>
/// The chains of a program stand one after the other, the one that it begins with first; they end where vfio-ccw lets them end. There is a segment
/// for what the device is given and for every IDAW list; neighbours are one segment. What a READ fills has none: its room, zeros, comes from the
/// CCW's count and IDAWs when the program is run. The segment at <see cref="OrbAddress"/> is no memory but the ORB, 12 bytes, its program address an
/// offset; it is left out where it is as in <see cref="DefaultOrb"/>. Without segments the ORB travels apart. CCW addresses in an IRB are given as
/// offsets, too.
/// </summary>
public sealed class PackedProgram
{
    /// <summary>Bytes of the block.</summary>
    public const int BlockSize = 4096;

    /// <summary>Offset of the entries.</summary>
    public const int EntriesOffset = 2048;

    /// <summary>Bytes of an entry.</summary>
    public const int EntrySize = 8;

    /// <summary>Most CCWs of a program, without the NOP: the lower half is full then.</summary>
    public const int MaxCcws = (EntriesOffset / Ccw.Size) - 1;

    /// <summary>Bytes in front of a segment's own.</summary>
    public const int SegmentHeaderSize = 12;

    /// <summary>
    /// Most bytes of all segments, and of the memory that a program is run in (arbitrary: what ccwfs run takes; a full program's data are 16 MiB).
    /// </summary>
    public const int MaxData = 64 << 20;

    /// <summary>Most segments (arbitrary: a list and 32 IDAWs a CCW need 8,415).</summary>
    public const int MaxSegments = 16_384;

    /// <summary>Most bytes of a file.</summary>
    public const int MaxFileSize = BlockSize + (MaxSegments * SegmentHeaderSize) + MaxData;

    /// <summary>Where the ORB's segment is: the last page of the 64-bit space, which no data of a packed program may be in.</summary>
    public const ulong OrbAddress = 0xFFFF_FFFF_FFFF_F000;

    /// <summary>The ORB of a program without a segment for it: prefetch, format-2 IDAWs of 4K, from offset 0.</summary>
    public static readonly Orb DefaultOrb = new(0, OrbControl.Format1 | OrbControl.Prefetch | OrbControl.Format2Idaws, 0);

    /// <summary>The appended NOP.</summary>
    internal static readonly Ccw End = new(CommandCode.NoOperation, CcwFlags.None, 0, 0);

    internal PackedProgram(Orb orb, IReadOnlyList<Ccw> ccws, IReadOnlyList<PackedSegment> segments) => (Orb, Ccws, Segments) = (orb, ccws, segments);

    /// <summary>The ORB; its program address is the offset of the CCW that the program begins with.</summary>
    public Orb Orb { get; }

    /// <summary>The CCWs without the NOP. Data addresses are the guest's, those of TICs offsets.</summary>
    public IReadOnlyList<Ccw> Ccws { get; }

    /// <summary>The data that travels with it, by address; they neither overlap nor touch <see cref="OrbAddress"/>.</summary>
    public IReadOnlyList<PackedSegment> Segments { get; }

    /// <summary>Offset of CCW <paramref name="index"/>.</summary>
    public static uint OffsetOf(int index) => (uint)(index * Ccw.Size);

    /// <summary>Offset of the entry of CCW <paramref name="index"/>.</summary>
    public static uint EntryOf(int index) => (uint)(EntriesOffset + (index * EntrySize));

    /// <summary>The block, with <paramref name="withData"/> the segments behind it.</summary>
    public byte[] Write(bool withData)
    {
        bool withOrb = withData && Orb != DefaultOrb;
        int size = BlockSize + (withOrb ? SegmentHeaderSize + Orb.Size : 0) + (withData ? Segments.Sum(s => SegmentHeaderSize + s.Bytes.Length) : 0);
        byte[] file = new byte[size];
        for (int i = 0; i < Ccws.Count; i++)
        {
            Ccw ccw = Ccws[i];
            if (!ccw.IsTransferInChannel)
            {
                BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan((int)EntryOf(i)), ccw.DataAddress);
                ccw = ccw with { DataAddress = EntryOf(i) };
            }
            ccw.WriteFormat1(file.AsSpan((int)OffsetOf(i)));
        }
        End.WriteFormat1(file.AsSpan((int)OffsetOf(Ccws.Count)));
        if (!withData)
            return file;

        int at = BlockSize;
        foreach (PackedSegment segment in Segments)
            WriteSegment(file, ref at, segment);
        if (withOrb)
        {
            byte[] orb = new byte[Orb.Size];
            Orb.Write(orb);
            WriteSegment(file, ref at, new PackedSegment(OrbAddress, orb));
        }
        return file;
    }

    private static void WriteSegment(byte[] file, ref int at, PackedSegment segment)
    {
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(at), segment.Address);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(at + sizeof(ulong)), (uint)segment.Bytes.Length);
        segment.Bytes.Span.CopyTo(file.AsSpan(at + SegmentHeaderSize));
        at += SegmentHeaderSize + segment.Bytes.Length;
    }
}
