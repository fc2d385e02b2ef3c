using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>
/// Turns a guest's channel program into one that a backend can run: the chains are copied once, judged as the copy, and every address becomes one of
/// the arena or of the record of pinned pages. The calls are those of the kernel's cp_ interface (drivers/s390/cio/vfio_ccw_cp.c), as far as they
/// build the program: <see cref="Initialize(in Orb, IovaMap)"/>, <see cref="Prefetch"/>, <see cref="Free"/>; the others are asked of
/// <see cref="Program"/>. The rules are in this room's README. One object per device, reused, and its program with it; it allocates nothing in steady
/// state. Calls are serialized by the owner.
/// </summary>
public sealed partial class Translator
{
    /// <summary>CCWs that one chain may hold (kernel: CCWCHAIN_LEN_MAX).</summary>
    public const int MaxChainLength = 256;

    /// <summary>Bytes fetched from a chain's head, always (rule 1).</summary>
    public const int FetchSize = MaxChainLength * Ccw.Size;

    /// <summary>
    /// Chains that TICs may link (arbitrary: the kernel has no limit, and its stack holds about 160 nested ones).
    /// </summary>
    public const int MaxChains = 256;

    private readonly HostArena _arena;
    private readonly PinRecord _pins;
    private readonly byte[] _fetched = new byte[FetchSize];
    private readonly byte[] _idaw = new byte[HostProgram.IdawSize];
    private bool _isInitialized;
    private bool _isFormat1;

    /// <summary>A translator without a program.</summary>
    public Translator() => (_arena, _pins) = (Program.Arena, Program.Pins);

    /// <summary>The program that is being built, or is complete.</summary>
    public HostProgram Program { get; } = new();

    /// <summary>Where and why the last program could not be translated; null when it could.</summary>
    public TranslationFault? Fault { get; private set; }

    /// <summary>Fetches the program's chains from guest memory as it is now (cp_init).</summary>
    public ProgramFault Initialize(in Orb orb, IovaMap space) => Initialize(orb, space.Snapshot());

    /// <summary>Fetches the program's chains from guest memory; these mappings are all that is ever looked up for the program.</summary>
    public ProgramFault Initialize(in Orb orb, Mapping[] mappings)
    {
        if (_isInitialized)
            return ProgramFault.Busy;
        (_isFormat1, Fault) = (orb.Format1, null);
        Program.Begin(orb, mappings);
        ProgramFault fault = AddChain(new GuestCcwAddress(orb.ProgramAddress), parent: -1);
        if (fault == ProgramFault.None)
            fault = FollowTransfers();
        _isInitialized = fault == ProgramFault.None;
        if (!_isInitialized)
            Program.End();
        return fault;
    }

    /// <summary>
    /// Translates every CCW and pins what it needs (cp_prefetch), in the order of the chains; the first fault ends it. The CCWs done before stay
    /// pinned until <see cref="Free"/> (rule 8).
    /// </summary>
    /// <remarks>
    /// It takes the same steps as <see cref="HostProgram.Ccws"/>, but does not go over these: to set them up is a fifth of a short translation.
    /// </remarks>
    public ProgramFault Prefetch()
    {
        if (!_isInitialized)
            return ProgramFault.Invalid;
        var format = new IdawFormat(Program.GuestOrb);
        int done = 0;
        for (int c = 0; c < Program.Chains.Length; c++)
        {
            ref readonly ProgramChain chain = ref Program.Chains[c];
            var at = default(CommandInEffect);
            for (int i = 0; i < chain.Length; i++, done++)
            {
                HostAddress host = chain.HostHead.Plus(i * Ccw.Size);
                at.Take(Program.Fetched(host));
                ProgramFault fault = at.Ccw.IsTransferInChannel ? TranslateTransfer(host, at.Ccw)
                    : TranslateData(host, at.Ccw, at.MayMoveData, format);
                if (fault != ProgramFault.None)
                {
                    Program.TranslatedCcws = done;
                    Fault = TranslationFault.OfCcw(chain.GuestHead.Plus((uint)(i * Ccw.Size)), at.Ccw, fault);
                    return fault;
                }
            }
        }
        Program.TranslatedCcws = done;
        Program.Complete();
        return ProgramFault.None;
    }

    /// <summary>Gives everything back (cp_free); without effect when nothing is initialized.</summary>
    public void Free()
    {
        if (!_isInitialized)
            return;
        _isInitialized = false;
        Program.End();
        if (_positions.Length > KeptPositions)
            _positions = new Position[FewPositions];
    }
}
