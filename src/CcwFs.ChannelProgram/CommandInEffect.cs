using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram;

/// <summary>
/// Which command a CCW belongs to, of CCWs that are taken one after the other as they lie: one that continues by data chaining has the command that
/// began its chain of data, whatever its own code says, as the channel does it (SA22-7832, chapter 15, "Chaining"; the kernel's translator looks at
/// the code instead). A TIC ends what can be known: the chain goes on elsewhere, and what lies behind the TIC may be reached by another way. Begins
/// as default, once per chain.
/// </summary>
public struct CommandInEffect
{
    private bool _isChained;    // the CCW before has the flag
    private bool _mayBeChained; // so has the one before TICs

    /// <summary>The command of the CCW taken last.</summary>
    public byte Command { readonly get; private set; }

    /// <summary>That CCW continues the one before it.</summary>
    public bool Continues { readonly get; private set; }

    /// <summary>The command that it would have if the TICs before it led to the CCW behind them.</summary>
    public byte CommandOverTransfer { readonly get; private set; }

    /// <summary>Takes the next CCW of the chain.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(Ccw ccw)
    {
        if (ccw.IsTransferInChannel)
        {
            (_isChained, Continues, Command) = (false, false, ccw.Command);
            return;
        }
        Continues = _isChained;
        Command = _isChained ? Command : ccw.Command;
        CommandOverTransfer = _mayBeChained ? CommandOverTransfer : ccw.Command;
        _isChained = _mayBeChained = ccw.Has(CcwFlags.ChainData);
    }

    /// <summary>
    /// Data moves when such a CCW is executed as part of a command (rule 7 of this room's README): it has a count, the command is not NO OPERATION,
    /// and nothing that comes from the device is skipped.
    /// </summary>
    public static bool MovesData(Ccw ccw, byte command) =>
        ccw.Count != 0
        && command != CommandCode.NoOperation
        && !(ccw.Has(CcwFlags.Skip) && CommandCode.MovesToStorage(command));

    /// <summary>Data moves as part of the command in effect, or by the CCW's own code, by which the kernel decides.</summary>
    internal static bool MayMoveData(Ccw ccw, byte command) => MovesData(ccw, ccw.Command) || (command != ccw.Command && MovesData(ccw, command));
}
