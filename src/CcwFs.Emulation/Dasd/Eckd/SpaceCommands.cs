using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

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
    public static DeviceStatus DefineSubsystemOperation(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.IsSpaceEfficient)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidCommand));
        Span<byte> header = stackalloc byte[SubsystemOperationLayout.Size];
        Span<byte> ranges = stackalloc byte[MaxRanges * SubsystemOperationLayout.RangeSize];
        if (!program.ReceiveAll(data, header))
            return UnitStatus.Failed;
        int count = SubsystemOperationLayout.Ranges.Half(header);
        byte scope = SubsystemOperationLayout.Scope.Byte(header);
        bool byExtent = (scope & SubsystemOperationLayout.ByExtent) != 0;
        ReadOnlySpan<byte> unit = SubsystemOperationLayout.Unit.In(header);
        bool valid = SubsystemOperationLayout.Order.Byte(header) == SubsystemOperationLayout.ReleaseSpace
            && SubsystemOperationLayout.Flags.Byte(header) == 0
            && (scope & ~(SubsystemOperationLayout.ByExtent | SubsystemOperationLayout.GuaranteeInitialization)) == 0
            && unit[0] == program.Options.LogicalSubsystem && unit[1] == program.Options.UnitAddress
            && (byExtent ? count is > 0 and <= MaxRanges : count == 0);
        if (!valid)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        ranges = ranges[..(count * SubsystemOperationLayout.RangeSize)];
        if (!program.ReceiveAll(data, ranges))
            return UnitStatus.Failed;
        if (program.IsReadOnly)
            return program.Check(EckdSense.WriteInhibited);
        if (!byExtent)
        {
            program.Volume.Release(program, 0, program.Volume.Geometry.Tracks);
            return UnitStatus.Ended;
        }
        return ReleaseRanges(program, ranges);
    }

    /// <summary>A track that several ranges name is released once: a command takes no longer than the volume is large.</summary>
    private static DeviceStatus ReleaseRanges(EckdProgram program, ReadOnlySpan<byte> ranges)
    {
        Span<(int First, int Last)> sorted = stackalloc (int, int)[ranges.Length / SubsystemOperationLayout.RangeSize];
        for (int i = 0; i < sorted.Length; i++)
        {
            if (!ExtentCommands.TryRange(program, ranges[(i * SubsystemOperationLayout.RangeSize)..], out int first, out int last))
                return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
            sorted[i] = (first, last);
        }
        sorted.Sort();
        int next = 0;
        foreach ((int first, int last) in sorted)
        {
            if (last < next)
                continue;
            int begin = Math.Max(first, next);
            program.Volume.Release(program, begin, last - begin + 1);
            next = last + 1;
        }
        return UnitStatus.Ended;
    }
}
