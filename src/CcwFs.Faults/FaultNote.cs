using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Faults.Rules;
using CcwFs.Memory;

namespace CcwFs.Faults;

/// <summary>
/// What rules see of a program: its commands that some rule may act on, in the order in which they stand in it, gathered while its memory may be
/// waited for. What acts is decided when it is started.
/// </summary>
internal sealed class FaultNote : ProgramNote
{
    private const int KeptCommands = 1024; // arbitrary; more are given back
    private const int MaxCopies = 64;      // of data that rules may alter, of one program (arbitrary)

    private readonly List<Candidate> _commands = [];
    private readonly Dictionary<(HostAddress Ccw, FaultRule Rule), Redirection[]> _altered = [];
    private readonly Dictionary<FaultRule, int> _ahead = []; // how often what a rule looks at came in the program
    private readonly HashSet<FaultRule> _certain = [];       // rules that act where their data was altered, and nowhere behind
    private FaultSet? _set;
    private Candidate? _first;
    private LiveFaults? _live;

    /// <summary>Gathers the commands of a translated program, or puts a gate in front of those of one that is fetched at its turn.</summary>
    internal void Gather(BackendProgram program, FaultSet set, CommandSet commands, Action<LiveFaults, FaultRun> arm)
    {
        _set = set;
        if (program is LiveProgram live)
            live.Gate = _live = new LiveFaults(set, commands, live.Gate, arm);
        else if (program is HostProgram translated)
            Gather(translated, set, commands);
    }

    /// <summary>The gate that stands in the program; null: it was translated.</summary>
    internal LiveFaults? Live => _live;

    /// <summary>
    /// What acts on the program, which is started now; null: nothing, or not yet. A rule that this program cannot have leaves it to the next one.
    /// </summary>
    internal FaultRun? Decide(BackendProgram program, CommandSet commands)
    {
        if (_set is not { } set)
            return null;
        int next = 0;
        while (set.Decide(SubjectKind.Start, ref next) is { } rule)
        {
            if (OnStart(program, new FaultRun(rule.Action, rule, rule.Title)) is { } run)
                return run;
        }
        if (program is not HostProgram translated)
            return HostileRun(set, commands) is { } hostile ? OnStart(program, hostile) : null;
        foreach (Candidate command in _commands)
        {
            if (OnCommand(translated, set, command) is { } run)
                return run;
        }
        return HostileRun(set, commands) is { } random && random.TryPutInto(translated) ? random : null;
    }

    /// <inheritdoc/>
    public override void End()
    {
        (_set, _live, _first) = (null, null, null);
        _commands.Clear();
        Forget();
        if (_commands.Capacity > KeptCommands)
            _commands.TrimExcess();
    }

    private void Forget()
    {
        _altered.Clear();
        _ahead.Clear();
        _certain.Clear();
    }

    private FaultRun? OnCommand(HostProgram program, FaultSet set, in Candidate command)
    {
        int next = 0;
        while (set.Decide(command, ref next) is { } rule)
        {
            var run = new FaultRun(rule.Action, rule, rule.Title)
            {
                Command = command.Ccw, Count = command.Count,
                Redirections = _altered.GetValueOrDefault((command.Ccw, rule)) ?? [],
            };
            if (run.TryPutInto(program))
                return run;
        }
        return null;
    }

    private FaultRun? OnStart(BackendProgram program, FaultRun run)
    {
        if (program is HostProgram translated)
        {
            run = _first is { } first ? run with { Command = first.Ccw, Count = first.Count } : run;
            return run.TryPutInto(translated) ? run : null;
        }
        if (run.Action.Kind == FaultKind.Drop)
            return null;
        if (run.Action.ReplacesCommand)
            _live?.Refuse(run);
        return run;
    }

    private FaultRun? HostileRun(FaultSet set, CommandSet commands)
    {
        if (set.Hostile?.Decide(_commands.Count, commands.Sense, out int number, out string text) is not { } action)
            return null;
        Candidate? command = number < _commands.Count ? _commands[number] : _first;
        return new FaultRun(action, null, text) { Command = command?.Ccw, Count = command?.Count ?? 0 };
    }

    private void Gather(HostProgram program, FaultSet set, CommandSet commands)
    {
        Span<byte> parameters = stackalloc byte[ProgramPlace.ParameterBytes];
        var place = default(ProgramPlace);
        _commands.Clear();
        Forget();
        _first = null;
        foreach (ref readonly ProgramCcw ccw in program.Ccws)
        {
            if (ccw.Continues || ccw.Ccw.IsTransferInChannel)
                continue;
            if (commands.Find(ccw.Command) is { Kind: CommandKind.Positions or CommandKind.Defines } command)
            {
                int length = command.Layout is null ? 0 : new DataPieces(program, ccw).Read(parameters[..Math.Min(parameters.Length, ccw.Ccw.Count)]);
                place.Take(commands, ccw.Command, parameters[..length]);
            }
            var candidate = new Candidate(ccw.Host, ccw.Command, ccw.Ccw.Count, place.IsKnown, place.First, place.Last);
            _first ??= candidate;
            if (!set.LooksAt(candidate))
                continue;
            _commands.Add(candidate);
            if (!CommandCode.MovesToStorage(ccw.Command))
                Alter(program, candidate, set);
        }
    }

    /// <summary>What goes to the device is altered in a copy, for each rule that may want that.</summary>
    private void Alter(HostProgram program, in Candidate candidate, FaultSet set)
    {
        foreach (SetRule rule in set.Rules)
        {
            if (!FaultSet.Alters(rule.Rule, candidate))
                continue;
            int ahead = _ahead.GetValueOrDefault(rule.Rule);
            _ahead[rule.Rule] = ahead + 1;
            if (rule.Rule.MayTakeTurn(ahead) && (rule.Rule.IsByChance ? _altered.Count < MaxCopies : _certain.Add(rule.Rule))
                && DataPatch.Copy(program, candidate.Ccw, rule.Rule.Action) is { Length: > 0 } redirections)
                _altered[(candidate.Ccw, rule.Rule)] = redirections;
        }
    }
}
