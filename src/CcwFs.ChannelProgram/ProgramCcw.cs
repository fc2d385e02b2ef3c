using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>A CCW of a <see cref="HostProgram"/>, as <see cref="HostProgram.Ccws"/> comes by it.</summary>
public struct ProgramCcw
{
    private readonly HostProgram _program;
    private CommandInEffect _effect;

    internal ProgramCcw(HostProgram program) => _program = program;

    /// <summary>The CCW's number in its chain.</summary>
    public int Index { readonly get; private set; }

    /// <summary>Where the guest has it.</summary>
    public GuestCcwAddress Guest { readonly get; private set; }

    /// <summary>Where the backend finds it.</summary>
    public HostAddress Host { readonly get; private set; }

    /// <summary>The CCW as the backend finds it: format 1, its address the backend's.</summary>
    public Ccw Ccw { readonly get; private set; }

    /// <summary>The command it belongs to: its own, or that of the chain of data that it continues.</summary>
    public readonly byte Command => _effect.Command;

    /// <summary>
    /// It continues the CCW before it by data chaining. One that a TIC leads to may continue another too, which cannot be seen here.
    /// </summary>
    public readonly bool Continues => _effect.Continues;

    /// <summary>
    /// It may move data to storage: as the command it belongs to, by its own code, or as the continuation of data chained over the TICs before it.
    /// </summary>
    public readonly bool MayMoveToStorage =>
        !Ccw.Has(CcwFlags.Skip)
        && (CommandCode.MovesToStorage(Ccw.Command) || CommandCode.MovesToStorage(Command)
            || CommandCode.MovesToStorage(_effect.CommandOverTransfer));

    /// <summary>Where the list of host IDAWs is, which every CCW but a TIC has.</summary>
    public readonly HostAddress List => new(Ccw.DataAddress);

    /// <summary>The IDAWs of its list name pinned pages. When no data moves they do not, nor when they lead to the copy of an argument.</summary>
    public readonly bool IsPinned => HasList && _program.TryFetchIdaw(List, out ulong first) && PinRecord.InWindow(first);

    /// <summary>
    /// How many IDAWs (8 bytes, big-endian) its list has; 0 of a TIC. Of the list of a CCW that moves no data, whose first IDAW looked like a host
    /// address and was taken out, only that one is known: 1.
    /// </summary>
    public readonly int IdawCount => HasList ? _program.CountIdaws(List, Ccw.Count) : 0;

    private readonly bool HasList => !Ccw.IsTransferInChannel;

    /// <summary>To the place before a chain's first CCW.</summary>
    internal void Enter(in ProgramChain chain)
    {
        (Index, _effect) = (-1, default);
        (Guest, Host) = (chain.GuestHead.Plus(unchecked((uint)-Ccw.Size)), chain.HostHead.Plus(-Ccw.Size));
    }

    /// <summary>To the next CCW of the chain, which there is.</summary>
    internal void Advance()
    {
        Index++;
        Guest = Guest.Plus(Ccw.Size);
        Host = Host.Plus(Ccw.Size);
        Ccw = _program.Fetched(Host);
        _effect.Take(Ccw);
    }
}
