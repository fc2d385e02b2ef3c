using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>
/// Turns a guest's channel program into one that a backend can run: the chains are copied once, judged as the copy, and every address
/// becomes one of the arena or of the record of pinned pages. The calls are those of the kernel's cp_ interface (drivers/s390/cio/vfio_ccw_cp.c):
/// <see cref="Initialize"/>, <see cref="Prefetch"/>, <see cref="GetOrb"/>, <see cref="UpdateScsw"/>, <see cref="IsIovaPinned"/>, <see cref="Free"/>.
/// One object a device, reused; it allocates nothing in steady state. Calls are serialized by the owner. Between a successful
/// <see cref="Prefetch"/> and <see cref="Free"/> the backend may read the host program (<see cref="TryFetchCcw"/>, <see cref="TryFetchIdaw"/>, <see cref="Pins"/>).
/// </summary>
public sealed class Translator
{
    /// <summary>CCWs that one chain may hold (kernel: CCWCHAIN_LEN_MAX).</summary>
    public const int MaxChainLength = 256;

    /// <summary>Bytes fetched from a chain's head, always (rule 1 of the vectors).</summary>
    public const int FetchSize = MaxChainLength * Ccw.Size;

    /// <summary>
    /// Chains that TICs may link (arbitrary: the kernel has no limit, and its stack holds about 160 nested ones).
    /// </summary>
    public const int MaxChains = 256;

    private const int ChainGap = 64;  // between chains in the arena, so that an address belongs to one chain at most
    private const int IdawSize = 8;
    private const uint TwoK = 2048;
    private const uint FourK = 4096;

    /// <summary>What a host IDAW of a CCW that moves no data holds where the guest's value would name a pinned page: nothing.</summary>
    private const ulong UnresolvableIdaw = ulong.MaxValue;

    private readonly byte[] _fetched = new byte[FetchSize];
    private readonly byte[] _idaw = new byte[IdawSize];
    private Chain[] _chains = new Chain[4];
    private int _chainCount;
    private Mapping[] _mappings = [];
    private Orb _orb;
    private bool _prefetched;

    /// <summary>CCWs and IDALs for the backend.</summary>
    public HostArena Arena { get; } = new();

    /// <summary>The guest pages that the program may touch.</summary>
    public PinRecord Pins { get; } = new();

    /// <summary>True from a successful <see cref="Initialize"/> to <see cref="Free"/>.</summary>
    public bool IsInitialized { get; private set; }

    /// <summary>Chains, in order of discovery.</summary>
    public int ChainCount => _chainCount;

    /// <summary>CCWs that <see cref="Prefetch"/> finished in a chain before it failed; all of them when it did not.</summary>
    public int TranslatedCount(int chain) => _chains[chain].Translated;

    /// <summary>Guest address of a chain's first CCW.</summary>
    public uint GuestHead(int chain) => _chains[chain].GuestHead;

    /// <summary>Host address of a chain's first CCW.</summary>
    public uint HostHead(int chain) => _chains[chain].HostHead;

    /// <summary>CCWs of a chain.</summary>
    public int Length(int chain) => _chains[chain].Length;

    /// <summary>Fetches the program's chains from guest memory (cp_init).</summary>
    public ProgramFault Initialize(in Orb orb, IovaMap space)
    {
        if (IsInitialized)
            return ProgramFault.Busy;
        _orb = orb;
        _mappings = space.Snapshot();
        Pins.Clear(_mappings);
        Arena.Reset();
        _chainCount = 0;
        _prefetched = false;
        ProgramFault fault = AddChain(orb.ProgramAddress);
        if (fault == ProgramFault.None)
            fault = FollowTransfers();
        if (fault != ProgramFault.None)
        {
            _chainCount = 0;
            Arena.Reset();
            return fault;
        }
        IsInitialized = true;
        return ProgramFault.None;
    }

