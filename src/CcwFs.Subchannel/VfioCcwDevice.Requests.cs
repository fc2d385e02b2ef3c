using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <content>What writes of io and cmd ask for: start, resume, halt, clear; and how a program ends. Under the gate.</content>
public sealed partial class VfioCcwDevice
{
    private int IoRequest(int count, out bool proceed, out bool signal)
    {
        (proceed, signal) = (false, false);
        var scsw = Scsw.Read(_io.AsSpan(RegionLayout.ScswOffset));
        Span<byte> retCode = _io.AsSpan(RegionLayout.IoRetCodeOffset);
        Errno outcome;
        switch (DeviceTransitions.Action(_state, DeviceEvent.IoRequest))
        {
            case DeviceAction.Start when scsw.Function == FunctionControl.None:
                // No function is no request: the caller's own ret_code is the answer, where a write can carry it.
                int own = MemoryMarshal.Read<int>(retCode);
                return own is < 0 and >= -LargestErrno ? own : count;
            case DeviceAction.Start when (scsw.Function & FunctionControl.Start) == 0:
                outcome = Errno.EOPNOTSUPP; // HALT and CLEAR have a region of their own
                break;
            case DeviceAction.Start:
                outcome = StartProgram(Orb.Read(_io));
                proceed = outcome == 0;
                signal = proceed && _irbs.HeadUnread && Advance();
                break;
            case DeviceAction.ResumeOrBusy when IsResume(scsw) && _privateRun is null:
                outcome = DeviceErrors.FromCondition(_subchannel.Resume()); // EBUSY unless suspended
                proceed = outcome == 0;
                break;
            case DeviceAction refused:
                outcome = DeviceTransitions.Refusal(refused);
                break;
        }
        MemoryMarshal.Write(retCode, -(int)outcome);
        return outcome == 0 ? count : -(int)outcome;
    }

    private static bool IsResume(Scsw scsw) =>
        (scsw.Activity & (ActivityControl.ResumePending | ActivityControl.Suspended)) == (ActivityControl.ResumePending | ActivityControl.Suspended);

    /// <summary>Translates and starts; on any errno nothing was executed and the device is idle again.</summary>
    private Errno StartProgram(in Orb orb)
    {
        if (orb.TransportMode)
            return Errno.EOPNOTSUPP;
        _state = DeviceState.Processing;
        Errno outcome = Translate(orb);
        if (outcome == 0)
            outcome = StartTranslated(orb);
        _state = outcome == 0 ? DeviceState.Pending : DeviceState.Idle;
        if (outcome != 0)
            _translator.Free();
        return outcome;
    }

    private Errno Translate(in Orb orb)
    {
        if (!orb.Prefetch && !_warnedPrefetch)
        {
            _warnedPrefetch = true;
            DeviceLog.PrefetchNotAllowed(_logger, Id);
        }
        ProgramFault fault = _translator.Initialize(orb, _runSpace.Map);
        if (fault == ProgramFault.None)
            fault = _translator.Prefetch();
        return DeviceErrors.FromFault(fault, _runSpace.Unmapped);
    }

    private Errno StartTranslated(in Orb orb)
    {
        const uint Reserved = OrbControl.ModifiedIndirectData | 0x3E; // an operand exception of START SUBCHANNEL
        if ((orb.Control & Reserved) != 0)
            return Errno.EIO;
        UpdatePaths();
        _translator.GetOrb(orb.InterruptionParameter, _lpm, out Orb host);
        switch (_subchannel.Start(host, _translator))
        {
            case ConditionCode.Initiated:
                _interruptionParameter = orb.InterruptionParameter;
                return 0;
            case ConditionCode.StatusPending or ConditionCode.Busy:
                return Errno.EBUSY;
            case ConditionCode.NotOperational:
                byte tried = orb.LogicalPathMask != 0 ? orb.LogicalPathMask : _lpm;
                _lostPaths |= tried;
                UpdatePaths();
                return _lpm != 0 ? Errno.EACCES : Errno.ENODEV;
            case ConditionCode unknown:
                throw new InvalidOperationException($"condition code {unknown}");
        }
    }

    private void UpdatePaths() =>
        _lpm = _subchannel.Store(out Schib schib) ? (byte)(schib.Pmcw.Pam & ~_lostPaths) : (byte)0;

    private int AsyncRequest(int count, out bool proceed)
    {
        proceed = false;
        Errno outcome = DeviceTransitions.Refusal(DeviceTransitions.Action(_state, DeviceEvent.AsyncRequest));
        if (outcome == 0)
        {
            outcome = MemoryMarshal.Read<uint>(_cmd) switch
            {
                RegionLayout.CommandHalt => DeviceErrors.FromCondition(_subchannel.Halt()),
                RegionLayout.CommandClear => DeviceErrors.FromCondition(_subchannel.Clear()),
                _ => Errno.EINVAL,
            };
            proceed = outcome == 0;
        }
        MemoryMarshal.Write(_cmd.AsSpan(RegionLayout.CmdRetCodeOffset), -(int)outcome);
        return outcome == 0 ? count : -(int)outcome;
    }

    private bool ResetProgram(bool system)
    {
        bool operational = _subchannel.Reset(system);
        PrivateInterrupt? privateRun = _privateRun;
        EndProgram();
        privateRun?.Invoke(null, final: true);
        return operational;
    }

    private void EndProgram()
    {
        _translator.Free();
        (_privateRun, _runSpace) = (null, _clientSpace ?? _space);
        _state = DeviceState.Idle;
    }
}
