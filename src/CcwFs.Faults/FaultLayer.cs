using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Faults.Rules;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Faults;

/// <summary>
/// Injects faults into a device by rules. It stands below the policy and the trace, which see what a guest gets, and above the backend. A fault at a
/// command is made by NO OPERATION in its place, with which the program ends: what stands before it is executed, and the fault's status takes the
/// place of that command's. An ending before it passes as it is. Without rules it hands on, and nothing else.
/// </summary>
public sealed class FaultLayer : SubchannelLayer
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1); // that a reset waits for data that is being altered (arbitrary)

    private readonly SubchannelId _id;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly LogLimit _lines;
    private readonly FaultHub _hub;
    private readonly RuleBook _book;
    private readonly StatusKeeper _keeper;
    private readonly PathSteps? _steps;
    private readonly Action<LiveFaults, FaultRun> _arm;
    private readonly Action _cameElsewhere;
    private readonly Lock _armGate = new();
    private LiveFaults? _live;         // of the program that runs: no other arms a fault; guarded by _armGate
    private volatile FaultRun? _run;   // of the program that runs, or of the HALT or CLEAR
    private volatile string? _last;    // the rule that acted last
    private long _injected;
    private volatile bool _isAltering; // data, on a thread of its own
    private volatile object? _awaiting; // what is kept until something comes elsewhere

    /// <summary>
    /// A layer without rules. <paramref name="shown"/>: the subchannel as clients find it, and as others wait for it. <paramref name="hub"/>: of the
    /// devices that may wait for each other; null: of none. <paramref name="time"/>: null: the system's.
    /// </summary>
    public FaultLayer(ISubchannel next, SubchannelId shown, ILogger logger, FaultHub? hub = null, TimeProvider? time = null)
        : base(next)
    {
        (_id, _logger, _hub, _time) = (shown, logger, hub ?? new FaultHub(), time ?? TimeProvider.System);
        _lines = LogLimit.Of(logger, "injected faults", shown, time);
        _book = new RuleBook(_time);
        _keeper = new StatusKeeper(_time, Interrupt);
        _steps = next.Paths is { } paths ? new PathSteps(paths, _time) : null;
        _arm = Arm;
        _cameElsewhere = () => _keeper.ReleaseSoon(_awaiting);
    }

    /// <summary>The device, as rules for it are read.</summary>
    public FaultTarget Target => TargetOf(Next, _id);

    /// <summary>A subchannel, with this id for people, as rules for it are read.</summary>
    public static FaultTarget TargetOf(ISubchannel subchannel, SubchannelId shown) =>
        new(subchannel.Identity.Commands, subchannel.Paths is not null)
        {
            Id = shown,
            ChannelPaths = subchannel.Paths is not null && subchannel.Store(out Schib schib)
                ? [.. Enumerable.Range(0, 8).Where(i => (schib.Pmcw.Pim & 0x80 >> i) != 0).Select(schib.Pmcw.ChannelPath)] : null,
            Places = subchannel.Volume?.Places,
        };

    /// <summary>Faults so far.</summary>
    public long InjectedFaults => Interlocked.Read(ref _injected);

    /// <summary>The rules, in order.</summary>
    public IReadOnlyList<NumberedRule> Rules => [.. (_book.Set?.Rules ?? []).Select(rule => new NumberedRule(rule.Number, rule.Rule))];

    /// <summary>
    /// Adds rules, all or none, from the next program that is prepared on; those for now act now. Not under the caller's locks. Null: they would be
    /// more than <see cref="MaxRules"/>; else their numbers.
    /// </summary>
    public IReadOnlyList<int>? Add(IReadOnlyList<FaultRule> rules)
    {
        if (_book.Add([.. rules.Where(rule => !rule.IsForNow)]) is not { } numbers)
            return null;
        foreach (FaultRule rule in rules.Where(rule => rule.IsForNow))
            Act(new FaultRun(rule.Action, rule, rule.Title));
        return numbers;
    }

    /// <summary>Most rules of a device.</summary>
    public static int MaxRules => RuleBook.MaxRules;

    /// <summary>
    /// The rules of the device's SPEC, in place of those that it had; the same ones stay. <paramref name="hostile"/>: the seed of a hostile device;
    /// null: it is none.
    /// </summary>
    public void Configure(IReadOnlyList<FaultRule> rules, ulong? hostile) => _book.Configure(rules, hostile);

    /// <summary>Takes a rule away, or all of them (null). False: there is no such rule.</summary>
    public bool Remove(int? number) => _book.Remove(number);

    /// <inheritdoc/>
    /// <remarks>A program whose status is kept back has not ended for its client.</remarks>
    public override bool Store(out Schib schib)
    {
        bool isOperational = base.Store(out schib);
        if (_keeper.IsBusy && _keeper.Activity is var activity and not ActivityControl.None)
        {
            FunctionControl function = (activity & ActivityControl.SubchannelActive) != 0 ? FunctionControl.Start : FunctionControl.None;
            schib = schib with { Scsw = Scsw.Build(schib.Scsw.Control, function, activity, StatusControl.None, 0, 0, 0, 0) };
        }
        return isOperational;
    }

    /// <inheritdoc/>
    public override ProgramFault Prepare(BackendProgram program)
    {
        ProgramFault fault = base.Prepare(program);
        if (fault == ProgramFault.None && _book.Set is { } set)
            program.Note<FaultNote>().Gather(program, set, Identity.Commands, _arm);
        return fault;
    }

    /// <inheritdoc/>
    public override FunctionResult Start(in Orb orb, BackendProgram program)
    {
        FunctionResult result = _book.Set is null && !_keeper.IsBusy ? base.Start(orb, program) : StartByRules(orb, program);
        if (_hub.IsAwaited && result.IsInitiated)
            _hub.Tell(_id, start: true);
        return result;
    }

    /// <inheritdoc/>
    public override FunctionResult Halt() => _keeper.IsDue ? ConditionCode.StatusPending : End(SubjectKind.Halt, FunctionControl.Halt, base.Halt);

    /// <inheritdoc/>
    public override FunctionResult Clear() => End(SubjectKind.Clear, FunctionControl.Clear, base.Clear);

    /// <inheritdoc/>
    public override bool Test(out Irb irb)
    {
        bool taken = _run is null && !_keeper.IsBusy && !_isAltering ? base.Test(out irb) : TestByRules(out irb);
        if (taken && _hub.IsAwaited && IsEnd(irb.Scsw))
            _hub.Tell(_id, start: false);
        return taken;
    }

    /// <inheritdoc/>
    public override bool Reset(bool system)
    {
        bool operational = base.Reset(system);
        Forget();
        return operational;
    }

    /// <inheritdoc/>
    public override void Unplug()
    {
        base.Unplug();
        Forget();
    }

    /// <inheritdoc/>
    public override void Executed(in ExecutedCommand command)
    {
        // NO OPERATION in place of a command is none of the program's.
        if (_run is { Action.ReplacesCommand: true } run && run.Command == command.CcwAddress)
            return;
        base.Executed(command);
    }

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe()
    {
        FaultSet? set = _book.Set;
        string hostile = set?.Hostile is { } device ? $", hostile={device.Seed} ({device.Programs} programs)" : "";
        string last = _last is { } text ? $", last: {text}" : "";
        string rules = set is null or { Rules: [] } ? "none" : set.Rules is [_] ? "1 rule" : $"{set.Rules.Length} rules";
        return [.. base.Describe(), new("faults", $"{rules}{hostile}{(_injected > 0 ? $", {InjectedFaults} injected" : "")}{last}")];
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _steps?.Dispose();
            _book.Dispose();
            _hub.Forget(_cameElsewhere);
            _keeper.Dispose();
            _lines.Dispose();
        }
        base.Dispose(disposing);
    }

    private static bool IsEnd(in Scsw scsw) =>
        (scsw.Function & FunctionControl.Start) != 0 && (scsw.StatusControl & StatusControl.Primary) != 0;

    private FunctionResult StartByRules(in Orb orb, BackendProgram program)
    {
        if (!_keeper.TryBegin())
            return ConditionCode.Busy;
        FaultNote? note = program.Find<FaultNote>();
        FaultRun? run = note?.Decide(program, Identity.Commands);
        Expect(run is { Action: { IsEvent: false, Kind: not (FaultKind.Condition or FaultKind.Pass) } }
            ? run with { Program = program } : null, note?.Live);
        if (run?.Action.Kind == FaultKind.Condition)
        {
            Told(run);
            return (ConditionCode)run.Action.Bits;
        }
        FunctionResult result = base.Start(orb, program);
        if (!result.IsInitiated)
            Expect(null, null);
        else if (run?.Action.Kind == FaultKind.Pass)
            Told(run);
        else if (run is { Action.IsEvent: true })
            return FunctionResult.Begun(WorkOf(run, result.Rest));
        return result;
    }

    /// <summary>The fault that the program's status is to meet, and the gate that may find one on the way.</summary>
    private void Expect(FaultRun? run, LiveFaults? live)
    {
        lock (_armGate)
            (_run, _live) = (run, live);
    }

    /// <summary>A fault was found on the way, on the channel's thread: of a program that was ended it is none any more.</summary>
    private void Arm(LiveFaults from, FaultRun run)
    {
        lock (_armGate)
        {
            if (_live != from)
                return;
            if (!run.Action.IsEvent)
                _run = run;
        }
        if (run.Action.IsEvent)
            ThreadPool.UnsafeQueueUserWorkItem(_ => Act(run), null);
    }

    /// <summary>By itself: what it captures is made where this is called, and not for every START.</summary>
    private FaultWork WorkOf(FaultRun run, ISubchannelWork? rest) => new(() => Act(run), rest);

    /// <summary>HALT or CLEAR: what was kept of the program goes, and the backend answers.</summary>
    private FunctionResult End(SubjectKind subject, FunctionControl function, Func<FunctionResult> carryOut)
    {
        int next = 0;
        FaultRule? rule = _book.Set?.Decide(subject, ref next);
        FaultRun? run = rule is null ? null : new FaultRun(rule.Action, rule, rule.Title) { Function = function };
        if (run is { Action.Kind: FaultKind.Condition })
        {
            Told(run);
            return (ConditionCode)run.Action.Bits;
        }
        FunctionResult result = carryOut();
        if (!result.IsInitiated)
            return result;
        if (function == FunctionControl.Clear)
            Expect(null, null);
        _hub.Forget(_cameElsewhere);
        _keeper.Forget(all: function == FunctionControl.Clear);
        if (run is { Action.Kind: FaultKind.Pass })
            Told(run);
        else if (run is not null)
            _run = run;
        return result;
    }

    private bool TestByRules(out Irb irb)
    {
        if (_keeper.TryTake(out irb, out bool isBarred))
            return true;
        if (isBarred || _isAltering)
            return false;
        int drops = _keeper.Drops;
        if (!base.Test(out irb))
            return !IsRunning() && _keeper.TryTakeUnsolicited(out irb);
        Scsw scsw = irb.Scsw;
        if (_run is not { } run || !IsSolicited(scsw) || IsIntermediate(scsw))
            return true;
        _run = null;
        bool isOther = run.Function == FunctionControl.Start ? scsw.Function != FunctionControl.Start : (scsw.Function & run.Function) == 0;
        return isOther || Give(run, ref irb, drops);
    }

    /// <summary>The status of a program that has a fault. False: it is not given, or not yet.</summary>
    private bool Give(FaultRun run, ref Irb irb, int drops)
    {
        FaultAction action = run.Action;
        Scsw scsw = irb.Scsw;
        bool isWell = InjectedStatus.IsWell(scsw);
        bool comes = action.Kind switch
        {
            FaultKind.Delay or FaultKind.Lose or FaultKind.Double or FaultKind.Intermediate or FaultKind.Await => true,
            FaultKind.Drop => true,
            FaultKind.Stale or FaultKind.Torn or FaultKind.Alter => IsExecuted(run, scsw),
            _ when action.ReplacesCommand => run.Command is null || IsReached(run, scsw),
            _ => isWell,
        };
        if (!comes)
            return true;
        Told(run);
        switch (action.Kind)
        {
            case FaultKind.Delay:
                _keeper.Hold(irb, action.Time, drops);
                return false;
            case FaultKind.Lose:
                _keeper.Lose(drops);
                return false;
            case FaultKind.Double:
                Irb again = irb; // when it comes, the program has ended: nobody knows its addresses any more
                again.Scsw = run.Program?.UpdateScsw(scsw) ?? scsw;
                _keeper.Hold(again, null, drops, isExtra: true);
                return true;
            case FaultKind.Intermediate:
                _keeper.Hold(irb, null, drops, isExtra: true);
                irb = InjectedStatus.Intermediate(irb);
                return true;
            case FaultKind.Await:
                _keeper.Hold(irb, null, drops);
                _awaiting = _keeper.Token;
                _hub.Forget(_cameElsewhere);
                _hub.Await(action.Other, action.AwaitsStart, _cameElsewhere);
                return false;
            case FaultKind.LateEnd:
                _keeper.Hold(InjectedStatus.Split(ref irb), action.Time, drops);
                return true;
            case FaultKind.Drop when isWell:
                InjectedStatus.Pretend(ref irb, run.End);
                return true;
            case FaultKind.Alter when run.Patch is { } patch:
                _keeper.Hold(irb, null, drops);
                Alter(patch, _keeper.Token);
                return false;
            default:
                if (action.ReplacesStatus)
                    InjectedStatus.Replace(ref irb, run);
                return true;
        }
    }

    /// <summary>The program has come to the command in whose place the fault is, and no path was lost there.</summary>
    private static bool IsReached(FaultRun run, in Scsw scsw)
    {
        const SubchannelStatus Lost = SubchannelStatus.InterfaceControlCheck | SubchannelStatus.ChannelControlCheck;
        return scsw.CcwAddress == run.Behind && (scsw.Subchannel & Lost) == 0 && scsw.DeferredConditionCode == 0;
    }

    /// <summary>The program has come behind the beginning of the command, however it ended then: the device has met what was altered.</summary>
    private static bool IsExecuted(FaultRun run, in Scsw scsw) =>
        run.Program is not HostProgram program || run.Command is not { } command || !program.TryFindChain(command, out int chain, out uint into)
        || !program.TryFindChain(new HostAddress(scsw.CcwAddress), out int ended, out uint behind) || ended != chain || behind > into;

    private static bool IsSolicited(in Scsw scsw) =>
        scsw.DeferredConditionCode != 0 || scsw.StatusControl != (StatusControl.Alert | StatusControl.Pending);

    private static bool IsIntermediate(in Scsw scsw) =>
        (scsw.Function & FunctionControl.Start) != 0 && (scsw.StatusControl & ~StatusControl.Pending) == StatusControl.Intermediate;

    /// <summary>A program runs below: status of the device's own waits.</summary>
    private bool IsRunning() => Next.Store(out Schib schib) && schib.Scsw.Activity != ActivityControl.None;

    /// <summary>Alters data on a thread that may wait for its owner, and gives the status then.</summary>
    private void Alter(DataPatch patch, object? token)
    {
        _isAltering = true;
        ThreadPool.UnsafeQueueUserWorkItem(_ =>
        {
            if (_keeper.Token == token)
                patch.Apply();
            _isAltering = false;
            _keeper.Release(token);
        }, null);
    }

    /// <summary>What does not belong to a program's status: done without the caller's locks.</summary>
    private void Act(FaultRun run)
    {
        Told(run);
        switch (run.Action.Kind)
        {
            case FaultKind.Report:
                Report(run.Action.Report);
                break;
            case FaultKind.Path:
                _steps?.Begin(run.Action);
                break;
            case FaultKind.Unsolicited:
                byte path = Next.Store(out Schib schib) ? Pmcw.FirstPath(schib.Pmcw.Pam) : (byte)0;
                _keeper.AddUnsolicited(InjectedStatus.Unsolicited(run.Action, path));
                Interrupt();
                break;
        }
    }

    /// <summary>A fault has come: it is counted, told to who watches, and logged.</summary>
    private void Told(FaultRun run)
    {
        Interlocked.Increment(ref _injected);
        if (run.Rule is { } rule)
            _book.Acted(rule);
        _last = run.Text;
        Injected(run.Text);
        if (_lines.May())
            FaultLog.Injected(_logger, _id, run.Text);
    }

    /// <summary>The program has ended without status; data is altered no more on return, unless its owner holds that up.</summary>
    private void Forget()
    {
        Expect(null, null);
        _hub.Forget(_cameElsewhere);
        _keeper.Forget(all: true);
        if (_isAltering)
            SpinWait.SpinUntil(() => !_isAltering, s_patience);
    }

    /// <summary>What a fault does when the program has begun, before the rest of it.</summary>
    private sealed class FaultWork(Action act, ISubchannelWork? rest) : ISubchannelWork
    {
        public void GoOn(WorkThread thread)
        {
            act();
            rest?.GoOn(thread);
        }
    }
}