    /// <summary>Translates every CCW and pins what it needs (cp_prefetch). On a fault the CCWs done before stay pinned until <see cref="Free"/>.</summary>
    public ProgramFault Prefetch()
    {
        if (!IsInitialized)
            return ProgramFault.Invalid;
        var format = new IdawFormat(_orb);
        for (int c = 0; c < _chainCount; c++)
        {
            ref Chain chain = ref _chains[c];
            byte command = 0;
            bool dataChained = false;
            for (int i = 0; i < chain.Length; i++)
            {
                uint address = chain.HostHead + (uint)(i * Ccw.Size);
                Ccw ccw = Ccw.ReadFormat1(Arena.Bytes(address, Ccw.Size));
                ProgramFault fault;
                if (ccw.IsTransferInChannel)
                {
                    fault = TranslateTransfer(address, ccw);
                    dataChained = false; // the chain goes on elsewhere
                }
                else
                {
                    command = dataChained ? command : ccw.Command;
                    fault = TranslateData(address, ccw, command, format);
                    dataChained = ccw.Has(CcwFlags.ChainData);
                }
                if (fault != ProgramFault.None)
                    return fault;
                chain.Translated = i + 1;
            }
        }
        _prefetched = true;
        return ProgramFault.None;
    }

    /// <summary>
    /// The ORB for the backend (cp_get_orb): format 1, format-2 IDAWs, the subchannel's logical-path mask where the guest gave none, the
    /// host's program address. False before <see cref="Initialize"/>.
    /// </summary>
    public bool GetOrb(uint interruptionParameter, byte logicalPathMask, out Orb orb)
    {
        orb = default;
        if (!IsInitialized)
            return false;
        uint control = _orb.Control | OrbControl.Format1;
        if (!_orb.Format2Idaws)
            control |= OrbControl.Format2Idaws | OrbControl.TwoKIdaws;
        if (_orb.LogicalPathMask == 0)
            control |= (uint)logicalPathMask << 8;
        orb = new Orb(interruptionParameter, control, _chains[0].HostHead);
        return true;
    }

    /// <summary>
    /// A CCW address of the backend in guest terms (cp_update_scsw). An address of the arena that belongs to no chain gives 0: a host address
    /// never leaves; a foreign one stays as it is.
    /// </summary>
    public uint ToGuestAddress(uint ccwAddress) =>
        TryToGuestAddress(ccwAddress, out uint guest) ? guest : HostArena.Owns(ccwAddress) ? 0 : ccwAddress;

    /// <summary>The guest address of a CCW address in [head, behind the last CCW] of a chain, by byte; false for any other.</summary>
    public bool TryToGuestAddress(uint ccwAddress, out uint guestAddress)
    {
        for (int c = 0; c < _chainCount; c++)
        {
            ref readonly Chain chain = ref _chains[c];
            uint into = unchecked(ccwAddress - chain.HostHead);
            if (into <= (uint)(chain.Length * Ccw.Size))
            {
                guestAddress = unchecked(chain.GuestHead + into);
                return true;
            }
        }
        guestAddress = 0;
        return false;
    }

    /// <summary>The SCSW with its CCW address in guest terms.</summary>
    public Scsw UpdateScsw(Scsw scsw) => scsw with { CcwAddress = ToGuestAddress(scsw.CcwAddress) };

    /// <summary>True when a page of [iova, iova + length) is pinned (cp_iova_pinned).</summary>
    public bool IsIovaPinned(ulong iova, ulong length) => IsInitialized && Pins.Contains(iova, length);

    /// <summary>Gives everything back (cp_free); without effect when nothing is initialized.</summary>
    public void Free()
    {
        if (!IsInitialized)
            return;
        IsInitialized = false;
        _prefetched = false;
        _chainCount = 0;
        Pins.Clear([]);
        Arena.Reset();
        if (_chains.Length > MaxChains / 4)
            _chains = new Chain[4];
    }

    /// <summary>The host CCW at an address of the arena; false when there is none.</summary>
    public bool TryFetchCcw(uint address, out Ccw ccw)
    {
        ccw = default;
        if (!_prefetched || address % Ccw.Size != 0)
            return false;
        for (int c = 0; c < _chainCount; c++)
        {
            ref readonly Chain chain = ref _chains[c];
            if (unchecked(address - chain.HostHead) < (uint)(chain.Length * Ccw.Size))
            {
                ccw = Ccw.ReadFormat1(Arena.Bytes(address, Ccw.Size));
                return true;
            }
        }
        return false;
    }

