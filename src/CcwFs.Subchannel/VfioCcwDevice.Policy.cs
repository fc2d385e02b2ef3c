using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Decode;
using CcwFs.ChannelProgram.Policy;

namespace CcwFs.Subchannel;

/// <content>
/// The device's policy. A program that it refuses is accepted and ends at once, as by a unit check of its device, which never sees it; halt finds its status pending,
/// clear and resets take that away.
/// </content>
public sealed partial class VfioCcwDevice
{
    private volatile DevicePolicy? _policy;
    private volatile StrongBox<Irb>? _refused; // changed under _gate: pending status of a program that the policy refused

    /// <summary>What programs may do; null: everything.</summary>
    public DevicePolicy? Policy => _policy;

    /// <summary>Replaces the policy, for programs that are started from now on; a running one keeps its own. Null: none.</summary>
    public void SetPolicy(DevicePolicy? policy) => _policy = policy is { IsOn: true } ? policy : null;

    /// <summary>The refused program's status is pending. Under the gate.</summary>
    private void Refuse(in Orb orb, PolicyRefusal refusal)
    {
        const DeviceStatus Ending = DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd | DeviceStatus.UnitCheck;
        const StatusControl Status = StatusControl.Alert | StatusControl.Primary | StatusControl.Secondary | StatusControl.Pending;
        var irb = default(Irb);
        Scsw scsw = Scsw.Build(
            orb.Control, FunctionControl.Start, ActivityControl.None, Status, unchecked(refusal.CcwAddress + Ccw.Size), Ending, SubchannelStatus.None, refusal.Ccw.Count);
        irb.Scsw = scsw with { Control = scsw.Control | Scsw.ExtendedControl };
        refusal.WriteSense(irb[Irb.EcwOffset..]);
        Esw.Write(irb[Irb.EswOffset..], Pmcw.FirstPath(orb.LogicalPathMask), PolicyRefusal.SenseSize);
        _refused = new StrongBox<Irb>(irb);
    }

    /// <summary>Says once why the program in the translator was refused; without effect when it was not. Under the gate.</summary>
    private void LogRefusal()
    {
        if (_translator.Refusal is { } refusal)
            DeviceLog.Refused(_logger, Id, _translator.ToGuestAddress(refusal.CcwAddress), StructureDecoder.CcwText(refusal.Ccw), refusal.Rule);
    }
}
