using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram.Packed;

/// <summary>A run of whole pages of guest memory.</summary>
/// <param name="Address">Guest address, page-aligned.</param>
/// <param name="Bytes">Whole pages.</param>
public readonly record struct MemoryRun(ulong Address, byte[] Bytes);

/// <summary>
/// A packed program in an address space of its own: its data at the guest's addresses, zeros where the device will store, and the CCWs with real
/// addresses in a page where nothing else is.
/// </summary>
public sealed class RestoredProgram
{
    private const int PageSize = IovaMap.PageSize;
    private const int MaxPages = PackedProgram.MaxData / PageSize;
    private const uint LastPage = 0x7FFF_F000; // CCWs have addresses of 31 bits

    private readonly PackedProgram _program;
    private readonly List<DataArea> _areas;

    private RestoredProgram(PackedProgram program, uint block, List<DataArea> areas, IReadOnlyList<MemoryRun> memory) =>
        (_program, Block, _areas, Memory) = (program, block, areas, memory);

    /// <summary>Where the block is: offset 0 of the packed program.</summary>
    public uint Block { get; }

    /// <summary>The memory, by address; neighbouring pages are one run.</summary>
    public IReadOnlyList<MemoryRun> Memory { get; }

    /// <summary>An ORB that starts it; a path mask of 0 lets vfio-ccw take the subchannel's.</summary>
    public Orb Orb => _program.Orb with { ProgramAddress = Block + _program.Orb.ProgramAddress };

    /// <summary>
    /// Restores; false with one line in <paramref name="error"/> when data that the program needs is not in it, or its memory is over
    /// <see cref="PackedProgram.MaxData"/>. <paramref name="block"/>: a page for the CCWs; null: the first free one.
    /// </summary>
    public static bool TryRestore(PackedProgram program, uint? block, out RestoredProgram? restored, out string error)
    {
        ArgumentNullException.ThrowIfNull(program);
        restored = null;
        List<DataArea> areas = [];
        SortedSet<ulong> pages = [];
        var segments = new SegmentMemory(program.Segments);
        error = DataAreas.Find(program.Ccws, program.Orb, segments.Read, areas)
            ?? FindMissing(areas, segments) ?? AddPages(program, areas, pages) ?? "";
        if (error.Length > 0)
        {
            error += program.Segments.Count == 0 ? "; pack it with its data: ccwfs translate --format packed --with-data" : "";
            return false;
        }
        uint chosen = block ?? FirstFree(pages);
        if (chosen % PageSize != 0 || chosen > LastPage || !pages.Add(chosen))
        {
            error = $"the CCWs cannot be at {chosen:X8}: it takes a page below 2 GiB that the program does not use";
            return false;
        }
        List<MemoryRun> memory = Fill(program, pages);
        WriteBlock(program, chosen, Find(memory, chosen));
        restored = new RestoredProgram(program, chosen, areas, memory);
        return true;
    }

    /// <summary>A CCW address of a run as an offset; others stay.</summary>
    public uint ToOffset(uint ccwAddress) =>
        ccwAddress - Block <= PackedProgram.OffsetOf(_program.Ccws.Count + 1) ? ccwAddress - Block : ccwAddress;

    /// <summary>The guest address of the first byte of a CCW's data; 0 when it moves none.</summary>
    public ulong DataAddress(int ccw) => _areas.Find(a => a.Ccw == ccw && !a.IsList).Address;

    /// <summary>The first bytes of a CCW's data, from the memory as it is after a run.</summary>
    public byte[] Data(int ccw, int length, IReadOnlyList<MemoryRun> memory)
    {
        byte[] data = new byte[length];
        int done = 0;
        foreach (DataArea area in _areas.Where(a => a.Ccw == ccw && !a.IsList))
        {
            int part = Math.Min(area.Length, length - done);
            Find(memory, area.Address)[..part].CopyTo(data.AsSpan(done));
            done += part;
        }
        return data;
    }

    private static string? FindMissing(List<DataArea> areas, SegmentMemory segments)
    {
        byte[] bytes = new byte[DataAreas.MaxLength];
        foreach (DataArea area in areas)
        {
            if (area.NeedsBytes && !segments.Read(area.Address, bytes.AsSpan(0, area.Length)))
                return $"CCW {area.Ccw} needs {area.Length} bytes at {area.Address:X8} that did not come with it";
        }
        return null;
    }

    private static string? AddPages(PackedProgram program, List<DataArea> areas, SortedSet<ulong> pages)
    {
        IEnumerable<(ulong Address, ulong Length)> used = areas.Select(a => (a.Address, (ulong)a.Length))
            .Concat(program.Segments.Select(s => (s.Address, (ulong)s.Bytes.Length)));
        foreach ((ulong address, ulong length) in used)
        {
            for (ulong page = address / PageSize; page <= (address + length - 1) / PageSize; page++)
                pages.Add(page * PageSize);
            if (pages.Count >= MaxPages)
                return $"the program needs over {PackedProgram.MaxData >> 20} MiB of memory";
        }
        return null;
    }

    private static uint FirstFree(SortedSet<ulong> pages)
    {
        uint free = 0;
        foreach (ulong page in pages)
        {
            if (page != free)
                break;
            free += PageSize; // MaxPages is far below LastPage
        }
        return free;
    }

    private static List<MemoryRun> Fill(PackedProgram program, SortedSet<ulong> pages)
    {
        List<MemoryRun> memory = [];
        ulong[] all = [.. pages];
        for (int first = 0, next; first < all.Length; first = next)
        {
            for (next = first + 1; next < all.Length && all[next] == all[next - 1] + PageSize; next++)
            {
            }
            memory.Add(new MemoryRun(all[first], new byte[(next - first) * PageSize]));
        }
        foreach (PackedSegment segment in program.Segments)
            segment.Bytes.Span.CopyTo(Find(memory, segment.Address));
        return memory;
    }

    /// <summary>The bytes from an address to the end of its run; all pages of an area are in one.</summary>
    private static Span<byte> Find(IReadOnlyList<MemoryRun> memory, ulong address)
    {
        int low = 0;
        for (int high = memory.Count - 1; low < high;)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = memory[middle].Address <= address ? (middle, high) : (low, middle - 1);
        }
        return memory[low].Bytes.AsSpan((int)(address - memory[low].Address));
    }

    private static void WriteBlock(PackedProgram program, uint at, Span<byte> page)
    {
        for (int i = 0; i < program.Ccws.Count; i++)
        {
            Ccw ccw = program.Ccws[i];
            uint address = ccw.IsTransferInChannel ? at + ccw.DataAddress : ccw.DataAddress;
            (ccw with { DataAddress = address }).WriteFormat1(page[(int)PackedProgram.OffsetOf(i)..]);
        }
        PackedProgram.End.WriteFormat1(page[(int)PackedProgram.OffsetOf(program.Ccws.Count)..]);
    }
}
