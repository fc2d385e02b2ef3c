using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Faults.Rules;
using CcwFs.Memory;

namespace CcwFs.Faults;

/// <summary>
/// The rules in front of the commands of a program that is fetched at its turn, behind what the layers above have put there. Rules that must know the
/// program before it is started, or change it, do not act here. One thread at a time.
/// </summary>
internal sealed class LiveFaults(FaultSet set, CommandSet commands, ILiveGate? above, Action<LiveFaults, FaultRun> arm) : ILiveGate
{
    private ProgramPlace _place;
    private FaultRun? _refusing; // the first command that comes is not executed, for this
    private FaultRun? _run;      // what has acted

    /// <summary>The first command is not executed.</summary>
    internal void Refuse(FaultRun run) => _refusing = run;

    /// <inheritdoc/>
    public bool MustKnowAll(byte command) => above?.MustKnowAll(command) == true
        || commands.Find(command) is { Layout: not null, Kind: CommandKind.Positions or CommandKind.Defines };

    /// <inheritdoc/>
    public void Count(uint address, Ccw ccw, byte command, bool continues) => above?.Count(address, ccw, command, continues);

    /// <inheritdoc/>
    public bool Admits(uint address, Ccw ccw, ReadOnlySpan<byte> argument)
    {
        if (above?.Admits(address, ccw, argument) == false)
            return false;
        _place.Take(commands, ccw.Command, argument[..Math.Min(argument.Length, ProgramPlace.ParameterBytes)]);
        var command = new Candidate(new HostAddress(address), ccw.Command, ccw.Count, _place.IsKnown, _place.First, _place.Last);
        if (_refusing is { } refusing)
        {
            _refusing = null;
            return Arm(refusing with { Command = command.Ccw, Count = command.Count });
        }
        if (_run is not null || !set.LooksAt(command))
            return true;
        int next = 0;
        while (set.Decide(command, ref next) is { } rule)
        {
            if (Acts(rule.Action.Kind))
                return Arm(new FaultRun(rule.Action, rule, rule.Title) { Command = command.Ccw, Count = command.Count });
        }
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>A byte of it says that the check is ours: the layer puts the fault's own status in its place.</remarks>
    public int WriteSense(Span<byte> sense)
    {
        int length = above?.WriteSense(sense) ?? 0;
        if (length > 0 || _run is not { Action.ReplacesCommand: true })
            return length;
        sense[0] = 0;
        return 1;
    }

    /// <inheritdoc/>
    public void Restart()
    {
        above?.Restart();
        _place = default;
    }

    private static bool Acts(FaultKind kind) =>
        kind is not (FaultKind.Condition or FaultKind.Drop or FaultKind.Stale or FaultKind.Torn or FaultKind.Alter);

    private bool Arm(FaultRun run)
    {
        _run = run;
        arm(this, run);
        return !run.Action.ReplacesCommand;
    }
}
