using CcwFs.ChannelIo;

namespace CcwFs.Replay;

/// <summary>A part of the memory of a rebuilt program.</summary>
/// <param name="Address">A multiple of a page.</param>
/// <param name="Bytes">Whole pages.</param>
public sealed record ProgramMemory(uint Address, byte[] Bytes);

/// <summary>
/// A recorded program as it can be run again, in an address space of its own. Its CCWs stand where the guest had them, so that TICs and CCW addresses
/// of status keep their meaning; its data lies behind them, in one piece for each CCW, in place of the guest's pages and IDAWs. One that was fetched
/// CCW by CCW becomes a chain of the commands that were executed.
/// </summary>
public sealed class RebuiltProgram
{
    private const uint PageSize = 4096;
    private const int Alignment = 8;
    private const long MaxBytes = 64 << 20;      // arbitrary, and less than a mount takes for a program
    private const uint MostAddress = 0x7FFF_FFFF; // of format-1 CCWs
    private const uint FetchedBytes = 2048;       // from the head of a chain on, which must be there (the same)
    private const int PrefetchedCcws = 256;      // that a chain may have (README of CcwFs.ChannelProgram)

    private readonly List<(uint Ccw, uint Address, int Count)> _areas = []; // of each CCW that moves data, in the order of CCWs
    private readonly List<ProgramMemory> _memory = [];

    private RebuiltProgram(Orb orb) => Orb = orb;

    /// <summary>The ORB to run it with.</summary>
    public Orb Orb { get; }

    /// <summary>Its memory before it runs; what runs it may write there.</summary>
    public IReadOnlyList<ProgramMemory> Memory => _memory;

    /// <summary>Its CCWs stand where the guest had them.</summary>
    public bool HasGuestAddresses { get; private init; }

    /// <summary>Rebuilds one; null: it cannot be run again, and why, to stand after "it".</summary>
    public static RebuiltProgram? Make(RecordedProgram program, out string why)
    {
        why = program switch
        {
            { End: RecordedEnd.NotStarted } => "never began",
            { End: RecordedEnd.Ended } => "was ended by HALT, CLEAR or a reset",
            { End: RecordedEnd.Unknown } => "has no end in the recording",
            { WasSuspended: true } => "was suspended",
            { Ccws.Count: 0, Commands.Count: 0 } => "has no CCW in the recording",
            _ when program.Ccws.Exists(ccw => ccw.LacksData) => "was recorded without the data that it wrote",
            _ => "",
        };
        if (why.Length > 0)
            return null;
        IReadOnlyList<RecordedCcw> ccws = program.Ccws.Count > 0 ? program.Ccws : Unrolled(program);
        var rebuilt = new RebuiltProgram(OrbOf(program, ccws)) { HasGuestAddresses = program.Ccws.Count > 0 };
        if (rebuilt.TryPlace(ccws))
            return rebuilt;
        why = $"needs over {MaxBytes >> 20} MiB of memory";
        return null;
    }

    /// <summary>
    /// The first bytes of the data of a command, which begins at a CCW, as they are in memory now: over all CCWs that it chains by data, or as many
    /// as are wanted.
    /// </summary>
    public byte[] Data(uint command, int length)
    {
        byte[] data = new byte[Math.Min(length, _areas.Sum(area => (long)area.Count))];
        length = data.Length;
        int done = 0;
        for (int at = _areas.FindIndex(area => area.Ccw == command); at >= 0 && at < _areas.Count && done < length; at++)
        {
            int part = Math.Min(length - done, _areas[at].Count);
            Bytes(_areas[at].Address, part).CopyTo(data.AsSpan(done));
            done += part;
        }
        return data[..done];
    }

    /// <summary>
    /// The commands that have read something, and where their first CCWs stand here. Of a loop the last round is what is left in memory.
    /// </summary>
    internal IEnumerable<(RecordedCommand Command, uint Ccw)> Reads(RecordedProgram program)
    {
        uint next = PageSize;
        HashSet<RecordedCommand> last = [.. program.Commands.GroupBy(command => command.Address).Select(same => same.Last())];
        foreach (RecordedCommand command in program.Commands)
        {
            uint ccw = HasGuestAddresses ? command.Address : next;
            next += (uint)((command.Status & DeviceStatus.StatusModifier) != 0 ? 2 * Ccw.Size : Ccw.Size);
            if (command.Read.Length > 0 && (!HasGuestAddresses || last.Contains(command)))
                yield return (command, ccw);
        }
    }