    /// <summary>The host IDAW (format 2) at an address of the arena; false when there is none.</summary>
    public bool TryFetchIdaw(uint address, out ulong idaw)
    {
        Span<byte> bytes = _prefetched ? Arena.Bytes(address, IdawSize) : default;
        idaw = bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt64BigEndian(bytes);
        return !bytes.IsEmpty;
    }

    /// <summary>
    /// How many IDAWs the list at an arena address has. For tools that show a program: the list is found again from the CCW that owns it.
    /// </summary>
    public int IdawCount(uint list)
    {
        for (int c = 0; c < _chainCount; c++)
        {
            for (int i = 0; i < _chains[c].Length; i++)
            {
                Ccw ccw = Ccw.ReadFormat1(Arena.Bytes(_chains[c].HostHead + (uint)(i * Ccw.Size), Ccw.Size));
                if (ccw.IsTransferInChannel || ccw.DataAddress != list || !TryFetchIdaw(list, out ulong first))
                    continue;
                if (first == UnresolvableIdaw)
                    return 1; // the guest's first address is not kept
                var format = new IdawFormat(_orb);
                return Blocks(PinRecord.InWindow(first) ? first : format.Read(Arena.Bytes(list, IdawSize)), ccw.Count, format.Block);
            }
        }
        return 0;
    }

    private static ProgramFault ToFault(MemoryFault fault) => fault switch
    {
        MemoryFault.None => ProgramFault.None,
        MemoryFault.Unmapped => ProgramFault.Unmapped,
        MemoryFault.Protected => ProgramFault.Protected,
        MemoryFault.Gone => ProgramFault.Fault,
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };

    /// <summary>Fetches the chain at a guest address, counts its CCWs and copies them into the arena in format 1.</summary>
    private ProgramFault AddChain(uint head)
    {
        if (_chainCount == MaxChains)
            return ProgramFault.Invalid;
        MemoryFault fault = IovaMap.Read(_mappings, head, _fetched);
        if (fault != MemoryFault.None)
            return ToFault(fault);
        int length = CountChain(head, out bool transfers);
        if (length < 0)
            return ProgramFault.Invalid;
        if (_chainCount == _chains.Length)
            Array.Resize(ref _chains, _chains.Length * 2);
        int size = length * Ccw.Size;
        uint hostHead = Arena.Allocate(size + ChainGap);
        Span<byte> host = Arena.Bytes(hostHead, size);
        if (_orb.Format1)
        {
            _fetched.AsSpan(0, size).CopyTo(host);
        }
        else
        {
            for (int at = 0; at < size; at += Ccw.Size)
                Ccw.ReadFormat0(_fetched.AsSpan(at)).WriteFormat1(host[at..]);
        }
        _chains[_chainCount++] = new Chain { GuestHead = head, HostHead = hostHead, Length = length, Scanned = transfers ? 0 : length };
        return ProgramFault.None;
    }

    /// <summary>
    /// Rule 3: CCWs up to and with the one that has no chaining flag and is no TIC back into [head, its own address]; -1 when the 256th goes on.
    /// <paramref name="transfers"/>: there is a TIC among them.
    /// </summary>
    private int CountChain(uint head, out bool transfers)
    {
        bool format1 = _orb.Format1;
        transfers = false;
        for (int i = 0; i < MaxChainLength; i++)
        {
            ReadOnlySpan<byte> bytes = _fetched.AsSpan(i * Ccw.Size, Ccw.Size);
            Ccw ccw = format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
            transfers |= ccw.IsTransferInChannel;
            if (ccw.Has(CcwFlags.ChainCommand | CcwFlags.ChainData))
                continue;
            if (ccw.IsTransferInChannel && IsWithin(ccw.DataAddress, head, i + 1))
                continue;
            return i + 1;
        }
        return -1;
    }

    /// <summary>True when the address lies in [head, address of CCW number <paramref name="length"/> of the chain], 32-bit arithmetic, by byte.</summary>
    private static bool IsWithin(uint address, uint head, int length)
    {
        uint last = unchecked(head + ((uint)(length - 1) * Ccw.Size));
        return address >= head && address <= last;
    }

    private int FindChain(uint guestAddress)
    {
        for (int c = 0; c < _chainCount; c++)
        {
            if (IsWithin(guestAddress, _chains[c].GuestHead, _chains[c].Length))
                return c;
        }
        return -1;
    }

