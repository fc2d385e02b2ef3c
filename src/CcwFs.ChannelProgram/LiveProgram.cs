using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>
/// A program that must not be prefetched (ORB P bit 0), for a backend that fetches by itself: nothing is translated, addresses stay the guest's, and
/// the backend gets each CCW, IDAW and byte at its turn out of <see cref="Memory"/>. One object per device, reused.
/// </summary>
public sealed class LiveProgram : BackendProgram
{
    private Mapping[] _mappings = [];
    private Orb _orb;
    private bool _isBegun;

    /// <summary>Guest memory as the program meets it.</summary>
    public LiveMemory Memory { get; } = new();

    /// <summary>Stands before each command; null: nothing does. Set before the program is started, for this program alone.</summary>
    public ILiveGate? Gate { get; set; }

    /// <inheritdoc/>
    public override Orb GuestOrb => _orb;

    /// <inheritdoc/>
    public override bool MayWait => IovaMap.MayWait(_mappings);

    /// <summary>
    /// Begins a program: only the 2K at its address are looked at (rule 1 of this room's README). <paramref name="map"/>: where everything else is
    /// looked up, at its turn;
    /// <paramref name="mappings"/>: it now. <paramref name="why"/>: where and why it cannot begin, for people.
    /// </summary>
    public ProgramFault Begin(in Orb orb, IovaMap map, Mapping[] mappings, out TranslationFault? why)
    {
        Span<byte> fetched = stackalloc byte[Translator.FetchSize];
        why = null;
        if (_isBegun)
            return ProgramFault.Busy;
        ProgramFault fault = Faults.Of(IovaMap.Read(mappings, orb.ProgramAddress, fetched));
        if (fault != ProgramFault.None)
        {
            why = TranslationFault.OfHead(new GuestCcwAddress(orb.ProgramAddress));
            return fault;
        }
        (_orb, _mappings, _isBegun) = (orb, mappings, true);
        Memory.Begin(map);
        return ProgramFault.None;
    }

    /// <summary>The program has ended: nothing of its memory is reached any more.</summary>
    public void End()
    {
        Memory.End();
        (_mappings, _isBegun, Gate) = ([], false, null);
    }

    /// <inheritdoc/>
    public override bool TryGetOrb(uint interruptionParameter, byte logicalPathMask, out Orb orb)
    {
        orb = new Orb(interruptionParameter, WithPath(_orb, logicalPathMask), _orb.ProgramAddress);
        return _isBegun;
    }

    /// <inheritdoc/>
    public override GuestCcwAddress ToGuest(HostAddress ccwAddress) => new(ccwAddress.Value);

    /// <inheritdoc/>
    public override bool TryUnfetched(HostAddress ccwAddress, out GuestCcwAddress guest)
    {
        guest = default;
        return false;
    }

    /// <inheritdoc/>
    public override bool IsIovaPinned(ulong iova, ulong length) => _isBegun && Memory.Contains(iova, length);
}
