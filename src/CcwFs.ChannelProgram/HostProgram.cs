using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>
/// A translated channel program: its CCWs in format 1 and their lists of host IDAWs in an arena, and the guest pages that the IDAWs name. A
/// <see cref="Translator"/> builds it, one object per device, which is used again: between a successful <see cref="Translator.Prefetch"/> and
/// <see cref="Translator.Free"/> the backend may read it. Until it is complete, and without a program, no CCW and no IDAW is found.
/// </summary>
public sealed class HostProgram : BackendProgram
{
    /// <summary>Bytes of a host IDAW: format 2, big-endian.</summary>
    public const int IdawSize = 8;

    /// <summary>Longest argument that <see cref="CopyArgument"/> takes: a block of the smaller kind.</summary>
    public const int MaxArgument = 2048;

    /// <summary>
    /// What a host IDAW of a CCW that moves no data holds where the guest's value would name a pinned page or a place in the arena: nothing.
    /// </summary>
    internal const ulong UnresolvableIdaw = ulong.MaxValue;

    private const int ChainGap = 64; // between chains in the arena, so that an address belongs to one chain at most
    private const int FewChains = 4, KeptChains = 64; // arbitrary; a larger array is given back
    private const int KeptGuestBytes = 8 << 10; // arbitrary; the same

    private ProgramChain[] _chains = new ProgramChain[FewChains];
    private int _chainCount;
    private Orb _orb; // the guest's
    private ArenaStore? _argumentStore; // made at the first argument
    private byte[] _guestCcws = new byte[FewChains * Ccw.Size];
    private int _guestBytes;            // of _guestCcws that are used
    private HostAddress _arguments;     // where the copies of arguments begin, and
    private HostAddress _argumentsEnd;  // end; nothing else of the arena is data

    internal HostProgram()
    {
    }

    /// <summary>The chains, in the order of their discovery; the first one is where the program begins.</summary>
    public ReadOnlySpan<ProgramChain> Chains => _chains.AsSpan(0, _chainCount);

    /// <summary>All CCWs, chain by chain; as they were fetched until the translation is complete.</summary>
    public ProgramCcws Ccws => new(this);

    /// <summary>The guest pages that the program may touch.</summary>
    public PinRecord Pins { get; } = new();

    /// <summary>The mappings that the program's addresses were looked up in.</summary>
    public Mapping[] Mappings { get; private set; } = [];

    /// <summary>How many of <see cref="Ccws"/> were translated, one after the other, until a fault ended that; all of them when none did.</summary>
    public int TranslatedCcws { get; internal set; }

    /// <summary>CCWs and lists as they lie in the arena, from <see cref="HostArena.Base"/> on.</summary>
    public ReadOnlySpan<byte> Bytes => Arena.All;

    /// <inheritdoc/>
    public override bool MayWait => Pins.MayWait;

    /// <summary>CCWs, IDALs and copies of arguments.</summary>
    internal HostArena Arena { get; } = new();

    /// <summary>The program is whole.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Bytes of the blocks that the IDAWs name: 2K or 4K.</summary>
    public int IdawBlock => (int)IdawFormat.Block;

    /// <summary>How the guest's IDAWs look; the host's are 8 bytes, with the same blocks.</summary>
    internal IdawFormat IdawFormat => new(_orb);

    /// <inheritdoc/>
    public override Orb GuestOrb => _orb;

    /// <summary>The CCW as the guest wrote it, in format 1; <paramref name="number"/> counts all CCWs of the program.</summary>
    public Ccw GuestCcw(int number) => Ccw.ReadFormat1(_guestCcws.AsSpan(0, _guestBytes)[(number * Ccw.Size)..]);

    /// <summary>
    /// The number of the chain that a host address lies in, or at most a CCW behind the end of, and how many bytes behind its head; false when there
    /// is none. Chains lie further apart.
    /// </summary>
    public bool TryFindChain(HostAddress address, out int number, out uint into)
    {
        for (number = 0; number < _chainCount; number++)
        {
            into = address.BytesBehind(_chains[number].HostHead);
            if (into <= _chains[number].Size + Ccw.Size)
                return true;
        }
        into = 0;
        return false;
    }

