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

    /// <summary>The status; null: none.</summary>
    internal Irb? Irb => _irb;

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

    private static bool IsIntermediate(in Scsw scsw) => (scsw.StatusControl & ~StatusControl.Pending) == StatusControl.Intermediate;
}
