using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>A CCW of a <see cref="HostProgram"/>, as <see cref="HostProgram.Ccws"/> comes by it.</summary>
public readonly struct ProgramCcw
{
    private readonly HostProgram _program;
    private readonly CommandInEffect _effect;

    internal ProgramCcw(HostProgram program, int chain, int index, GuestCcwAddress guest, HostAddress host, Ccw ccw, CommandInEffect effect)
    {
        (_program, _effect) = (program, effect);
        (Chain, Index, Guest, Host, Ccw) = (chain, index, guest, host, ccw);
    }

    /// <summary>The chain's number.</summary>
    public int Chain { get; }

    /// <summary>The CCW's number in its chain.</summary>
    public int Index { get; }

    /// <summary>Where the guest has it.</summary>
    public GuestCcwAddress Guest { get; }

    /// <summary>Where the backend finds it.</summary>
    public HostAddress Host { get; }

    /// <summary>The CCW as the backend finds it: format 1, its address the backend's.</summary>
    public Ccw Ccw { get; }

    /// <summary>The command it belongs to: its own, or that of the chain of data that it continues.</summary>
    public byte Command => _effect.Command;

    /// <summary>It continues the CCW before it by data chaining. One that a TIC leads to may continue another too, which cannot be seen here.</summary>
    public bool Continues => _effect.Continues;

    /// <summary>It may move data to storage: as the command it belongs to, by its own code, or as the continuation of data chained over the TICs before it.</summary>
    public bool MayMoveToStorage =>
        !Ccw.Has(CcwFlags.Skip)
        && (CommandCode.MovesToStorage(Ccw.Command) || CommandCode.MovesToStorage(Command) || CommandCode.MovesToStorage(_effect.CommandOverTransfer));

    /// <summary>Data moves, as the command it belongs to or by its own code; the pages of a CCW that does so are pinned.</summary>
    public bool MovesData =>
        CommandInEffect.MovesData(Ccw, Ccw.Command) || (Command != Ccw.Command && CommandInEffect.MovesData(Ccw, Command));

    /// <summary>Where the list of host IDAWs is, which every CCW but a TIC has.</summary>
    public HostAddress List => new(Ccw.DataAddress);

    /// <summary>The IDAWs of its list name pinned pages. When no data moves they do not, nor when they lead to the copy of an argument.</summary>
    public bool IsPinned => HasList && _program.TryFetchIdaw(List, out ulong first) && PinRecord.InWindow(first);

    /// <summary>
    /// How many IDAWs (8 bytes, big-endian) its list has; 0 of a TIC. One that moves no data and whose first IDAW would have looked like a host address has one that is
    /// known.
    /// </summary>
    public int IdawCount => HasList ? _program.CountIdaws(List, Ccw.Count) : 0;

    private bool HasList => !Ccw.IsTransferInChannel;
}
