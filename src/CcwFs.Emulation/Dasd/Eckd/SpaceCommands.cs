using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Space of ESE volumes.</summary>
internal static class SpaceCommands
{
    /// <summary>Order of DEFINE SUBSYSTEM OPERATION: release allocated space.</summary>
    private const byte ReleaseSpace = 0x81;

    private const byte ByExtent = 0x20;
    private const byte GuaranteeInitialization = 0x10;
    private const int HeaderSize = 24;
    private const int RangeSize = 8;

    /// <summary>Most ranges of one command, as drivers keep to.</summary>
    private const int MaxRanges = 110;

    /// <summary>
    /// 24 bytes: 0 order, 1 flags (0: a CKD volume, no message), 2 scope (20 the ranges, else the whole volume; 10 tracks at a range's ends are initialized too, as
    /// they always are here), 4 logical subsystem, 5 unit address, 20 number of ranges; then ranges of first and last track, CCHH each.
    /// Released tracks are unformatted.
    /// </summary>
    public static DeviceStatus DefineSubsystemOperation(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.IsSpaceEfficient)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidCommand));
        Span<byte> header = stackalloc byte[HeaderSize];
        Span<byte> ranges = stackalloc byte[MaxRanges * RangeSize];
        if (!program.ReceiveAll(data, header))
            return UnitStatus.Failed;
        int count = BinaryPrimitives.ReadUInt16BigEndian(header[20..]);
        bool byExtent = (header[2] & ByExtent) != 0;
        bool valid = header[0] == ReleaseSpace && header[1] == 0 && (header[2] & ~(ByExtent | GuaranteeInitialization)) == 0
            && header[4] == program.Options.LogicalSubsystem && header[5] == program.Options.UnitAddress
            && (byExtent ? count is > 0 and <= MaxRanges : count == 0);
        if (!valid)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        ranges = ranges[..(count * RangeSize)];
        if (!program.ReceiveAll(data, ranges))
            return UnitStatus.Failed;
        if (program.IsReadOnly)
            return program.Check(EckdSense.WriteInhibited);
        if (!byExtent)
        {
            program.Volume.Release(program.Head, 0, program.Volume.Geometry.Tracks);
            return UnitStatus.Ended;
        }
        return ReleaseRanges(program, ranges);
    }

    /// <summary>A track that several ranges name is released once: a command takes no longer than the volume is large.</summary>
    private static DeviceStatus ReleaseRanges(EckdProgram program, ReadOnlySpan<byte> ranges)
    {
        Span<(int First, int Last)> sorted = stackalloc (int, int)[ranges.Length / RangeSize];
        for (int i = 0; i < sorted.Length; i++)
        {
            if (!ExtentCommands.TryRange(program, ranges[(i * RangeSize)..], out int first, out int last))
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
            program.Volume.Release(program.Head, begin, last - begin + 1);
            next = last + 1;
        }
        return UnitStatus.Ended;
    }
}
