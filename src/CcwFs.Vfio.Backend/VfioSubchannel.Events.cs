using System.Diagnostics.CodeAnalysis;
using CcwFs.ChannelIo;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <content>What comes from the kernel: a thread waits for the eventfds of io, crw and req.</content>
[SuppressMessage("Design", "CA1001", Justification = "EndEvents, which Dispose calls, disposes them")]
public sealed partial class VfioSubchannel
{
    /// <summary>
    /// How often a program that runs is looked after (arbitrary): whether the device is still there, and whether a person's patience is over.
    /// </summary>
    internal static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>How long an end waits for the thread (arbitrary); a kernel that does not answer keeps it, and it alone.</summary>
    internal static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private const int MaxReports = 256; // of one signal, arbitrary: a kernel that always has another is not believed

    private readonly FileDescriptor? _wake;    // an eventfd: the end
    private readonly FileDescriptor? _io;
    private readonly FileDescriptor? _crw;     // null: the kernel has no such interrupt, or no region for it
    private readonly FileDescriptor? _request; // null: the kernel has no such interrupt
    private Thread? _thread;
    private volatile bool _ending;
    private bool _asked;                        // only the thread's: asked for the device already, as it does again and again
    private Irb _last;                          // guarded by _gate: the one read last

    private FileDescriptor? NewEvent(DeviceInterrupt? interrupt)
    {
        if (interrupt is { } wanted && (!_device.HasInterrupt(wanted) || (wanted == DeviceInterrupt.Crw && !_device.Has(RegionIndex.Crw))))
            return null;
        VfioException.Check(_device.System.EventFd(out FileDescriptor created), "no eventfd");
        if (interrupt is { } number && _device.SetEvent(number, created) is var result && result < 0)
        {
            created.Dispose();
            VfioException.Check(result, $"{_device.Target.Path}: its {number} interrupt");
        }
        return created;
    }

