using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram;

/// <summary>
/// A step from CCW to CCW, of those that are taken one after the other as they lie, and which command the one reached belongs to: one that
/// continues by data chaining has the command that began its chain of data, whatever its own code says, as the channel does it (SA22-7832, chapter
/// 15, "Chaining"; the kernel's translator looks at the code instead). A TIC ends what can be known: the chain goes on elsewhere, and what lies
/// behind the TIC may be reached by another way. Begins as default, once per chain.
/// </summary>
public struct CommandInEffect
{
    private bool _isChained;    // the CCW before has the flag
    private bool _mayBeChained; // so has the one before TICs
    private byte _overTransfer; // the command that it would have if the TICs before it led to the CCW behind them

    /// <summary>The CCW taken last.</summary>
    public Ccw Ccw { readonly get; private set; }

    /// <summary>The command that it belongs to.</summary>
    public byte Command { readonly get; private set; }

    /// <summary>It continues the CCW before it by data chaining.</summary>
    public bool Continues { readonly get; private set; }

    /// <summary>
    /// Data moves as part of the command in effect, or by the CCW's own code, by which the kernel decides (rule 7 of this room's README).
    /// </summary>
    public readonly bool MayMoveData => MovesData(Ccw, Ccw.Command) || (Command != Ccw.Command && MovesData(Ccw, Command));

    /// <summary>
    /// Data may move to storage: as the command it belongs to, by its own code, or as the continuation of data chained over the TICs before it.
    /// </summary>
    public readonly bool MayMoveToStorage =>
        !Ccw.IsTransferInChannel && !Ccw.Has(CcwFlags.Skip)
        && (CommandCode.MovesToStorage(Ccw.Command) || CommandCode.MovesToStorage(Command) || CommandCode.MovesToStorage(_overTransfer));

    /// <summary>Takes the next CCW of the chain.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(Ccw ccw)
    {
        Ccw = ccw;
        if (ccw.IsTransferInChannel)
        {
            (_isChained, Continues, Command) = (false, false, ccw.Command);
            return;
        }
        Continues = _isChained;
        Command = _isChained ? Command : ccw.Command;
        _overTransfer = _mayBeChained ? _overTransfer : ccw.Command;
        _isChained = _mayBeChained = ccw.Has(CcwFlags.ChainData);
    }

    /// <summary>A step to each of these CCWs.</summary>
    public static IEnumerable<CommandInEffect> Over(IEnumerable<Ccw> ccws)
    {
        var effect = default(CommandInEffect);
        foreach (Ccw ccw in ccws)
        {
            effect.Take(ccw);
            yield return effect;
        }
    }

    /// <summary>
    /// Data moves when such a CCW is executed as part of a command (rule 7 of this room's README): it has a count, the command is not NO OPERATION,
    /// and nothing that comes from the device is skipped.
    /// </summary>
    public static bool MovesData(Ccw ccw, byte command) =>
        ccw.Count != 0
        && command != CommandCode.NoOperation
        && !(ccw.Has(CcwFlags.Skip) && CommandCode.MovesToStorage(command));
}