    private static Orb OrbOf(RecordedProgram program, IReadOnlyList<RecordedCcw> ccws)
    {
        const uint OwnPaths = 0x0000_FF00; // the subchannel's paths are taken where the ORB names none
        bool isFetched = program.Ccws.Count == 0 && ccws.Count >= PrefetchedCcws;
        uint control = (program.Orb.Control | OrbControl.Format1 | OrbControl.Prefetch) & ~OwnPaths;
        uint first = program.Ccws.Count > 0 ? program.Orb.ProgramAddress : ccws[0].Address;
        return new Orb(0, isFetched ? control & ~OrbControl.Prefetch : control, first);
    }

    /// <summary>The commands as a chain. Behind one that gave status modifier stands a CCW to be left out.</summary>
    private static List<RecordedCcw> Unrolled(RecordedProgram program)
    {
        List<RecordedCcw> ccws = [];
        uint at = PageSize;
        foreach (RecordedCommand command in program.Commands)
        {
            bool isLast = command == program.Commands[^1];
            int count = Math.Clamp(Math.Max(command.Written.Length, command.Read.Length) + (isLast ? command.Residual : 0), 1, ushort.MaxValue);
            Add(command.Code, (ushort)count, command.Written, isLast);
            if (!isLast && (command.Status & DeviceStatus.StatusModifier) != 0)
                Add(CommandCode.NoOperation, 1, default, isLast: false);
        }
        return ccws;

        void Add(byte code, ushort count, ReadOnlyMemory<byte> data, bool isLast)
        {
            CcwFlags flags = CcwFlags.SuppressLength | (isLast ? CcwFlags.None : CcwFlags.ChainCommand);
            ccws.Add(new RecordedCcw(at, new Ccw(code, flags, count, 0), code, data));
            at += Ccw.Size;
        }
    }

    private bool TryPlace(IReadOnlyList<RecordedCcw> ccws)
    {
        uint[] pages = [.. ccws.SelectMany(ccw => (uint[])[Page(ccw.Address), Page(ccw.Address + FetchedBytes - 1)]).Distinct().Order()];
        long bytes = ccws.Sum(ccw => (long)(ccw.Ccw.Count + Alignment)) + (pages.Length * PageSize);
        uint data = FreeFor(bytes, pages);
        if (bytes > MaxBytes || data == 0)
            return false;
        foreach (uint page in pages)
            _memory.Add(new ProgramMemory(page, new byte[PageSize]));
        uint next = data;
        foreach (RecordedCcw ccw in ccws.Where(ccw => !ccw.Ccw.IsTransferInChannel && ccw.Ccw.Count > 0))
        {
            _areas.Add((ccw.Address, next, ccw.Ccw.Count));
            next += (uint)((ccw.Ccw.Count + Alignment - 1) & -Alignment);
        }
        if (next > data)
            _memory.Add(new ProgramMemory(data, new byte[(next - data + PageSize - 1) / PageSize * PageSize]));
        Span<byte> bytesOf = stackalloc byte[Ccw.Size];
        int area = 0;
        foreach (RecordedCcw ccw in ccws)
        {
            Ccw its = ccw.Ccw;
            if (!its.IsTransferInChannel)
            {
                uint address = its.Count > 0 ? _areas[area++].Address : data;
                its = its with { Flags = its.Flags & ~CcwFlags.IndirectData, DataAddress = address };
                if (ccw.Data.Length > 0)
                    ccw.Data.Span[..Math.Min(ccw.Data.Length, its.Count)].CopyTo(Bytes(address, its.Count));
            }
            its.WriteFormat1(bytesOf);
            Write(ccw.Address, bytesOf);
        }
        return true;
    }

    /// <summary>The first address with so many bytes free of these pages, in order; 0: there is none.</summary>
    private static uint FreeFor(long bytes, uint[] pages)
    {
        uint at = PageSize;
        foreach (uint page in pages)
        {
            if (page >= at + bytes)
                break;
            at = Math.Max(at, page + PageSize);
        }
        return at + bytes <= MostAddress ? at : 0;
    }

    private static uint Page(uint address) => address & ~(PageSize - 1);

    private void Write(uint address, ReadOnlySpan<byte> bytes)
    {
        for (int done = 0; done < bytes.Length; done++)
            Bytes(address + (uint)done, 1)[0] = bytes[done]; // a CCW may lie over two pages
    }

    private Span<byte> Bytes(uint address, int length)
    {
        ProgramMemory part = _memory.Find(part => address >= part.Address && address - part.Address < part.Bytes.Length)!;
        return part.Bytes.AsSpan((int)(address - part.Address), length);
    }
}
