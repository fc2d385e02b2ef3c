using CcwFs.ChannelIo;

namespace CcwFs.Subchannel;

/// <content>Status and reports: from the subchannel to the regions and their interrupts.</content>
public sealed partial class VfioCcwDevice
{
    /// <inheritdoc/>
    public void Interrupt()
    {
        while (TakeStatus())
        {
        }
    }

    /// <inheritdoc/>
    public void Report(Crw crw)
    {
        lock (_gate)
        {
            if (_crws.Count < CrwLimit)
            {
                _crws.Enqueue(_crwLost ? new Crw(crw.Word | Crw.Overflow) : crw);
                _crwLost = false;
            }
            else
            {
                DeviceLog.ReportLost(_logger, Id, crw.Word);
                _crwLost = true;
            }
            if (crw.Source == Crw.ChannelPathSource)
                _lostPaths = 0;
        }
        Raise(DeviceInterrupt.Crw);
    }

    /// <summary>Takes one status of the subchannel, if it has any.</summary>
    private bool TakeStatus()
    {
        bool signal = false, final = false;
        PrivateInterrupt? privateRun = null;
        IDeviceClient? client;
        Irb irb;
        lock (_gate)
        {
            client = _client;
            if (DeviceTransitions.Action(_state, DeviceEvent.Interrupt) == DeviceAction.Ignore || !_subchannel.Test(out irb))
                return false;
            Scsw scsw = irb.Scsw;
            if (IsSolicited(scsw))
            {
                irb.Scsw = _translator.UpdateScsw(scsw);
                privateRun = _privateRun;
                final = (scsw.Activity & (ActivityControl.DeviceActive | ActivityControl.SubchannelActive | ActivityControl.Suspended)) == 0;
                if (final)
                    EndProgram();
            }
            if (privateRun is null)
                signal = Present(irb);
        }
        if (signal)
            Raise(DeviceInterrupt.Io, client);
        privateRun?.Invoke(irb, final);
        return true;
    }

    /// <summary>Alert status alone without a deferred condition code comes from the device; anything else answers a function (kernel: scsw_is_solicited).</summary>
    private static bool IsSolicited(in Scsw scsw) =>
        scsw.DeferredConditionCode != 0 || scsw.StatusControl != (StatusControl.Alert | StatusControl.Pending);

    /// <summary>Keeps an IRB for the client. True: it is visible now.</summary>
    private bool Present(in Irb irb)
    {
        bool visible = _irbs.Add(irb, out bool dropped);
        if (dropped)
            DeviceLog.InterruptLost(_logger, Id, IrbQueue.Limit);
        if (visible)
            Show(irb);
        return visible;
    }

    private bool Advance()
    {
        if (!_irbs.TryAdvance(out Irb next))
            return false;
        Show(next);
        return true;
    }

    private void Show(in Irb irb) => ((ReadOnlySpan<byte>)irb).CopyTo(_io.AsSpan(RegionLayout.IrbOffset, Irb.Size));

    /// <summary>
    /// A reader took the io signal: the head stays readable for it. A reader that comes again without having read the head does not want it,
    /// so the next one moves up and signals.
    /// </summary>
    private void OnIoInterruptTaken(bool counted)
    {
        bool signal = false;
        lock (_gate)
        {
            if (counted)
                _irbs.HeadSignalled = _irbs.HeadUnread;
            else if (_irbs.HeadSignalled && _irbs.HasMore)
                signal = Advance();
        }
        if (signal)
            Raise(DeviceInterrupt.Io);
    }
}
