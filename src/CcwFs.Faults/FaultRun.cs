using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Faults.Rules;
using CcwFs.Memory;

namespace CcwFs.Faults;

/// <summary>A fault that is under way: what a rule has decided for one program, or for one HALT or CLEAR.</summary>
/// <param name="Action">What it is.</param>
/// <param name="Rule">The rule; null: the device is hostile.</param>
/// <param name="Text">The rule for people.</param>
internal sealed record FaultRun(FaultAction Action, FaultRule? Rule, string Text)
{
    /// <summary>The function that it is for.</summary>
    internal FunctionControl Function { get; init; } = FunctionControl.Start;

    /// <summary>The program that was started with it; null: none, or it was found on the way.</summary>
    internal BackendProgram? Program { get; init; }

    /// <summary>The command, in the backend's terms; null: none of a program.</summary>
    internal HostAddress? Command { get; init; }

    /// <summary>The command's count.</summary>
    internal ushort Count { get; init; }

    /// <summary>The CCW address that a status of the command has.</summary>
    internal uint Behind => Command is { } command ? command.Plus(Ccw.Size).Value : 0;

    /// <summary>The CCW address of a program that is not executed and ends as if it had been.</summary>
    internal uint End { get; private set; }

    /// <summary>What is changed in storage before the status is given; null: nothing.</summary>
    internal DataPatch? Patch { get; private set; }

    /// <summary>Lists of the program that are to lead to altered data; none: the data is not altered there.</summary>
    internal Redirection[] Redirections { get; init; } = [];

    /// <summary>
    /// Changes a translated program so that the fault comes where it is to come. False: this program cannot have it, and is not changed.
    /// </summary>
    internal bool TryPutInto(HostProgram program)
    {
        if (Command is not { } command)
            return true;
        Ccw ccw = program.Fetched(command);
        switch (Action.Kind)
        {
            case FaultKind.Drop:
                HostAddress first = First(program.Ccws) ?? command;
                program.Replace(first, Nothing(program.Fetched(first)));
                End = program.Chains[0].HostHead.Plus(program.Chains[0].Length * Ccw.Size).Value;
                return true;
            case FaultKind.Torn when ccw.Has(CcwFlags.ChainData):
                return false;
            case FaultKind.Torn:
                ushort count = Math.Min(ccw.Count, (ushort)Action.Offset);
                program.Replace(command, ccw with { Flags = ccw.Flags | CcwFlags.SuppressLength, Count = count });
                return true;
            case FaultKind.Stale:
                return TrySkip(program, command);
            case FaultKind.Alter when Redirections.Length > 0:
                foreach (Redirection redirection in Redirections)
                    program.RedirectList(redirection.Idaw, redirection.Copy);
                return true;
            case FaultKind.Alter:
                Patch = CommandCode.MovesToStorage(ccw.Command) ? DataPatch.Of(program, command, Action) : null;
                return Patch is not null;
            default:
                if (Action.ReplacesCommand)
                    program.Replace(command, Nothing(ccw));
                return true;
        }
    }

    /// <summary>NO OPERATION in place of a CCW, with which the program ends; it suspends and interrupts as that CCW would.</summary>
    private static Ccw Nothing(Ccw ccw) => ccw with
    {
        Command = CommandCode.NoOperation,
        Flags = (ccw.Flags & (CcwFlags.Suspend | CcwFlags.ProgramControlledInterruption | CcwFlags.IndirectData)) | CcwFlags.SuppressLength,
        Count = 1,
    };

    private static HostAddress? First(ProgramCcws ccws)
    {
        foreach (ref readonly ProgramCcw ccw in ccws)
        {
            if (!ccw.Ccw.IsTransferInChannel)
                return ccw.Host;
        }
        return null;
    }

    /// <summary>The command, and the data chained to it, stores nothing.</summary>
    private static bool TrySkip(HostProgram program, HostAddress command)
    {
        if (!CommandCode.MovesToStorage(program.Fetched(command).Command))
            return false;
        for (HostAddress at = command; program.TryFetchCcw(at, out Ccw ccw); at = at.Plus(Ccw.Size))
        {
            program.Replace(at, ccw with { Flags = ccw.Flags | CcwFlags.Skip });
            if (!ccw.Has(CcwFlags.ChainData))
                break;
        }
        return true;
    }
}
