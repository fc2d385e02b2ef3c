using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Subchannel;

/// <content>Status and reports: from the subchannel to the regions and their interrupts.</content>
public sealed partial class VfioCcwDevice
{
    /// <summary>
    /// Milliseconds between two IRBs that a VFIO client reads, where one is the device's own and no start lies between. A client keeps one IRB a subchannel
    /// (QEMU's io notifier): a second one that comes before its guest has taken the first replaces it, and a program's end is lost. Arbitrary: longer than a guest
    /// on a busy machine takes for its interrupt, shorter than a person notices.
    /// </summary>
    public const int InterruptSpacing = 100;

    private Timer? _spacing;     // guarded by _gate: shows an IRB that came too soon
    private bool _unseen;        // guarded by _gate: the client has read an IRB, and has started nothing since
    private long _taken;         // guarded by _gate: when it did, in milliseconds
    private Irb _head;           // guarded by _gate: what was shown last

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
                if (_reportLines.May())
                    DeviceLog.ReportLost(_logger, Id, crw.Word);
                _crwLost = true;
            }
            if (crw.Source == Crw.ChannelPathSource)
                _lostPaths = 0;
        }
        Raise(DeviceInterrupt.Crw);
    }

    /// <summary>The backend asks the device back (false, possibly again and again), or has lost it (true), which is unplugged then. On any thread, without locks.</summary>
    public event Action<bool>? Leaving;

    /// <inheritdoc/>
    public void ReturnRequested() => Leaving?.Invoke(false);

    /// <inheritdoc/>
    public void Vanished()
    {
        Unplug();
        Leaving?.Invoke(true);
    }

    /// <inheritdoc/>
    public void Failed(Exception failure)
    {
        if (_failureLines.May())
            DeviceLog.Failed(_logger, Id, failure);
    }

    /// <summary>Takes one status of the subchannel, if it has any.</summary>
    private bool TakeStatus()
    {
        bool signal = false, behind = false, final = false;
        PrivateInterrupt? privateRun = null;
        uint? unfetched = null;
        IDeviceClient? client;
        Irb irb;
        lock (_gate)
        {
            client = _client;
            if (DeviceTransitions.Action(_state, DeviceEvent.Interrupt) == DeviceAction.Ignore || !_subchannel.Test(out irb))
                return false;
            Scsw scsw = irb.Scsw;
            if (_translating is null && IsSolicited(scsw)) // else it answers an earlier function: the program that was translated has not begun
            {
                unfetched = TellUnfetched(scsw);
                irb.Scsw = unfetched is { } ccw ? scsw with { CcwAddress = unchecked(ccw + Ccw.Size) } : _started.Current.UpdateScsw(scsw);
                privateRun = _privateRun;
                final = (scsw.Activity & (ActivityControl.DeviceActive | ActivityControl.SubchannelActive | ActivityControl.Suspended)) == 0;
                if (final)
                    EndProgram();
            }
            if (privateRun is null)
                signal = Present(irb);
            behind = !signal && client is null && _irbs.HeadSignalled && _irbs.HasMore;
        }
        if (signal)
            Raise(DeviceInterrupt.Io, client);
        if (behind)
            IoInterrupt.Poke();
        privateRun?.Invoke(irb, final, unfetched);
        return true;
    }

    /// <summary>Says which CCW of the program was wanted and not prefetched; null when that did not end it. Under the gate.</summary>
    private uint? TellUnfetched(in Scsw scsw)
    {
        if ((scsw.Subchannel & SubchannelStatus.ProgramCheck) == 0 || !_started.Current.TryUnfetched(new HostAddress(scsw.CcwAddress), out GuestCcwAddress address))
            return null;
        if (_programLines.May())
            DeviceLog.Unfetched(_logger, Id, address.Value);
        return address.Value;
    }

    /// <summary>Alert status alone without a deferred condition code comes from the device; anything else answers a function (kernel: scsw_is_solicited).</summary>
    private static bool IsSolicited(in Scsw scsw) =>
        scsw.DeferredConditionCode != 0 || scsw.StatusControl != (StatusControl.Alert | StatusControl.Pending);

    /// <summary>Keeps an IRB for the client. True: it, or another one, is visible now.</summary>
    private bool Present(in Irb irb)
    {
        if (_client is not null && (irb.Scsw.Function & FunctionControl.Halt) != 0)
            _irbs.AddAnswer(irb, _head);
        else if (!_irbs.Add(irb) && _interruptLines.May())
            DeviceLog.InterruptLost(_logger, Id, IrbQueue.Limit);
        return ShowNext();
    }

    /// <summary>The head is done with. True: the next one is visible now.</summary>
    private bool Advance()
    {
        _irbs.DropHead();
        return ShowNext();
    }

    /// <summary>Shows the next IRB, if the head was read and it is not too soon. True: it is visible now.</summary>
    private bool ShowNext()
    {
        if (!_irbs.TryPeek(out Irb next))
            return false;
        bool own = !IsSolicited(next.Scsw) || !IsSolicited(_head.Scsw);
        if (_unseen && _client is not null && own && Environment.TickCount64 - _taken is var since && since < InterruptSpacing)
        {
            (_spacing ??= new Timer(_ => ShowLater())).Change(InterruptSpacing - since, Timeout.Infinite);
            return false;
        }
        _irbs.Advance();
        _head = next;
        ShowHead();
        return true;
    }

    private void ShowHead() => ((ReadOnlySpan<byte>)_head).CopyTo(_io.AsSpan(RegionLayout.IrbOffset, Irb.Size));

    private void ShowLater()
    {
        IDeviceClient? client;
        bool signal;
        lock (_gate)
            (client, signal) = (_client, ShowNext());
        if (signal)
            Raise(DeviceInterrupt.Io, client);
    }

    /// <summary>The client has read the head. True: the next one is visible.</summary>
    private bool TakeHead()
    {
        (_unseen, _taken) = (true, Environment.TickCount64);
        return Advance();
    }

    /// <summary>
    /// A start was accepted: whoever makes it has seen the IRBs that were read. The unread head goes; with a VFIO client what earlier programs gave goes, and status
    /// of the device's own stays, for its signal is still to be answered. True: another one is visible.
    /// </summary>
    private bool Begun()
    {
        _unseen = false;
        if (_client is not null)
            _irbs.DropPrograms();
        if (_client is null || IsSolicited(_head.Scsw))
            _irbs.DropHead();
        else if (_irbs.HeadUnread)
            ShowHead(); // the write of the start went over it
        return ShowNext();
    }

    /// <summary>
    /// A reader took the io signal: the head stays readable for it. A reader that comes again without having read the head does not want it,
    /// so the next one moves up and signals.
    /// </summary>
    private void OnIoInterruptTaken(bool counted)
    {
        bool signal = false;
        lock (_gate)
        {
            if (_client is not null)
                return; // what was counted is older
            if (counted)
                _irbs.HeadSignalled = _irbs.HeadUnread;
            else if (_irbs.HeadSignalled && _irbs.HasMore)
                signal = Advance();
        }
        if (signal)
            Raise(DeviceInterrupt.Io);
    }
}
