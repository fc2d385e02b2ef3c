using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <content>
/// Programs and starts that wait for the device. Its news may come from anywhere, also from inside its command and before the slice of that command is settled:
/// nothing is locked or called here, and news is kept until a slice can make something of it.
/// </content>
public sealed partial class EmulatedSubchannel
{
    /// <summary>The device has said something. What comes behind this look is found by the slice that it was scheduled with.</summary>
    private bool IsNewsThere => (Volatile.Read(ref _freed) | Volatile.Read(ref _deviceEnd)) != 0;

    /// <summary>Something that somebody waits for. Under the gate.</summary>
    private bool HasNews => Volatile.Read(ref _freed) != 0
        || (Volatile.Read(ref _deviceEnd) != 0 && _activity is Activity.AwaitingDevice or Activity.DeviceEndPending);

    /// <summary>The device is free, or can go on with the command that it waits with. News that comes too late costs one try.</summary>
    private void TryAgain()
    {
        Volatile.Write(ref _freed, 1);
        _executor.Schedule(this);
    }

    /// <summary>Device end, with what came with it.</summary>
    private void TakeDeviceEnd(DeviceStatus status)
    {
        Interlocked.Or(ref _deviceEnd, (int)status);
        _executor.Schedule(this);
    }

    /// <summary>What was waited for has come: the program goes on. True: it had ended, and secondary status is pending, to be announced.</summary>
    private bool TakeNews()
    {
        lock (_gate)
        {
            if (_executing)
                return false;
            bool freed = Interlocked.Exchange(ref _freed, 0) != 0;
            if (_end != RequestedEnd.None)
                return false; // that ends what waits
            ProgramWait wait = _activity == Activity.AwaitingDevice ? _run.Wait : ProgramWait.None;
            if (freed && (_activity == Activity.StartPending || wait == ProgramWait.Command))
                _activity = Activity.Active;
            if (wait != ProgramWait.DeviceEnd && _activity != Activity.DeviceEndPending)
                return false;
            var status = (DeviceStatus)Interlocked.Exchange(ref _deviceEnd, 0);
            return status != DeviceStatus.None && GiveDeviceEnd(status);
        }
    }

    /// <summary>To the program that waits for it, or to whoever has started one that has ended. Under the gate.</summary>
    private bool GiveDeviceEnd(DeviceStatus status)
    {
        if (_activity == Activity.AwaitingDevice)
        {
            _run.TakeDeviceEnd(status);
            _activity = Activity.Active;
            return false;
        }
        Irb irb = _run.Status.DeviceEndIrb(FunctionControl.None, status, _pending);
        EndProgram();
        MakePending(irb);
        return true;
    }
}
