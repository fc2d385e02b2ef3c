using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Policy;

/// <summary>
/// A device's policy. A program that it refuses is accepted and ends at once, as by a unit check of its device, which never sees it; HALT finds its
/// status pending, CLEAR and resets take that away. A program that is fetched at its turn is refused at the command that breaks a rule.
/// </summary>
public sealed class PolicyLayer : SubchannelLayer, ISubchannelWork
{
    private readonly SubchannelId _id;
    private readonly ILogger _logger;
    private readonly LogLimit _lines;
    private volatile DevicePolicy? _policy;
    private volatile PolicyRefusal? _lastRefusal;
    private StrongBox<Irb>? _pending;    // status of a refused program; changed by interlocked operations, for a reset may meet a test
    private volatile PolicyNote? _judged; // of a running program that is judged at its turn, until its refusal was told

    /// <summary>
    /// A layer without a policy. <paramref name="shown"/>: the subchannel's id in the log; null: its own. <paramref name="time"/>: what limits the
    /// log's lines.
    /// </summary>
    public PolicyLayer(ISubchannel next, ILogger logger, SubchannelId? shown = null, TimeProvider? time = null)
        : base(next)
    {
        (_logger, _id) = (logger, shown ?? next.Identity.Id);
        _lines = LogLimit.Of(logger, "programs that the policy refused", _id, time);
    }

    /// <summary>Why a program was refused last, in the guest's addresses; a new object for each. Null: none was.</summary>
    public PolicyRefusal? LastRefusal => _lastRefusal;

    /// <summary>What programs may do, from the next one that is prepared on; a running one keeps its own. Null: everything.</summary>
    /// <exception cref="ArgumentException">It is for devices of another family: it would judge other commands than the device executes.</exception>
    public DevicePolicy? Policy
    {
        get => _policy;
        set
        {
            if (value is not null && value.Commands != Identity.Commands)
                throw new ArgumentException($"a policy for {value.Commands} devices does not fit one that is {Identity.Commands}", nameof(value));
            _policy = value is { IsOn: true } ? value : null;
        }
    }

    /// <inheritdoc/>
    public override ProgramFault Prepare(BackendProgram program)
    {
        ProgramFault fault = _policy is { } policy ? program.Note<PolicyNote>().Apply(policy, program) : ProgramFault.None;
        return fault == ProgramFault.None ? base.Prepare(program) : fault;
    }

    /// <inheritdoc/>
    public override FunctionResult Start(in Orb orb, BackendProgram program)
    {
        PolicyNote? note = program.Find<PolicyNote>();
        _judged = note?.Judge is null ? null : note;
        if (note?.Refusal is not { } refusal)
            return base.Start(orb, program);
        if (!Next.Store(out Schib schib) || (schib.Pmcw.Pam & orb.LogicalPathMask) == 0)
            return ConditionCode.NotOperational;
        Volatile.Write(ref _pending, new StrongBox<Irb>(StatusOf(orb, refusal)));
        Tell(refusal with { CcwAddress = program.ToGuest(new HostAddress(refusal.CcwAddress)).Value });
        return FunctionResult.Begun(this);
    }

    /// <summary>Announces the status of a refused program, which is all that its start leaves to be done.</summary>
    void ISubchannelWork.GoOn(WorkThread thread) => Interrupt();

    /// <inheritdoc/>
    public override FunctionResult Halt() => Volatile.Read(ref _pending) is not null ? ConditionCode.StatusPending : base.Halt();

    /// <inheritdoc/>
    public override FunctionResult Clear()
    {
        FunctionResult result = base.Clear();
        if (result.IsInitiated)
            Volatile.Write(ref _pending, null);
        return result;
    }

    /// <inheritdoc/>
    public override bool Test(out Irb irb)
    {
        if (Interlocked.Exchange(ref _pending, null) is { } refused)
        {
            irb = refused.Value;
            return true;
        }
        if (!base.Test(out irb))
            return false;
        if (_judged?.Refusal is { } refusal)
        {
            _judged = null;
            Tell(refusal);
        }
        return true;
    }

    /// <inheritdoc/>
    public override bool Reset(bool system)
    {
        Volatile.Write(ref _pending, null);
        return base.Reset(system);
    }

    /// <inheritdoc/>
    public override void Unplug()
    {
        Volatile.Write(ref _pending, null);
        base.Unplug();
    }

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe() =>
    [
        new("policy", Policy?.ToString() ?? "none"),
        new("refused", _lastRefusal?.ToString() ?? "none"),
        .. base.Describe(),
    ];

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _lines.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The status of a program that the device is not to see.</summary>
    private static Irb StatusOf(in Orb orb, PolicyRefusal refusal)
    {
        const DeviceStatus Ending = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck;
        const StatusControl Status = StatusControl.Alert | StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending;
        var irb = default(Irb);
        uint behind = unchecked(refusal.CcwAddress + Ccw.Size);
        Scsw scsw = Scsw.Build(
            orb.Control, FunctionControl.Start, ActivityControl.None, Status, behind, Ending, SubchannelStatus.None, refusal.Ccw.Count);
        irb.Scsw = scsw with { Control = scsw.Control | Scsw.ExtendedControl };
        int length = refusal.WriteSense(irb[Irb.EcwOffset..]);
        Esw.Write(irb[Irb.EswOffset..], Pmcw.FirstPath(orb.LogicalPathMask), length);
        return irb;
    }

    private void Tell(PolicyRefusal refusal)
    {
        _lastRefusal = refusal with { };
        Refused(refusal.CcwAddress, refusal.Ccw, refusal.Rule);
        if (_lines.May())
            PolicyLog.Refused(_logger, _id, refusal.CcwAddress, refusal.CcwText, refusal.Rule);
    }
}
