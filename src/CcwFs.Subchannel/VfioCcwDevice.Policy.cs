using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Policy;
using CcwFs.CommandSets;
using CcwFs.Memory;

namespace CcwFs.Subchannel;

/// <content>
/// The device's policy. A program that it refuses is accepted and ends at once, as by a unit check of its device, which never sees it; halt finds its status pending,
/// clear and resets take that away.
/// </content>
public sealed partial class VfioCcwDevice : ISubchannelWork
{
    private volatile DevicePolicy? _policy;
    private volatile StrongBox<Irb>? _refused; // changed under _gate: pending status of a program that the policy refused

    private volatile PolicyRefusal? _lastRefusal; // changed under _gate

    /// <summary>Why the policy refused a program last, in the guest's addresses; null: it has refused none.</summary>
    public PolicyRefusal? LastRefusal => _lastRefusal;

    /// <summary>What programs may do; null: everything.</summary>
    public DevicePolicy? Policy => _policy;

    /// <summary>What is known of the device's commands.</summary>
    public CommandSet Commands => _subchannel.Commands;

    /// <summary>Replaces the policy, for programs that are started from now on; a running one keeps its own. Null: none.</summary>
    /// <exception cref="ArgumentException">It is for devices of another family: it would judge other commands than the device executes.</exception>
    public void SetPolicy(DevicePolicy? policy)
    {
        if (policy is not null && policy.Commands != Commands)
            throw new ArgumentException($"a policy for {policy.Commands} devices does not fit one that is {Commands}", nameof(policy));
        _policy = policy is { IsOn: true } ? policy : null;
    }

    /// <summary>Announces the status of a refused program, which is all that its start leaves to be done.</summary>
    void ISubchannelWork.GoOn(WorkThread thread) => Interrupt();

    /// <summary>The refused program's status is pending. Under the gate.</summary>
    private void Refuse(in Orb orb, PolicyRefusal refusal)
    {
        const DeviceStatus Ending = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck;
        const StatusControl Status = StatusControl.Alert | StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending;
        var irb = default(Irb);
        Scsw scsw = Scsw.Build(
            orb.Control, FunctionControl.Start, ActivityControl.None, Status, unchecked(refusal.CcwAddress + Ccw.Size), Ending, SubchannelStatus.None, refusal.Ccw.Count);
        irb.Scsw = scsw with { Control = scsw.Control | Scsw.ExtendedControl };
        int length = refusal.WriteSense(irb[Irb.EcwOffset..]);
        Esw.Write(irb[Irb.EswOffset..], Pmcw.FirstPath(orb.LogicalPathMask), length);
        _refused = new StrongBox<Irb>(irb);
    }

    /// <summary>Says once why the program was refused, in the guest's addresses; null when it was not. Under the gate.</summary>
    private PolicyRefusal? TellRefusal()
    {
        if (_started.Current.Refusal is not { } refusal)
            return null;
        _lastRefusal = refusal with { CcwAddress = _started.Current.ToGuest(new HostAddress(refusal.CcwAddress)).Value };
        if (_refusalLines.May())
            DeviceLog.Refused(_logger, Id, _lastRefusal.CcwAddress, refusal.CcwText, refusal.Rule);
        return _lastRefusal;
    }
}