    /// <summary>The host CCW at an address; false when there is none.</summary>
    public bool TryFetchCcw(HostAddress address, out Ccw ccw)
    {
        bool found = IsComplete && address.Value % Ccw.Size == 0 && TryFindChain(address, out int chain, out uint into) && into < _chains[chain].Size;
        ccw = found ? Fetched(address) : default;
        return found;
    }

    /// <summary>The host IDAW at an address of the arena; false when there is none.</summary>
    public bool TryFetchIdaw(HostAddress address, out ulong idaw)
    {
        Span<byte> bytes = IsComplete ? Arena.Bytes(address, IdawSize) : default;
        idaw = bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt64BigEndian(bytes);
        return !bytes.IsEmpty;
    }

    /// <summary>
    /// What is behind a host IDAW: a pinned page, or the copy of an argument. Its store and offset, and how many bytes are left there; false when it
    /// leads nowhere.
    /// </summary>
    public bool TryResolve(ulong idaw, out IMemoryStore store, out long offset, out int left)
    {
        if (Pins.TryResolve(idaw, out store, out offset, out left))
            return true;
        if (!IsInArguments(idaw))
            return false;
        (store, offset, left) = (_argumentStore!, HostArena.OffsetOf(new HostAddress((uint)idaw)), (int)(_argumentsEnd.Value - (uint)idaw));
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>The kernel's cp_get_orb: format 1, format-2 IDAWs, the host's program address (rule 9 of this room's README).</remarks>
    public override bool TryGetOrb(uint interruptionParameter, byte logicalPathMask, out Orb orb)
    {
        orb = default;
        if (_chainCount == 0)
            return false;
        uint control = WithPath(_orb, logicalPathMask) | OrbControl.Format1;
        if (!_orb.Format2Idaws)
            control |= OrbControl.Format2Idaws | OrbControl.TwoKIdaws;
        orb = new Orb(interruptionParameter, control, _chains[0].HostHead.Value);
        return true;
    }

    /// <inheritdoc/>
    public override GuestCcwAddress ToGuest(HostAddress ccwAddress) =>
        TryToGuest(ccwAddress, out GuestCcwAddress guest) ? guest : new GuestCcwAddress(HostArena.Owns(ccwAddress) ? 0 : ccwAddress.Value);

    /// <summary>The guest address of a CCW address in [head, behind the last CCW] of a chain, by byte; false for any other.</summary>
    public bool TryToGuest(HostAddress ccwAddress, out GuestCcwAddress guest)
    {
        bool found = TryFindChain(ccwAddress, out int chain, out uint into) && into <= _chains[chain].Size;
        guest = found ? _chains[chain].GuestHead.Plus(into) : default;
        return found;
    }

    /// <inheritdoc/>
    public override bool TryUnfetched(HostAddress ccwAddress, out GuestCcwAddress guest)
    {
        bool found = TryFindChain(ccwAddress, out int chain, out uint into) && into == _chains[chain].Size + Ccw.Size
            && Fetched(ccwAddress.Plus(-2 * Ccw.Size)).IsTransferInChannel;
        guest = found ? _chains[chain].GuestHead.Plus(_chains[chain].Size) : default;
        return found;
    }

    /// <inheritdoc/>
    public override bool IsIovaPinned(ulong iova, ulong length) => Pins.Contains(iova, length);

    /// <summary>
    /// Takes a copy of a command's argument into the arena, behind all CCWs and IDALs: what was judged is what will be used. It lies in one block of
    /// 2K, so that one IDAW is enough for each CCW that names a part of it, of either block size. Nothing else of the arena is data:
    /// <see cref="TryResolve"/> finds copies alone.
    /// </summary>
    /// <param name="bytes">The argument: 1 to <see cref="MaxArgument"/> bytes.</param>
    public HostAddress CopyArgument(ReadOnlySpan<byte> bytes)
    {
        int into = Arena.Used % MaxArgument;
        if (into + bytes.Length > MaxArgument)
            Arena.Allocate(MaxArgument - into);
        HostAddress copy = Arena.Allocate(bytes.Length);
        bytes.CopyTo(Arena.Bytes(copy, bytes.Length));
        _argumentStore ??= new ArenaStore(Arena);
        if (_arguments == _argumentsEnd)
            _arguments = copy;
        _argumentsEnd = copy.Plus(bytes.Length);
        return copy;
    }

    /// <summary>Leads a CCW's list to a part of the copy of its argument, in place of the guest's pages.</summary>
    public void RedirectList(HostAddress list, HostAddress part) => BinaryPrimitives.WriteUInt64BigEndian(Arena.Bytes(list, IdawSize), part.Value);

    /// <summary>
    /// Takes a copy of a part of a block into the arena, which an IDAW of the block's kind can name in place of the guest's page:
    /// <paramref name="into"/> is where in its block it begins. See <see cref="CopyArgument"/> and <see cref="RedirectList"/>.
    /// </summary>
    public HostAddress CopyBlock(ReadOnlySpan<byte> bytes, int into)
    {
        Arena.Allocate((IdawBlock - (Arena.Used % IdawBlock)) % IdawBlock);
        HostAddress block = Arena.Allocate(IdawBlock);
        bytes.CopyTo(Arena.Bytes(block.Plus(into), IdawBlock - into));
        _argumentStore ??= new ArenaStore(Arena);
        if (_arguments == _argumentsEnd)
            _arguments = block;
        _argumentsEnd = block.Plus(IdawBlock);
        return block.Plus(into);
    }

    /// <summary>Puts another CCW in the place of one that was translated: the backend finds that one.</summary>
    public void Replace(HostAddress address, Ccw ccw) => ccw.WriteFormat1(Arena.Bytes(address, Ccw.Size));

    /// <summary>A program without chains yet; the one before has ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Begin(in Orb orb, Mapping[] mappings)
    {
        Mappings = mappings;
        _orb = orb;
        Pins.Clear(mappings);
    }

    /// <summary>
    /// Takes in a chain of at least one CCW, the bytes of which are to be written; the addresses behind it hold no command of an earlier program.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Span<byte> AddChain(GuestCcwAddress head, int length)
    {
        if (_chainCount == _chains.Length)
            Array.Resize(ref _chains, _chains.Length * 2);
        int size = length * Ccw.Size;
        HostAddress host = Arena.Allocate(size + ChainGap);
        _chains[_chainCount++] = new ProgramChain(head, host, length);
        Span<byte> bytes = Arena.Bytes(host, size + ChainGap);
        bytes[size..].Clear(); // status modifier may lead there
        return bytes[..size];
    }

    /// <summary>Keeps a chain as the guest wrote it, in format 1; the translation changes what is in the arena.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void KeepGuest(ReadOnlySpan<byte> chain)
    {
        if (_guestCcws.Length - _guestBytes < chain.Length)
            Array.Resize(ref _guestCcws, Math.Max(_guestCcws.Length * 2, _guestBytes + chain.Length));
        chain.CopyTo(_guestCcws.AsSpan(_guestBytes));
        _guestBytes += chain.Length;
    }

    /// <summary>Every CCW was translated.</summary>
    internal void Complete() => IsComplete = true;

    /// <summary>Gives everything back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void End()
    {
        (IsComplete, _chainCount, TranslatedCcws) = (false, 0, 0);
        (_arguments, _argumentsEnd, _guestBytes) = (default, default, 0);
        if (_guestCcws.Length > KeptGuestBytes)
            _guestCcws = new byte[FewChains * Ccw.Size];
        Pins.Clear([]);
        Arena.Reset();
        if (_chains.Length > KeptChains)
            _chains = new ProgramChain[FewChains];
    }

    /// <summary>The CCW at an address that is known to be in a chain, translated or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Ccw Fetched(HostAddress address) => Ccw.ReadFormat1(Arena.Bytes(address, Ccw.Size));

    /// <summary>How many IDAWs a CCW's list has: found again from its first one, which keeps where in a block the data begins.</summary>
    internal int CountIdaws(HostAddress list, ushort count)
    {
        if (!TryFetchIdaw(list, out ulong first))
            return 0;
        if (first == UnresolvableIdaw)
            return 1; // the guest's first address is not kept
        return IdawFormat.Blocks(PinRecord.InWindow(first) || IsInArguments(first) ? first : IdawFormat.Read(Arena.Bytes(list, IdawSize)), count);
    }

    private bool IsInArguments(ulong idaw) => idaw >= _arguments.Value && idaw < _argumentsEnd.Value;
}
