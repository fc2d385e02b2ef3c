using System.Runtime.InteropServices;
using CcwFs.ChannelIo;
using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// The four regions: their bytes, and what reading and writing them does. io (ORB 12, SCSW area 12, IRB 96, return code 4) and cmd (command 4, return
/// code 4) keep bytes; schib and crw are made when they are read. Accesses of a VFIO client go through a table of its byte order. Under the device's
/// gate.
/// </summary>
/// <param name="io">The bytes of io, in which others show the IRB.</param>
/// <param name="subchannel">What is stored, resumed, halted and cleared.</param>
/// <param name="slot">Where io's programs go.</param>
/// <param name="status">What the regions show of status and reports.</param>
internal sealed class DeviceRegions(byte[] io, ISubchannel subchannel, ProgramSlot slot, StatusPresenter status)
{
    /// <summary>Errnos that a write may hand back from a client's own ret_code (FUSE carries -1..-511).</summary>
    private const int LargestErrno = 511;

    private readonly byte[] _cmd = new byte[RegionLayout.CmdSize];
    private readonly IDeviceWatch? _watch = subchannel as IDeviceWatch;

    /// <summary>
    /// Reads a range that was judged to be inside; gives its bytes, or a negative errno. <paramref name="mayTake"/>: what is read is taken.
    /// <paramref name="signal"/>: another IRB, or another report, is to be signalled.
    /// </summary>
    internal int Read(RegionIndex region, int position, Span<byte> destination, ReadOnlySpan<byte> order, bool mayTake, out bool signal)
    {
        signal = false;
        return region switch
        {
            RegionIndex.Io => ReadIo(position, destination, order, mayTake, out signal),
            RegionIndex.Cmd => Copy(_cmd, position, destination, order),
            RegionIndex.Schib => ReadSchib(position, destination, order),
            RegionIndex.Crw => ReadCrw(position, destination, order, mayTake, out signal),
            _ => -(int)Errno.EINVAL,
        };
    }

    /// <summary>Takes a write of io or cmd in; it was judged to be inside.</summary>
    internal void Merge(RegionIndex region, int position, ReadOnlySpan<byte> source, ReadOnlySpan<byte> order)
    {
        byte[] bytes = region == RegionIndex.Io ? io : _cmd;
        for (int i = 0; i < source.Length; i++)
            bytes[Permute(order, position + i)] = source[i];
    }

    /// <summary>
    /// What the io region asks for now; gives <paramref name="count"/> or a negative errno. <paramref name="signal"/>: another IRB is visible.
    /// </summary>
    internal int RequestIo(int count, Mapping[] mappings, out bool signal)
    {
        signal = false;
        var scsw = Scsw.Read(io.AsSpan(RegionLayout.ScswOffset));
        Span<byte> retCode = io.AsSpan(RegionLayout.IoRetCodeOffset);
        Errno outcome;
        switch (DeviceTransitions.Action(slot.State, DeviceEvent.IoRequest))
        {
            case DeviceAction.Start when scsw.Function == FunctionControl.None:
                // No function is no request: the caller's own ret_code is the answer, where a write can carry it.
                int own = MemoryMarshal.Read<int>(retCode);
                return own is < 0 and >= -LargestErrno ? own : count;
            case DeviceAction.Start when (scsw.Function & FunctionControl.Start) == 0:
                outcome = Errno.EOPNOTSUPP; // HALT and CLEAR have a region of their own
                break;
            case DeviceAction.Start:
                outcome = slot.Start(Orb.Read(io), mappings);
                signal = outcome == 0 && status.Begun();
                break;
            case DeviceAction.ResumeOrBusy when IsResume(scsw) && slot.PrivateRun is null:
                outcome = slot.Take(subchannel.Resume()); // EBUSY unless suspended
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

    /// <summary>What the cmd region asks for now; gives <paramref name="count"/> or a negative errno.</summary>
    internal int RequestAsync(int count)
    {
        Errno outcome = DeviceTransitions.Refusal(DeviceTransitions.Action(slot.State, DeviceEvent.AsyncRequest));
        uint command = MemoryMarshal.Read<uint>(_cmd);
        if (outcome == 0)
        {
            outcome = command switch
            {
                RegionLayout.CommandHalt => slot.Take(subchannel.Halt()),
                RegionLayout.CommandClear => slot.Take(subchannel.Clear()),
                _ => Errno.EINVAL,
            };
            if (outcome == 0)
                status.Ended(clear: command == RegionLayout.CommandClear);
        }
        MemoryMarshal.Write(_cmd.AsSpan(RegionLayout.CmdRetCodeOffset), -(int)outcome);
        return outcome == 0 ? count : -(int)outcome;
    }

    private int ReadIo(int position, Span<byte> destination, ReadOnlySpan<byte> order, bool mayTake, out bool signal)
    {
        Copy(io, position, destination, order);
        const int LastIrbByte = RegionLayout.IoRetCodeOffset - 1;
        bool tookIrb = mayTake && position <= LastIrbByte && position + destination.Length > LastIrbByte;
        bool isNew = tookIrb && status.HeadUnread;
        if (isNew)
            _watch?.InterruptTaken(DeviceInterrupt.Io);
        signal = isNew && status.TakeHead();
        return destination.Length;
    }

    private int ReadSchib(int position, Span<byte> destination, ReadOnlySpan<byte> order)
    {
        Span<byte> bytes = stackalloc byte[RegionLayout.SchibSize];
        if (slot.State == DeviceState.NotOperational || !subchannel.Store(out Schib schib))
            return -(int)Errno.ENODEV;
        schib = new Schib(
            schib.Pmcw with { InterruptionParameter = slot.InterruptionParameter },
            schib.Scsw with { CcwAddress = slot.ToGuest(schib.Scsw.CcwAddress) });
        schib.Write(bytes);
        return Copy(bytes, position, destination, order);
    }

    private int ReadCrw(int position, Span<byte> destination, ReadOnlySpan<byte> order, bool mayTake, out bool signal)
    {
        Span<byte> bytes = stackalloc byte[RegionLayout.CrwSize];
        bytes.Clear();
        bool more = false;
        if (mayTake && status.TryTakeReport(out Crw crw, out more))
        {
            crw.Write(bytes);
            _watch?.InterruptTaken(DeviceInterrupt.Crw);
        }
        signal = more;
        return Copy(bytes, position, destination, order);
    }

    private static int Copy(ReadOnlySpan<byte> region, int position, Span<byte> destination, ReadOnlySpan<byte> order)
    {
        if (order.IsEmpty)
            region.Slice(position, destination.Length).CopyTo(destination);
        for (int i = 0; i < destination.Length && !order.IsEmpty; i++)
            destination[i] = region[Permute(order, position + i)];
        return destination.Length;
    }

    /// <summary>
    /// Where byte <paramref name="at"/> of an access lies in the region: the table of the region where there is one (a permutation that is its own
    /// inverse), the place itself for an empty one.
    /// </summary>
    private static int Permute(ReadOnlySpan<byte> order, int at) => order.IsEmpty ? at : order[at];
}
