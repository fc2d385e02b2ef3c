using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>A CCW of a <see cref="HostProgram"/>, as <see cref="HostProgram.Ccws"/> comes by it.</summary>
public struct ProgramCcw
{
    private readonly HostProgram _program;
    private ProgramChain _chain;
    private CommandInEffect _effect;

    internal ProgramCcw(HostProgram program) => (_program, Number) = (program, -1);

    /// <summary>The CCW's number in the program, over all its chains.</summary>
    public int Number { readonly get; private set; }

    /// <summary>The CCW's number in its chain.</summary>
    public int Index { readonly get; private set; }

    /// <summary>Where the guest has it.</summary>
    public readonly GuestCcwAddress Guest => _chain.GuestHead.Plus((uint)(Index * Ccw.Size));

    /// <summary>Where the backend finds it.</summary>
    public readonly HostAddress Host => _chain.HostHead.Plus(Index * Ccw.Size);

    /// <summary>The CCW as the backend finds it: format 1, its address the backend's.</summary>
    public readonly Ccw Ccw => _effect.Ccw;

    /// <summary>The command it belongs to: its own, or that of the chain of data that it continues.</summary>
    public readonly byte Command => _effect.Command;

    /// <summary>
    /// It continues the CCW before it by data chaining. One that a TIC leads to may continue another too, which cannot be seen here.
    /// </summary>
    public readonly bool Continues => _effect.Continues;

    /// <summary>It may move data to storage: <see cref="CommandInEffect.MayMoveToStorage"/>.</summary>
    public readonly bool MayMoveToStorage => _effect.MayMoveToStorage;

    /// <summary>Where the list of host IDAWs is, which every CCW but a TIC has.</summary>
    public readonly HostAddress List => new(Ccw.DataAddress);

    /// <summary>
    /// How many IDAWs (8 bytes, big-endian) its list has; 0 of a TIC. Of the list of a CCW that moves no data, whose first IDAW looked like a host
    /// address and was taken out, only that one is known: 1.
    /// </summary>
    public readonly int IdawCount => HasList ? _program.CountIdaws(List, Ccw.Count) : 0;

    private readonly bool HasList => !Ccw.IsTransferInChannel;

    /// <summary>To the place before a chain's first CCW.</summary>
    internal void Enter(in ProgramChain chain) => (_chain, Index, _effect) = (chain, -1, default);

    /// <summary>To the next CCW of the chain, which there is.</summary>
    internal void Advance()
    {
        Index++;
        Number++;
        _effect.Take(_program.Fetched(Host));
    }
}
