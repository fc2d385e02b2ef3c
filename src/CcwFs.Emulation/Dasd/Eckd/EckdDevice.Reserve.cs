using CcwFs.ChannelIo;
using Microsoft.Extensions.Logging;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Reserve among the devices that share the volume. A reserve belongs to a path, and with it to the other paths of its group. Whoever comes on another one
/// is busy until it ends; a program that has begun goes on (it has the device's implicit allegiance), and a new reserve waits for it. Only an
/// unconditional reserve waits for nobody: it ends the programs of others, and tells the former holder with the next command. Under the volume's gate.
/// </summary>
public sealed partial class EckdDevice
{
    private bool _owesDeviceEnd;    // answered busy, and NoLongerBusy is not called yet
    private bool _inProgram;        // a program has begun and has not ended
    private bool _reservePending;   // the reserve is ours as soon as the others' programs have ended
    private bool _allegianceLost;   // our reserve was taken away, and no command has said so yet
    private int _reservedPath;      // the path that the reserve belongs to; valid while we hold it

    /// <summary>Another device, or a path of this one outside the reserve's path group, holds the volume.</summary>
    internal bool IsReservedElsewhere =>
        Volume.ReservedBy is { } holder && (holder != this || !_pathGroups.AreTogether(Path, _reservedPath));

    /// <inheritdoc/>
    public void LosePath(int path)
    {
        bool freed = false;
        lock (Volume.Gate)
        {
            bool holds = Volume.ReservedBy == this && _reservedPath == path;
            int other = OtherMember(path);
            _pathGroups.Reset(path);
            if (holds && other >= 0)
                _reservedPath = other;
            else if (holds)
                freed = GiveUpReserve();
        }
        if (freed)
            Volume.AnnounceFree();
    }

    /// <summary>
    /// State change: attention, device end and unit exception, for drivers to look at the device again. Presented once, with TEST SUBCHANNEL. Called without the gate.
    /// </summary>
    public void RaiseStateChange() => Unsolicited?.Invoke(DeviceStatus.Attention | DeviceStatus.DeviceEnd | DeviceStatus.UnitException);

    /// <summary>Attention: a message waits in the message buffer. Presented once.</summary>
    public void RaiseAttention() => Unsolicited?.Invoke(DeviceStatus.Attention);

    /// <summary>Reserves the volume. False: programs of other devices have to end first; nobody begins a new one until then.</summary>
    internal bool TryReserve()
    {
        if (Volume.ReservedBy != this)
            _reservedPath = Path;
        Volume.ReservedBy = this;
        _reservePending = Volume.IsInUseBeside(this);
        _owesDeviceEnd |= _reservePending;
        return !_reservePending;
    }

    /// <summary>Reserves the volume and takes it from whoever has it.</summary>
    internal void Steal()
    {
        if (Volume.ReservedBy is { } holder && holder != this)
        {
            holder._allegianceLost = true;
            if (_logger.IsEnabled(LogLevel.Information))
                LogReserveTaken(holder);
        }
        foreach (EckdDevice device in Volume.Devices)
        {
            device.Chain.Terminated |= device != this && device._inProgram;
            if (device != this)
                device._reservePending = false;
        }
        (Volume.ReservedBy, _reservedPath, _reservePending, _allegianceLost) = (this, Path, false, false);
    }

    /// <summary>Ends this device's reserve; false when it has none on this path.</summary>
    internal bool GiveUpReserve()
    {
        if (Volume.ReservedBy != this)
            return false;
        (Volume.ReservedBy, _reservePending) = (null, false);
        return true;
    }

    /// <summary>The running program's path leaves its group: the reserve stays with the group, and with the path when it was the last or all leave.</summary>
    internal bool LeaveGroup(ReadOnlySpan<byte> id, bool all)
    {
        bool holds = Volume.ReservedBy == this && _pathGroups.AreTogether(Path, _reservedPath);
        int other = all ? -1 : OtherMember(Path);
        if (!(all ? _pathGroups.Disband(Path, id) : _pathGroups.Resign(Path, id)))
            return false;
        if (holds)
            _reservedPath = other >= 0 ? other : Path;
        return true;
    }

    /// <summary>True when a device that was busy may try again now; it is told once.</summary>
    internal bool TakeOwedDeviceEnd()
    {
        bool owed = _owesDeviceEnd && (Volume.ReservedBy is null || _reservePending);
        _owesDeviceEnd &= !owed;
        return owed;
    }

    /// <summary>A program has begun on this device and has not ended.</summary>
    internal bool IsInProgram => _inProgram;

    /// <summary>What a command gets that may not pass the reserve: a check once when ours was taken away, busy at the start of a program; null: it may run.</summary>
    private DeviceStatus? RefuseAsReserved()
    {
        if (_allegianceLost || Chain.Terminated)
        {
            _allegianceLost = Chain.Terminated = false;
            return Check(EckdSense.AllegianceTerminated);
        }
        if (Chain.Started || !IsReservedElsewhere)
            return null;
        _owesDeviceEnd = true;
        return DeviceStatus.Busy;
    }

    /// <summary>The program has ended. True: a reserve waits for that.</summary>
    private bool LeaveProgram()
    {
        _inProgram = false;
        return Volume.ReservedBy is { _reservePending: true } holder && holder != this;
    }

    /// <summary>The program that was to reserve the volume has been ended. True: the others may begin again.</summary>
    private bool ForgetPendingReserve()
    {
        _owesDeviceEnd = false;
        return _reservePending && GiveUpReserve();
    }

    private int OtherMember(int path)
    {
        for (int other = 0; other < PathGroups.Paths; other++)
        {
            if (other != path && _pathGroups.AreTogether(path, other))
                return other;
        }
        return -1;
    }

    private bool Reset()
    {
        _pathGroups.Clear();
        _messages.Clear();
        (_sensePending, _owesDeviceEnd, _allegianceLost) = (false, false, false);
        return GiveUpReserve();
    }
}
