using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>
/// A channel program as a backend is given it, of whatever kind: a <see cref="HostProgram"/>, which was translated as a whole, or a
/// <see cref="LiveProgram"/>, which is fetched at its turn. Here is what its owner asks of either. Calls are serialized by the owner, but for those
/// that say otherwise.
/// </summary>
public abstract class BackendProgram
{
    private ProgramNote? _notes; // one per kind of layer that has kept anything, used again

    /// <summary>The program's memory may wait for its owner (<see cref="IMemoryStore.MayWait"/>).</summary>
    public abstract bool MayWait { get; }

    /// <summary>The ORB that the guest gave.</summary>
    public abstract Orb GuestOrb { get; }

    /// <summary>
    /// The ORB for the backend: the guest's, with the interruption parameter of the host, the subchannel's logical-path mask where the guest gave
    /// none, and what the translation has changed. False: there is no program.
    /// </summary>
    public abstract bool TryGetOrb(uint interruptionParameter, byte logicalPathMask, out Orb orb);

    /// <summary>
    /// A CCW address of the backend in guest terms. One that is the backend's own and belongs to no chain gives 0: a host address never leaves; a
    /// foreign one stays as it is.
    /// </summary>
    public abstract GuestCcwAddress ToGuest(HostAddress ccwAddress);

    /// <summary>
    /// Where the guest has a CCW that the backend wanted and that was not fetched: status modifier led behind a chain that ends with a TIC out of it.
    /// <paramref name="ccwAddress"/>: the backend's CCW address, 8 behind that CCW. False: the program did not end for that reason.
    /// </summary>
    public abstract bool TryUnfetched(HostAddress ccwAddress, out GuestCcwAddress guest);

    /// <summary>The program uses a page of [iova, iova + length), the end taken modulo 2^64.</summary>
    public abstract bool IsIovaPinned(ulong iova, ulong length);

    /// <summary>The SCSW with its CCW address in guest terms.</summary>
    public Scsw UpdateScsw(Scsw scsw) => scsw with { CcwAddress = ToGuest(new HostAddress(scsw.CcwAddress)).Value };

    /// <summary>What a layer keeps about the program; null: nothing of this kind.</summary>
    public TNote? Find<TNote>()
        where TNote : ProgramNote
    {
        for (ProgramNote? at = _notes; at is not null; at = at.Next)
        {
            if (at is TNote found)
                return found;
        }
        return null;
    }

    /// <summary>As <see cref="Find{TNote}"/>, made where there is none.</summary>
    public TNote Note<TNote>()
        where TNote : ProgramNote, new()
    {
        if (Find<TNote>() is { } found)
            return found;
        var note = new TNote { Next = _notes };
        _notes = note;
        return note;
    }

    /// <summary>The program has ended: layers keep nothing of it.</summary>
    public void EndNotes()
    {
        for (ProgramNote? at = _notes; at is not null; at = at.Next)
            at.End();
    }

    /// <summary>The guest's control word with a path.</summary>
    private protected static uint WithPath(in Orb orb, byte logicalPathMask) =>
        orb.Control | (orb.LogicalPathMask == 0 ? (uint)logicalPathMask << 8 : 0);
}
