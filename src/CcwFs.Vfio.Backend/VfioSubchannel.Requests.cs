using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Linux;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <content>What is asked of the kernel by writes of its io and cmd regions: start, resume, halt and clear.</content>
public sealed partial class VfioSubchannel
{
    /// <summary>
    /// How often a request is made again that the kernel answers with EAGAIN: another access holds the region for a moment (arbitrary); then it is
    /// busy.
    /// </summary>
    internal const int MaxTries = 16;

    /// <summary>Chains that TICs link of which the kernel's driver takes no more, from 2026 on; earlier ones have no limit.</summary>
    internal const int KernelChains = 16;

    private const uint StartFunction = (uint)FunctionControl.Start << 12; // in the SCSW's first word
    private const uint ResumeActivity = (uint)(ActivityControl.ResumePending | ActivityControl.Suspended) << 5;

    /// <inheritdoc/>
    public ProgramFault Prepare(BackendProgram program) => ProgramFault.None;

    /// <inheritdoc/>
    public FunctionResult Start(in Orb orb, BackendProgram program) =>
        program is HostProgram translated ? StartTranslated(orb, translated) : FunctionResult.Refused(Errno.EOPNOTSUPP);

    private FunctionResult StartTranslated(in Orb orb, HostProgram program)
    {
        lock (_gate)
        {
            if (_closed)
                return ConditionCode.NotOperational;
            if (_pending.Count > 0 || _read.IsBusy)
                return ConditionCode.StatusPending; // of an earlier function: whoever takes it is on the way
            int result = _maps.Follow(program.Mappings);
            if (result < 0)
            {
                BackendLog.Refused(_refusals, Id, "to map guest memory", Problem.Of(result));
                LoseIfGone(result);
                return FunctionResult.Refused(Errno.EFAULT);
            }
            if (!_arena.TryCopy(program))
                return FunctionResult.Refused(Errno.EINVAL);
            _read.Begin(program, orb);
            FunctionResult outcome = StartCopied(orb, program);
            if (outcome.Refusal == Errno.EINVAL && program.Chains.Length > KernelChains)
                BackendLog.ManyChains(_programs, Id, program.Chains.Length, KernelChains);
            return outcome;
        }
    }

    /// <summary>Under the gate.</summary>
    private FunctionResult StartCopied(in Orb orb, HostProgram program)
    {
        bool small = (orb.Control & OrbControl.TwoKIdaws) != 0;
        bool joined = small && _joinsBlocks && _arena.TryJoinBlocks(program);
        FunctionResult outcome = RequestStart(orb, joined);
        if (small && !joined && outcome.Refusal == Errno.EOPNOTSUPP)
        {
            joined = !_joinsBlocks && _arena.TryJoinBlocks(program);
            if (joined)
                outcome = RequestStart(orb, joined);
            else if (!_saidSmallBlocks)
                BackendLog.NoSmallBlocks(_programs, Id);
            _saidSmallBlocks |= !joined;
        }
        _joinsBlocks |= joined && outcome.IsInitiated;
        return outcome;
    }

    /// <summary>
    /// All of the region, as QEMU writes it: zeros in place of the last IRB, so that a late signal for that one finds nothing. Under the gate.
    /// </summary>
    private FunctionResult RequestStart(in Orb guest, bool joined)
    {
        Orb orb = joined ? guest with { Control = guest.Control & ~OrbControl.TwoKIdaws } : guest;
        Span<byte> request = stackalloc byte[RegionLayout.IoSize];
        request.Clear();
        orb.Write(request);
        new Scsw(StartFunction, 0, 0).Write(request[RegionLayout.ScswOffset..]);
        FunctionResult outcome = Request(RegionIndex.Io, request);
        if (outcome.IsInitiated)
            (_orb, _expects, _waitsSince) = (orb, FunctionControl.Start, Environment.TickCount64);
        return outcome;
    }

    /// <inheritdoc/>
    /// <remarks>Through the io region, with the ORB of the start (as QEMU does); a driver that does not know it says that it is busy.</remarks>
    public FunctionResult Resume()
    {
        lock (_gate)
        {
            if (_closed)
                return ConditionCode.NotOperational;
            Span<byte> request = stackalloc byte[RegionLayout.IrbOffset];
            _orb.Write(request);
            new Scsw(StartFunction | ResumeActivity, 0, 0).Write(request[RegionLayout.ScswOffset..]);
            FunctionResult outcome = Request(RegionIndex.Io, request);
            if (outcome.IsInitiated)
                _waitsSince = Environment.TickCount64;
            return outcome;
        }
    }

    /// <inheritdoc/>
    public FunctionResult Halt() => Command(RegionLayout.CommandHalt, FunctionControl.Halt);

    /// <inheritdoc/>
    public FunctionResult Clear() => Command(RegionLayout.CommandClear, FunctionControl.Clear);

    private FunctionResult Command(uint command, FunctionControl function)
    {
        lock (_gate)
        {
            if (_closed)
                return ConditionCode.NotOperational;
            if (!_device.Has(RegionIndex.Cmd))
                return FunctionResult.Refused(Errno.EOPNOTSUPP);
            if (function == FunctionControl.Halt && (_pending.Count > 0 || _read.IsBusy))
                return ConditionCode.StatusPending;
            Span<byte> request = stackalloc byte[RegionLayout.CmdSize];
            request.Clear();
            MemoryMarshal.Write(request, command);
            FunctionResult outcome = Request(RegionIndex.Cmd, request);
            if (!outcome.IsInitiated)
                return outcome;
            if (function == FunctionControl.Clear)
            {
                _pending.Clear(); // and with it what was expected
                _read.End();
            }
            _expects = function == FunctionControl.Clear ? function : _expects | function;
            _waitsSince = Environment.TickCount64;
            return outcome;
        }
    }

    /// <summary>A write of io or cmd as a function's outcome. Under the gate.</summary>
    private FunctionResult Request(RegionIndex region, ReadOnlySpan<byte> bytes)
    {
        int result = -(int)Errno.EAGAIN;
        for (int i = 0; result == -(int)Errno.EAGAIN && i < MaxTries; i++)
        {
            if (i > 0)
                Thread.Yield();
            result = _device.Write(region, bytes);
        }
        if (result >= 0)
            return ConditionCode.Initiated;
        if (KernelErrors.IsSuspicious(result) && IsGone(result))
        {
            Lose();
            return FunctionResult.Refused(Errno.EIO);
        }
        FunctionResult outcome = KernelErrors.OfWrite(result, out bool known);
        if (!known)
            BackendLog.Refused(_refusals, Id, "a request", Problem.Of(result));
        return outcome;
    }
}
