using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// What the kernel has begun and not ended, since when it has been silent, and which status of it waits to be taken. Serialized by the
/// owner.
/// </summary>
internal sealed class FunctionStatus
{
    private readonly Queue<Irb> _pending = new(); // read, and not yet taken
    private FunctionControl _expected; // functions that the kernel took and has not ended
    private long? _since;              // the last sign of life of what is expected, in milliseconds; null: nothing is to come
    private Irb _last;                 // the one read last

    /// <summary>Functions that the kernel took and has not ended.</summary>
    internal FunctionControl Expected => _expected;

    /// <summary>Status waits to be taken.</summary>
    internal bool IsPending => _pending.Count > 0;

    /// <summary>The kernel took START or CLEAR, which alone is expected then, or HALT, which is expected too. CLEAR takes status away.</summary>
    internal void Begin(FunctionControl function)
    {
        if (function == FunctionControl.Clear)
            _pending.Clear();
        _expected = function == FunctionControl.Halt ? _expected | function : function;
        GoOn();
    }

    /// <summary>The kernel took RESUME.</summary>
    internal void GoOn() => _since = Environment.TickCount64;

    /// <summary>Nothing is expected any more, and status that waits is taken away.</summary>
    internal void Forget()
    {
        GiveUp();
        _pending.Clear();
    }

    /// <summary>What the kernel shows belongs to what was reset: it is no news any more.</summary>
    internal void Skip(in Irb shown) => _last = shown;

    /// <summary>
    /// Status that is pending, and not what was read before: two signals may come for one IRB, when it was read between them. A program's start makes
    /// zeros of the region's IRB, so status of an earlier program never counts for a later one.
    /// </summary>
    internal bool IsNews(in Irb irb)
    {
        Scsw scsw = irb.Scsw;
        bool news = (scsw.StatusControl & StatusControl.Pending) != 0
            && (scsw.Function == FunctionControl.None || (scsw.Function & _expected) != 0 || !((ReadOnlySpan<byte>)irb).SequenceEqual(_last));
        if (news)
            _last = irb;
        return news;
    }

    /// <summary>
    /// Status that was news is to be taken. <paramref name="good"/>: the guest may use what it has read; else the program ends with a channel-control
    /// check. The kernel leaves addresses of its own where it knows no better; no client may see them.
    /// </summary>
    internal void Add(in Irb irb, bool good)
    {
        Scsw scsw = irb.Scsw;
        Account(scsw);
        if (!good)
        {
            scsw = scsw with
            {
                Control = scsw.Control | (uint)StatusControl.Alert,
                Status = scsw.Status | ((uint)SubchannelStatus.ChannelControlCheck << 16),
            };
        }
        if (!HostArena.Owns(new HostAddress(scsw.CcwAddress)))
            scsw = scsw with { CcwAddress = 0 };
        Irb shown = irb;
        shown.Scsw = scsw;
        _pending.Enqueue(shown);
    }

    /// <summary>What is expected has been silent for longer than this.</summary>
    internal bool IsLate(TimeSpan timeout) => Environment.TickCount64 - _since >= timeout.TotalMilliseconds;

    /// <summary>Nothing is expected any more; gives what was.</summary>
    internal FunctionControl GiveUp()
    {
        FunctionControl given = _expected;
        (_expected, _since) = (FunctionControl.None, null);
        return given;
    }

    /// <summary>Status in place of what did not come: a program ends with an interface-control check.</summary>
    internal void AddLate(FunctionControl ended)
    {
        bool program = (ended & FunctionControl.Start) != 0;
        Irb irb = default;
        irb.Scsw = Scsw.Build(
            0, ended, ActivityControl.None,
            StatusControl.Pending | (program ? StatusControl.Alert | StatusControl.Primary | StatusControl.Secondary : StatusControl.None),
            0, DeviceStatus.None, program ? SubchannelStatus.InterfaceControlCheck : 0, 0);
        _pending.Enqueue(irb);
    }

    /// <summary>Takes the oldest status. False: none waits.</summary>
    internal bool TryTake(out Irb irb) => _pending.TryDequeue(out irb);

    /// <summary>What is still to come after this status; the device's own says nothing of it.</summary>
    private void Account(Scsw scsw)
    {
        if (scsw.Function == FunctionControl.None)
            return;
        const ActivityControl Running = ActivityControl.SubchannelActive | ActivityControl.DeviceActive;
        bool suspended = (scsw.Activity & ActivityControl.Suspended) != 0;
        if ((scsw.Activity & (Running | ActivityControl.Suspended)) == 0)
            _expected &= ~scsw.Function;
        _since = _expected == FunctionControl.None || suspended ? null : Environment.TickCount64;
    }
}
