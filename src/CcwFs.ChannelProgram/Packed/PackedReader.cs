using System.Buffers.Binary;
using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram.Packed;

/// <summary>Reads what <see cref="PackedProgram.Write"/> writes, or anything that claims to be such; nothing in it is believed.</summary>
public static class PackedReader
{
    /// <summary>
    /// Whether bytes look like a packed program and not like text: a zero byte in the first block. Text has none, a block many.
    /// </summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => file[..Math.Min(file.Length, PackedProgram.BlockSize)].Contains((byte)0);

    /// <summary>
    /// Reads a file. False with one line in <paramref name="error"/> for: a cut block; no NOP at the end; TICs and entries that are not where they
    /// belong; segments that are cut, empty, overlapping or too many. The program refers to <paramref name="file"/>'s memory.
    /// </summary>
    public static bool TryRead(ReadOnlyMemory<byte> file, out PackedProgram program, out string error)
    {
        program = new PackedProgram(PackedProgram.DefaultOrb, [], []);
        if (file.Length < PackedProgram.BlockSize || file.Length > PackedProgram.MaxFileSize)
        {
            error = $"a packed program has {PackedProgram.BlockSize} to {PackedProgram.MaxFileSize} bytes, not {file.Length}";
            return false;
        }
        Orb orb = PackedProgram.DefaultOrb;
        List<PackedSegment> segments = [];
        error = ReadCcws(file.Span, out Ccw[] ccws) ?? ReadSegments(file, segments, ref orb) ?? CheckOrb(orb, ccws.Length) ?? "";
        if (error.Length > 0)
            return false;
        program = new PackedProgram(orb, ccws, segments);
        return true;
    }

    private static string? ReadCcws(ReadOnlySpan<byte> block, out Ccw[] ccws)
    {
        ccws = [];
        int last = block[..PackedProgram.EntriesOffset].LastIndexOfAnyExcept((byte)0) / Ccw.Size; // no CCW of a packed program is all zeros
        Ccw end = Ccw.ReadFormat1(block[(last * Ccw.Size)..]);
        bool isEnd = end.Command == CommandCode.NoOperation && !end.Has(CcwFlags.ChainCommand | CcwFlags.ChainData)
            && (end.DataAddress == 0 || end.DataAddress == PackedProgram.EntryOf(last));
        if (!isEnd)
            return "the NOP behind the last CCW is missing: no packed program, or a damaged one";
        if (last == 0)
            return "there is no CCW before the NOP";
        var read = new Ccw[last];
        for (int i = 0; i <= PackedProgram.MaxCcws; i++)
        {
            ulong entry = BinaryPrimitives.ReadUInt64BigEndian(block[(int)PackedProgram.EntryOf(i)..]);
            string? wrong = i < last ? ReadCcw(block, i, last, entry, out read[i])
                : entry != 0 ? $"entry {i} at offset {PackedProgram.EntryOf(i)} belongs to no CCW and is not 0" : null;
            if (wrong is not null)
                return wrong;
        }
        ccws = read;
        return null;
    }

    private static string? ReadCcw(ReadOnlySpan<byte> block, int index, int count, ulong entry, out Ccw ccw)
    {
        ccw = Ccw.ReadFormat1(block[(int)PackedProgram.OffsetOf(index)..]);
        string name = $"CCW {index} at offset {PackedProgram.OffsetOf(index)}";
        if (ccw.IsTransferInChannel)
        {
            return ccw.DataAddress % Ccw.Size != 0 || ccw.DataAddress > PackedProgram.OffsetOf(count)
                    ? $"{name} is a TIC to {ccw.DataAddress}, where no CCW is"
                : entry != 0 ? $"{name} is a TIC, but its entry is not 0" : null;
        }
        if (ccw.DataAddress != PackedProgram.EntryOf(index))
            return $"{name} points to {ccw.DataAddress}; its entry is at {PackedProgram.EntryOf(index)}";
        if (entry > uint.MaxValue)
            return $"{name} has the address {entry:X}, which no CCW can hold";
        ccw = ccw with { DataAddress = (uint)entry };
        return null;
    }

    private static string? ReadSegments(ReadOnlyMemory<byte> file, List<PackedSegment> segments, ref Orb orb)
    {
        bool hasOrb = false;
        long total = 0;
        for (int at = PackedProgram.BlockSize; at < file.Length;)
        {
            string name = $"the segment at offset {at}";
            if (file.Length - at < PackedProgram.SegmentHeaderSize)
                return $"{name} is cut";
            ulong address = BinaryPrimitives.ReadUInt64BigEndian(file.Span[at..]);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file.Span[(at + sizeof(ulong))..]);
            at += PackedProgram.SegmentHeaderSize;
            if (length == 0 || length > PackedProgram.MaxData)
                return $"{name} has {length} bytes; it has 1 to {PackedProgram.MaxData}";
            if (length > file.Length - at)
                return $"{name} is cut: {file.Length - at} of {length} bytes are there";
            ReadOnlyMemory<byte> bytes = file.Slice(at, (int)length);
            at += (int)length;
            if (address == PackedProgram.OrbAddress)
            {
                if (hasOrb || length != Orb.Size)
                    return hasOrb ? $"{name} is a second ORB" : $"{name} is the ORB, {Orb.Size} bytes, and has {length}";
                (orb, hasOrb) = (Orb.Read(bytes.Span), true);
                continue;
            }
            if (address > PackedProgram.OrbAddress - length)
                return $"{name} reaches over address {PackedProgram.OrbAddress:X}";
            segments.Add(new PackedSegment(address, bytes));
            total += length;
            if (total > PackedProgram.MaxData || segments.Count > PackedProgram.MaxSegments)
                return $"the segments have over {PackedProgram.MaxData >> 20} MiB, or are over {PackedProgram.MaxSegments}";
        }
        segments.Sort((a, b) => a.Address.CompareTo(b.Address));
        for (int i = 1; i < segments.Count; i++)
        {
            if (segments[i].Address < segments[i - 1].End)
                return $"the segments for {segments[i - 1].Address:X} and {segments[i].Address:X} overlap";
        }
        return null;
    }

    private static string? CheckOrb(Orb orb, int count) =>
        !orb.Format1 || orb.TransportMode ? "the ORB is not one for format-1 CCWs"
        : orb.ProgramAddress % Ccw.Size != 0 || orb.ProgramAddress >= PackedProgram.OffsetOf(count)
            ? $"the ORB begins at {orb.ProgramAddress}, where no CCW is"
        : null;
}
