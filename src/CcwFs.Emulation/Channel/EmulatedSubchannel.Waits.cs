using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <content>What the device has said, and programs and starts that wait for it.</content>
public sealed partial class EmulatedSubchannel
{
    /// <summary>
    /// Something that somebody waits for. What comes behind this look is found by the slice that it was scheduled with. Under the gate.
    /// </summary>
    private bool HasNews => _news.IsFreed || (_news.HasDeviceEnd && _activity is Activity.AwaitingDevice or Activity.DeviceEndPending);

    /// <summary>The device has status of its own.</summary>
    private void PresentUnsolicited(DeviceStatus status)
    {
        _news.AddUnsolicited(status);
        _executor.Schedule(this);
    }

    /// <summary>The device is free, or can go on with the command that it waits with. News that comes too late costs one try.</summary>
    private void TryAgain()
    {
        _news.Free();
        _executor.Schedule(this);
    }

    /// <summary>Device end, with what came with it.</summary>
    private void TakeDeviceEnd(DeviceStatus status)
    {
        _news.AddDeviceEnd(status);
        _executor.Schedule(this);
    }

    /// <summary>What was waited for has come: the program goes on. True: it had ended, and secondary status is pending, to be announced.</summary>
    private bool TakeNews()
    {
        lock (_gate)
        {
            if (_executing)
                return false;
            bool freed = _news.TakeFreed();
            if (_end != RequestedEnd.None)
                return false; // that ends what waits
            ProgramWait wait = _activity == Activity.AwaitingDevice ? Run.Wait : ProgramWait.None;
            if (freed && (_activity == Activity.StartPending || wait == ProgramWait.Command))
                _activity = Activity.Active;
            if (wait != ProgramWait.DeviceEnd && _activity != Activity.DeviceEndPending)
                return false;
            DeviceStatus status = _news.TakeDeviceEnd();
            return status != DeviceStatus.None && GiveDeviceEnd(status);
        }
    }

    /// <summary>To the program that waits for it, or to whoever has started one that has ended. Under the gate.</summary>
    private bool GiveDeviceEnd(DeviceStatus status)
    {
        if (_activity == Activity.AwaitingDevice)
        {
            Run.TakeDeviceEnd(status);
            _activity = Activity.Active;
            return false;
        }
        Irb irb = Run.Status.DeviceEndIrb(FunctionControl.None, status, _pending.Peek);
        EndProgram();
        _pending.Add(irb);
        return true;
    }
}