    private void StartThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = $"vfio {Id}" };
        _thread.Start();
    }

    /// <summary>Ends the thread; called from another one.</summary>
    private void EndEvents()
    {
        _ending = true;
        if (_wake is not null && !_wake.IsClosed)
            _device.System.Signal(_wake);
        if (_thread is not null && !_thread.Join(EndPatience))
            return;
        foreach (FileDescriptor? eventFd in (FileDescriptor?[])[_wake, _io, _crw, _request])
            eventFd?.Dispose();
    }

    private void Run()
    {
        try
        {
            Watch();
        }
        catch (Exception failure) when (!_ending)
        {
            BackendLog.Failed(_logger, Id, failure);
            Lose();
        }
    }

    private void Watch()
    {
        FileDescriptor[] watched = [.. new[] { _wake, _io, _crw, _request }.OfType<FileDescriptor>()];
        short[] ready = new short[watched.Length];
        Span<byte> count = stackalloc byte[sizeof(ulong)];
        long look = Environment.TickCount64 + (long)Look.TotalMilliseconds;
        while (!_ending)
        {
            int result = _device.System.Poll(watched, ready, (int)Look.TotalMilliseconds);
            if (result < 0 && result != -(int)Errno.EINTR)
            {
                BackendLog.Refused(_logger, Id, "to wait for interrupts", Problem.Of(result));
                Lose();
                return;
            }
            if (Environment.TickCount64 is var now && now >= look)
            {
                LookAfter();
                look = now + (long)Look.TotalMilliseconds;
            }
            for (int i = 0; i < watched.Length && result > 0 && !_ending; i++)
            {
                if (ready[i] != 0 && _device.System.Read(watched[i], count) > 0)
                    Take(watched[i]);
            }
        }
    }

    private void Take(FileDescriptor signalled)
    {
        if (signalled == _io)
            TakeStatus();
        else if (signalled == _crw)
            TakeReports();
        else if (signalled == _request)
            TakeRequest();
    }

    private void TakeStatus()
    {
        Irb irb = default;
        bool writeBack;
        lock (_gate)
        {
            if (_closed)
                return;
            int result = _device.ReadIrb(irb);
            if (result < 0)
            {
                BackendLog.Refused(_logger, Id, "to give status", Problem.Of(result));
                LoseIfGone(result);
                return;
            }
            if (!IsNews(irb))
                return;
            _last = irb;
            writeBack = (irb.Scsw.Function & FunctionControl.Start) != 0 && _read.Take();
        }
        bool good = !writeBack || _read.WriteBack();
        lock (_gate)
        {
            if (_closed || (writeBack && _read.IsOver))
                return;
            Account(irb.Scsw);
            irb.Scsw = WithoutForeign(good ? irb.Scsw : WithCheck(irb.Scsw));
            _pending.Enqueue(irb);
        }
        _events!.Interrupt();
    }

    /// <summary>The guest may not use what it has read.</summary>
    private static Scsw WithCheck(Scsw scsw) => scsw with
    {
        Control = scsw.Control | (uint)StatusControl.Alert, Status = scsw.Status | ((uint)SubchannelStatus.ChannelControlCheck << 16),
    };

    /// <summary>
    /// Status that is pending, and not what was read before: two signals may come for one IRB, when it was read between them. A program's start makes
    /// zeros of the region's IRB, so status of an earlier program never counts for a later one. Under the gate.
    /// </summary>
    private bool IsNews(in Irb irb)
    {
        Scsw scsw = irb.Scsw;
        if ((scsw.StatusControl & StatusControl.Pending) == 0)
            return false;
        bool solicited = scsw.Function != FunctionControl.None;
        return !solicited || (scsw.Function & _expects) != 0 || !((ReadOnlySpan<byte>)irb).SequenceEqual(_last);
    }

    /// <summary>What is still to come after this status; the device's own says nothing of it. Under the gate.</summary>
    private void Account(Scsw scsw)
    {
        if (scsw.Function == FunctionControl.None)
            return;
        const ActivityControl Running = ActivityControl.SubchannelActive | ActivityControl.DeviceActive;
        bool suspended = (scsw.Activity & ActivityControl.Suspended) != 0;
        if ((scsw.Activity & (Running | ActivityControl.Suspended)) == 0)
            _expects &= ~scsw.Function;
        _waitsSince = _expects == FunctionControl.None || suspended ? null : Environment.TickCount64;
    }

    /// <summary>The kernel leaves addresses of its own where it knows no better; no client may see them.</summary>
    private static Scsw WithoutForeign(Scsw scsw) => HostArena.Owns(new HostAddress(scsw.CcwAddress)) ? scsw : scsw with { CcwAddress = 0 };

    private void TakeReports()
    {
        Span<byte> bytes = stackalloc byte[RegionLayout.CrwSize];
        for (int i = 0; i < MaxReports; i++)
        {
            int result = ReadRegion(RegionIndex.Crw, bytes);
            if (result < 0)
            {
                LoseIfGone(result);
                return;
            }
            var crw = Crw.Read(bytes);
            if (crw.Word == 0)
                return;
            _events!.Report(crw);
        }
    }

    private void TakeRequest()
    {
        if (!_asked)
            BackendLog.Asked(_logger, Id, _device.Target.Path);
        _asked = true;
        ThreadPool.UnsafeQueueUserWorkItem(static self => self._events!.ReturnRequested(), this, preferLocal: false);
    }

    /// <summary>Nothing came for a while, but something should.</summary>
    private void LookAfter()
    {
        lock (_gate)
        {
            if (_closed || _expects == FunctionControl.None)
                return;
            if (_device.Has(RegionIndex.Schib) && IsGone(0))
            {
                Lose();
                return;
            }
            if (_options.Timeout is not { } timeout || _waitsSince is not { } since || Environment.TickCount64 - since < timeout.TotalMilliseconds)
                return;
            BackendLog.TimedOut(_timeouts, Id, timeout.TotalSeconds);
            FunctionControl ended = _expects;
            (_expects, _waitsSince) = (FunctionControl.None, null);
            if (_device.Reset() < 0)
            {
                Lose();
                return;
            }
            ForgetStatus();
            bool program = (ended & FunctionControl.Start) != 0;
            Irb irb = default;
            irb.Scsw = Scsw.Build(
                0, ended, ActivityControl.None,
                StatusControl.Pending | (program ? StatusControl.Alert | StatusControl.Primary | StatusControl.Secondary : StatusControl.None),
                0, DeviceStatus.None, program ? SubchannelStatus.InterfaceControlCheck : 0, 0);
            _pending.Enqueue(irb);
        }
        _events!.Interrupt();
    }
}
