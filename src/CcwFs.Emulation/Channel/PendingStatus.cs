using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <summary>The status of a subchannel that nobody has taken yet. Under the subchannel's gate.</summary>
internal sealed class PendingStatus
{
    private Irb? _irb;

    /// <summary>Status is pending.</summary>
    internal bool IsThere => _irb is not null;

    /// <summary>Status is pending that is not intermediate alone.</summary>
    internal bool IsFinal => _irb is { } irb && !IsIntermediate(irb.Scsw);

    /// <summary>The status, which stays pending; null: none.</summary>
    internal Irb? Peek => _irb;

    /// <summary>No status is pending.</summary>
    internal void Clear() => _irb = null;

    /// <summary>Gives the status and clears it. False: there is none.</summary>
    internal bool Take(out Irb irb)
    {
        irb = _irb ?? default;
        bool was = IsThere;
        _irb = null;
        return was;
    }

    /// <summary>
    /// Makes status pending. Only an intermediate status can still be there (halt and clear see to it): its PCI bit goes over to the new one.
    /// </summary>
    internal void Add(Irb irb)
    {
        uint interruption = _irb is { } before ? before.Scsw.Status & ((uint)SubchannelStatus.ProgramControlledInterruption << 16) : 0;
        Scsw scsw = irb.Scsw;
        if (interruption != 0)
            irb.Scsw = scsw with { Control = scsw.Control | (uint)StatusControl.Intermediate, Status = scsw.Status | interruption };
        _irb = irb;
    }

    /// <summary>CLEAR is done: status pending alone, for no device had a part in it.</summary>
    internal static Irb ClearedIrb() => FunctionIrb(FunctionControl.Clear);

    /// <summary>HALT of nothing is done: status pending alone, with the path used last, as a mask.</summary>
    internal static Irb HaltedIrb(byte path)
    {
        Irb irb = FunctionIrb(FunctionControl.Halt);
        Esw.Write(irb[Irb.EswOffset..], path, senseLength: 0);
        return irb;
    }

    /// <summary>Status of the device's own, which came on a path, as a mask.</summary>
    internal static Irb UnsolicitedIrb(DeviceStatus status, byte path)
    {
        Irb irb = default;
        irb.Scsw = Scsw.Build(0, FunctionControl.None, ActivityControl.None, StatusControl.Alert | StatusControl.Pending, 0, status, 0, 0);
        Esw.Write(irb[Irb.EswOffset..], path, senseLength: 0);
        return irb;
    }

    private static Irb FunctionIrb(FunctionControl function)
    {
        Irb irb = default;
        irb.Scsw = Scsw.Build(0, function, ActivityControl.None, StatusControl.Pending, 0, 0, 0, 0);
        return irb;
    }

    private static bool IsIntermediate(in Scsw scsw) => (scsw.StatusControl & ~StatusControl.Pending) == StatusControl.Intermediate;
}