    /// <summary>Rule 4, depth first with an explicit position in every chain: no recursion, whatever a guest nests.</summary>
    private ProgramFault FollowTransfers()
    {
        int current = 0;
        while (current >= 0)
        {
            ref Chain chain = ref _chains[current];
            if (chain.Scanned == chain.Length)
            {
                current = chain.Parent;
                continue;
            }
            Ccw ccw = Ccw.ReadFormat1(Arena.Bytes(chain.HostHead + (uint)(chain.Scanned++ * Ccw.Size), Ccw.Size));
            if (!ccw.IsTransferInChannel || FindChain(ccw.DataAddress) >= 0)
                continue;
            ProgramFault fault = AddChain(ccw.DataAddress);
            if (fault != ProgramFault.None)
                return fault;
            _chains[_chainCount - 1].Parent = current;
            current = _chainCount - 1;
        }
        return ProgramFault.None;
    }

    private ProgramFault TranslateTransfer(uint address, Ccw ccw)
    {
        int target = FindChain(ccw.DataAddress);
        if (target < 0)
            return ProgramFault.Fault;
        uint host = _chains[target].HostHead + (ccw.DataAddress - _chains[target].GuestHead);
        BinaryPrimitives.WriteUInt32BigEndian(Arena.Bytes(address, Ccw.Size)[4..], host);
        return ProgramFault.None;
    }

    /// <summary>Rules 6 and 7: every other CCW gets an IDAL; its pages are pinned when data moves.</summary>
    private ProgramFault TranslateData(uint address, Ccw ccw, byte command, in IdawFormat format)
    {
        ulong first = ccw.DataAddress;
        bool indirect = ccw.Has(CcwFlags.IndirectData);
        if (indirect)
        {
            MemoryFault fault = IovaMap.Read(_mappings, ccw.DataAddress, _idaw.AsSpan(0, format.Size));
            if (fault != MemoryFault.None)
                return ToFault(fault);
            first = format.Read(_idaw);
        }
        uint block = format.Block;
        int count = Blocks(first, ccw.Count, block);
        if (Pins.Count + count > PinRecord.MaxPages)
            return ProgramFault.Invalid;
        uint list = Arena.Allocate(count * IdawSize);
        int pinsBefore = Pins.Count;
        ProgramFault outcome = indirect
            ? CopyIdal(ccw, command, list, count, first, format)
            : MakeIdal(ccw, command, list, count, format);
        if (outcome != ProgramFault.None)
        {
            Pins.Truncate(pinsBefore);
            return outcome;
        }
        (ccw with { Flags = ccw.Flags | CcwFlags.IndirectData, DataAddress = list }).WriteFormat1(Arena.Bytes(address, Ccw.Size));
        return ProgramFault.None;
    }

    /// <summary>IDAWs for <paramref name="count"/> bytes (at least one) from an address on: rule 6.</summary>
    private static int Blocks(ulong first, ushort count, uint block) =>
        (int)(((first & (block - 1)) + Math.Max(count, (ushort)1) + block - 1) / block);

    /// <summary>A list made up from the data address: later IDAWs are block-aligned; 64-bit, or wrapping at 4G without format-2 IDAWs.</summary>
    private ProgramFault MakeIdal(Ccw ccw, byte command, uint list, int count, in IdawFormat format)
    {
        Span<byte> host = Arena.Bytes(list, count * IdawSize);
        bool moves = MovesData(ccw, ccw.Command) || MovesData(ccw, command);
        ulong guest = ccw.DataAddress;
        if (!moves)
            host.Clear();
        for (int i = 0; i < count; i++)
        {
            if (!moves)
            {
                format.Write(host[(i * format.Size)..], guest);
            }
            else
            {
                ProgramFault fault = PinIdaw(guest, host[(i * IdawSize)..]);
                if (fault != ProgramFault.None)
                    return fault;
            }
            guest = (guest & ~(ulong)(format.Block - 1)) + format.Block;
            if (!format.Is64Bit)
                guest = (uint)guest;
        }
        if (!moves)
            HideWindow(host);
        return ProgramFault.None;
    }

