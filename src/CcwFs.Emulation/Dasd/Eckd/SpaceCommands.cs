using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Space of ESE volumes.</summary>
internal static class SpaceCommands
{
    /// <summary>Most ranges of one command, as drivers keep to.</summary>
    private const int MaxRanges = 110;

    /// <summary>
    /// 24 bytes (<see cref="SubsystemOperationLayout"/>) of a CKD volume and no message, then ranges of first and last track, CCHH each; tracks at a
    /// range's ends are always initialized too. Released tracks are unformatted.
    /// </summary>
    public static DeviceStatus DefineSubsystemOperation(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!device.IsSpaceEfficient)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidCommand));
        Span<byte> header = stackalloc byte[SubsystemOperationLayout.Size];
        Span<byte> ranges = stackalloc byte[MaxRanges * SubsystemOperationLayout.RangeSize];
        if (!device.ReceiveAll(data, header))
            return EckdDevice.Failed;
        int count = SubsystemOperationLayout.Ranges.Half(header);
        byte scope = SubsystemOperationLayout.Scope.Byte(header);
        bool byExtent = (scope & SubsystemOperationLayout.ByExtent) != 0;
        ReadOnlySpan<byte> unit = SubsystemOperationLayout.Unit.In(header);
        bool valid = SubsystemOperationLayout.Order.Byte(header) == SubsystemOperationLayout.ReleaseSpace && SubsystemOperationLayout.Flags.Byte(header) == 0
            && (scope & ~(SubsystemOperationLayout.ByExtent | SubsystemOperationLayout.GuaranteeInitialization)) == 0
            && unit[0] == device.Options.LogicalSubsystem && unit[1] == device.Options.UnitAddress
            && (byExtent ? count is > 0 and <= MaxRanges : count == 0);
        if (!valid)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        ranges = ranges[..(count * SubsystemOperationLayout.RangeSize)];
        if (!device.ReceiveAll(data, ranges))
            return EckdDevice.Failed;
        if (device.IsReadOnly)
            return device.Check(EckdSense.WriteInhibited);
        if (!byExtent)
        {
            device.Volume.Release(device, 0, device.Volume.Geometry.Tracks);
            return EckdDevice.Ended;
        }
        return ReleaseRanges(device, ranges);
    }

    /// <summary>A track that several ranges name is released once: a command takes no longer than the volume is large.</summary>
    private static DeviceStatus ReleaseRanges(EckdDevice device, ReadOnlySpan<byte> ranges)
    {
        Span<(int First, int Last)> sorted = stackalloc (int, int)[ranges.Length / SubsystemOperationLayout.RangeSize];
        for (int i = 0; i < sorted.Length; i++)
        {
            if (!ExtentCommands.TryRange(device, ranges[(i * SubsystemOperationLayout.RangeSize)..], out int first, out int last))
                return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
            sorted[i] = (first, last);
        }
        sorted.Sort();
        int next = 0;
        foreach ((int first, int last) in sorted)
        {
            if (last < next)
                continue;
            int begin = Math.Max(first, next);
            device.Volume.Release(device, begin, last - begin + 1);
            next = last + 1;
        }
        return EckdDevice.Ended;
    }
}
