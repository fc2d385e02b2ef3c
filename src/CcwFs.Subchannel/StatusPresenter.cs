using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Subchannel;

/// <summary>
/// Status and reports that nobody has read yet, and which of them the regions show. Methods that give a bool say whether something is visible now
/// that was not before, to be signalled without the gate. All members under the device's gate, but for the look of an interrupt line at
/// <see cref="MoreIsSignalled"/>.
/// </summary>
internal sealed class StatusPresenter : IDisposable
{
    private readonly Memory<byte> _shown; // the IRB in the io region
    private readonly Action _showLater;
    private readonly IrbQueue _irbs = new();
    private readonly Queue<Crw> _crws = new();
    private readonly LogLimit _interrupts, _reports;
    private readonly ILogger _logger;
    private readonly SubchannelId _id;
    private bool _crwLost;     // reports were lost since the last one queued
    private Timer? _spacing;   // shows an IRB that came too soon
    private bool _unseen;      // the client has read an IRB, and has started nothing since
    private long _taken;       // when it did, in milliseconds
    private Irb _head;         // what was shown last
    private bool _isOver;      // no timer is made any more

    /// <summary>
    /// <paramref name="shown"/>: where a reader sees the IRB; <paramref name="showLater"/>: called on a timer's thread, to take the gate and call
    /// <see cref="ShowNext"/>.
    /// </summary>
    internal StatusPresenter(Memory<byte> shown, Action showLater, ILogger logger, SubchannelId id, TimeProvider time)
    {
        (_shown, _showLater, _logger, _id) = (shown, showLater, logger, id);
        _interrupts = LogLimit.Of(logger, "interrupts that were dropped", id, time);
        _reports = LogLimit.Of(logger, "channel reports that were lost", id, time);
    }

    /// <summary>A VFIO client reads: one IRB at a time, each with a signal of its own.</summary>
    internal bool HasClient { get; set; }

    /// <summary>The head is shown and not read.</summary>
    internal bool HeadUnread => _irbs.HeadUnread;

    /// <summary>There is more after a head whose signal was taken.</summary>
    internal bool MoreIsSignalled => _irbs.HeadSignalled && _irbs.HasMore;

    /// <summary>
    /// Alert status alone without a deferred condition code comes from the device; anything else answers a function (kernel: scsw_is_solicited).
    /// </summary>
    internal static bool IsSolicited(in Scsw scsw) =>
        scsw.DeferredConditionCode != 0 || scsw.StatusControl != (StatusControl.Alert | StatusControl.Pending);

    /// <summary>Keeps an IRB for the next reader.</summary>
    internal bool Present(in Irb irb)
    {
        if (HasClient && (irb.Scsw.Function & FunctionControl.Halt) != 0)
            _irbs.AddAnswer(irb, _head);
        else if (!_irbs.Add(irb) && _interrupts.May())
            DeviceLog.InterruptLost(_logger, _id, IrbQueue.Limit);
        return ShowNext();
    }

    /// <summary>Shows the next IRB, if the head was read and it is not too soon.</summary>
    internal bool ShowNext()
    {
        if (_isOver || !_irbs.TryPeek(out Irb next))
            return false;
        bool own = !IsSolicited(next.Scsw) || !IsSolicited(_head.Scsw);
        if (_unseen && HasClient && own && Environment.TickCount64 - _taken is var since && since < VfioCcwDevice.InterruptSpacing)
        {
            (_spacing ??= new Timer(_ => _showLater())).Change(VfioCcwDevice.InterruptSpacing - since, Timeout.Infinite);
            return false;
        }
        _irbs.Advance();
        _head = next;
        ShowHead();
        return true;
    }

    /// <summary>The client has read the head.</summary>
    internal bool TakeHead()
    {
        (_unseen, _taken) = (true, Environment.TickCount64);
        return Advance();
    }

    /// <summary>
    /// A start was accepted: its maker has seen the IRBs that were read. The unread head goes, and so does what earlier programs gave; with a VFIO
    /// client status of the device's own stays, for its signal is still to be answered.
    /// </summary>
    internal bool Begun()
    {
        _unseen = false;
        _irbs.DropPrograms();
        if (!HasClient || IsSolicited(_head.Scsw))
            _irbs.DropHead();
        else if (_irbs.HeadUnread)
            ShowHead(); // the write of the start went over it
        return ShowNext();
    }

    /// <summary>
    /// A HALT or CLEAR was accepted. A <paramref name="clear"/> takes the IRBs of a client, as the status they were: one that does not read them
    /// waits for the next signal.
    /// </summary>
    internal void Ended(bool clear)
    {
        _unseen = false;
        if (clear && HasClient)
            _irbs.Clear();
    }

    /// <summary>
    /// A reader took the io signal: the head stays readable for it. A reader that comes again without having read the head does not want it,
    /// so the next one moves up and signals.
    /// </summary>
    internal bool SignalTaken(bool counted)
    {
        if (HasClient)
            return false; // what was counted is older
        if (counted)
            _irbs.HeadSignalled = _irbs.HeadUnread;
        return !counted && MoreIsSignalled && Advance();
    }

    /// <summary>A reset: what was kept back for a client, and is of before it, goes.</summary>
    internal void DropAnswers()
    {
        if (HasClient)
            _irbs.DropAnswers();
    }

    /// <summary>Interrupts of earlier users are none of the next one's.</summary>
    internal void Clear() => _irbs.Clear();

    /// <summary>A channel report.</summary>
    internal void Report(Crw crw)
    {
        if (_crws.Count < VfioCcwDevice.CrwLimit)
        {
            _crws.Enqueue(_crwLost ? new Crw(crw.Word | Crw.Overflow) : crw);
            _crwLost = false;
            return;
        }
        if (_reports.May())
            DeviceLog.ReportLost(_logger, _id, crw.Word);
        _crwLost = true;
    }

    /// <summary>The oldest report, taken; false: there is none. <paramref name="more"/>: others wait.</summary>
    internal bool TryTakeReport(out Crw crw, out bool more)
    {
        bool found = _crws.TryDequeue(out crw);
        more = _crws.Count > 0;
        return found;
    }

    /// <inheritdoc/>
    /// <remarks>Under the gate: a reader of a device that is gone may come later.</remarks>
    public void Dispose()
    {
        _isOver = true;
        _spacing?.Dispose();
        _interrupts.Dispose();
        _reports.Dispose();
    }

    private bool Advance()
    {
        _irbs.DropHead();
        return ShowNext();
    }

    private void ShowHead() => ((ReadOnlySpan<byte>)_head).CopyTo(_shown.Span);
}