    /// <summary>
    /// The guest's own list. 8 bytes an IDAW are read for both formats, as the kernel does; the first IDAW is the one already
    /// read: what determined the count is what is used. When no data moves the bytes stay as they are.
    /// </summary>
    private ProgramFault CopyIdal(Ccw ccw, byte command, uint list, int count, ulong first, in IdawFormat format)
    {
        Span<byte> host = Arena.Bytes(list, count * IdawSize);
        MemoryFault fault = IovaMap.Read(_mappings, ccw.DataAddress, host);
        if (fault != MemoryFault.None)
            return ToFault(fault);
        format.Write(host, first);
        bool moves = MovesData(ccw, ccw.Command) || MovesData(ccw, command);
        if (!moves)
        {
            HideWindow(host);
            return ProgramFault.None;
        }
        for (int i = count - 1; i >= 0 && !format.Is64Bit; i--)
            BinaryPrimitives.WriteUInt64BigEndian(host[(i * IdawSize)..], format.Read(host[(i * format.Size)..]));
        for (int i = 0; i < count; i++)
        {
            Span<byte> slot = host[(i * IdawSize)..];
            ProgramFault outcome = PinIdaw(BinaryPrimitives.ReadUInt64BigEndian(slot), slot);
            if (outcome != ProgramFault.None)
                return outcome == ProgramFault.Unmapped && RunWraps(slot) ? ProgramFault.Overflow : outcome;
        }
        return ProgramFault.None;
    }

    /// <summary>True when the IDAWs from here on name page after page over the end of the 64-bit space (the kernel pins them as one run).</summary>
    private static bool RunWraps(ReadOnlySpan<byte> idaws)
    {
        for (; idaws.Length >= 2 * IdawSize; idaws = idaws[IdawSize..])
        {
            ulong page = BinaryPrimitives.ReadUInt64BigEndian(idaws) / IovaMap.PageSize;
            ulong next = BinaryPrimitives.ReadUInt64BigEndian(idaws[IdawSize..]) / IovaMap.PageSize;
            if (next == 0 && page == ulong.MaxValue / IovaMap.PageSize)
                return true;
            if (next != page + 1)
                return false;
        }
        return false;
    }

    private ProgramFault PinIdaw(ulong guest, Span<byte> slot)
    {
        MemoryFault fault = Pins.Pin(guest, out ulong host);
        if (fault != MemoryFault.None)
            return ToFault(fault);
        BinaryPrimitives.WriteUInt64BigEndian(slot, host);
        return ProgramFault.None;
    }

    /// <summary>An idle CCW's list stays as the guest gave it, but must not name a pinned page by chance.</summary>
    private static void HideWindow(Span<byte> idaws)
    {
        for (; !idaws.IsEmpty; idaws = idaws[IdawSize..])
        {
            if (PinRecord.InWindow(BinaryPrimitives.ReadUInt64BigEndian(idaws)))
                BinaryPrimitives.WriteUInt64BigEndian(idaws, UnresolvableIdaw);
        }
    }

    /// <summary>Rule 7. A data-chained CCW goes on with the command that began the chain, as the hardware does (the kernel looks at its own code).</summary>
    private static bool MovesData(Ccw ccw, byte command) =>
        ccw.Count != 0
        && command != CommandCode.NoOperation
        && !(ccw.Has(CcwFlags.Skip) && CommandCode.MovesToStorage(command));

    private struct Chain
    {
        public uint GuestHead;
        public uint HostHead;
        public int Length;
        public int Translated;
        public int Scanned;     // CCWs whose TICs have been followed
        public int Parent = -1; // where the walk goes on after this chain; -1: it ends

        public Chain()
        {
        }
    }

    /// <summary>How a program's IDAWs look (ORB bits H and T).</summary>
    private readonly struct IdawFormat(Orb orb)
    {
        public readonly bool Is64Bit = orb.Format2Idaws;
        public readonly int Size = orb.Format2Idaws ? 8 : 4;
        public readonly uint Block = orb.Format2Idaws && !orb.TwoKIdaws ? FourK : TwoK;

        public void Write(Span<byte> destination, ulong idaw)
        {
            if (Is64Bit)
                BinaryPrimitives.WriteUInt64BigEndian(destination, idaw);
            else
                BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)idaw);
        }

        public ulong Read(ReadOnlySpan<byte> source) =>
            Is64Bit ? BinaryPrimitives.ReadUInt64BigEndian(source) : BinaryPrimitives.ReadUInt32BigEndian(source);
    }
}
