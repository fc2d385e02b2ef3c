using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>
/// Turns a guest's channel program into one that a backend can run: the chains are copied once, judged as the copy, and every address
/// becomes one of the arena or of the record of pinned pages. The calls are those of the kernel's cp_ interface (drivers/s390/cio/vfio_ccw_cp.c):
/// <see cref="Initialize(in Orb, IovaMap)"/>, <see cref="Prefetch"/>, <see cref="GetOrb"/>, <see cref="UpdateScsw"/>, <see cref="IsIovaPinned"/>, <see cref="Free"/>.
/// One object a device, reused; it allocates nothing in steady state. Calls are serialized by the owner. Between a successful
/// <see cref="Prefetch"/> and <see cref="Free"/> the backend may read the host program (<see cref="TryFetchCcw"/>, <see cref="TryFetchIdaw"/>, <see cref="Pins"/>).
/// </summary>
public sealed partial class Translator
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

    /// <summary>True from a successful <see cref="Initialize(in Orb, IovaMap)"/> to <see cref="Free"/>.</summary>
    public bool IsInitialized { get; private set; }

    /// <summary>Where and why the last program could not be translated; null when it could.</summary>
    public TranslationFault? Fault { get; private set; }

    /// <summary>Chains, in order of discovery.</summary>
    public int ChainCount => _chainCount;

    /// <summary>The mappings that the program's addresses were looked up in.</summary>
    public Mapping[] Mappings => _mappings;

    /// <summary>CCWs that <see cref="Prefetch"/> finished in a chain before it failed; all of them when it did not.</summary>
    public int TranslatedCount(int chain) => _chains[chain].Translated;

    /// <summary>Guest address of a chain's first CCW.</summary>
    public uint GuestHead(int chain) => _chains[chain].GuestHead;

    /// <summary>Host address of a chain's first CCW.</summary>
    public uint HostHead(int chain) => _chains[chain].HostHead;

    /// <summary>CCWs of a chain.</summary>
    public int Length(int chain) => _chains[chain].Length;

    /// <summary>Fetches the program's chains from guest memory as it is now (cp_init).</summary>
    public ProgramFault Initialize(in Orb orb, IovaMap space) => Initialize(orb, space.Snapshot());

    /// <summary>Fetches the program's chains from guest memory; these mappings are all that is ever looked up for the program.</summary>
    public ProgramFault Initialize(in Orb orb, Mapping[] mappings)
    {
        if (IsInitialized)
            return ProgramFault.Busy;
        _orb = orb;
        _mappings = mappings;
        Pins.Clear(_mappings);
        Arena.Reset();
        _chainCount = 0;
        _prefetched = false;
        Fault = null;
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
                {
                    Fault = TranslationFault.OfCcw(unchecked(chain.GuestHead + (uint)(i * Ccw.Size)), ccw, fault);
                    return fault;
                }
                chain.Translated = i + 1;
            }
        }
        _prefetched = true;
        return ProgramFault.None;
    }

    /// <summary>
    /// The ORB for the backend (cp_get_orb): format 1, format-2 IDAWs, the subchannel's logical-path mask where the guest gave none, the
    /// host's program address. False before <see cref="Initialize(in Orb, IovaMap)"/>.
    /// </summary>
    public bool GetOrb(uint interruptionParameter, byte logicalPathMask, out Orb orb)
    {
        orb = default;
        if (!IsInitialized)
            return false;
        if (Live is not null)
        {
            orb = LiveOrb(interruptionParameter, logicalPathMask);
            return true;
        }
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
        if (Live is not null)
        {
            guestAddress = ccwAddress;
            return true;
        }
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

    /// <summary>
    /// The guest address of a CCW that the backend wanted and that was not fetched: status modifier led behind a chain that ends with a TIC out of it.
    /// <paramref name="ccwAddress"/>: the backend's CCW address, 8 behind that CCW.
    /// </summary>
    public bool TryUnfetched(uint ccwAddress, out uint guestAddress)
    {
        guestAddress = 0;
        if (Live is not null)
            return false;
        for (int c = 0; c < _chainCount; c++)
        {
            ref readonly Chain chain = ref _chains[c];
            uint behind = unchecked(ccwAddress - chain.HostHead - (uint)(chain.Length * Ccw.Size));
            if (behind == Ccw.Size && Ccw.ReadFormat1(Arena.Bytes(chain.HostHead + (uint)((chain.Length - 1) * Ccw.Size), Ccw.Size)).IsTransferInChannel)
            {
                guestAddress = unchecked(chain.GuestHead + (ccwAddress - chain.HostHead) - Ccw.Size);
                return true;
            }
        }
        return false;
    }

    /// <summary>The SCSW with its CCW address in guest terms.</summary>
    public Scsw UpdateScsw(Scsw scsw) => scsw with { CcwAddress = ToGuestAddress(scsw.CcwAddress) };

    /// <summary>True when a page of [iova, iova + length) is pinned (cp_iova_pinned), or was touched by a program that is not prefetched.</summary>
    public bool IsIovaPinned(ulong iova, ulong length) => IsInitialized && (Live?.Contains(iova, length) ?? Pins.Contains(iova, length));

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
        ForgetPolicy();
        ForgetLive();
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
}
