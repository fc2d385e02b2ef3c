using System.Buffers.Binary;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// What the orders of PERFORM SUBSYSTEM FUNCTION prepare, byte for byte (3990 Reference GA32-0274 for the old ones; the layouts of Linux'
/// dasd_eckd.h, for the others). Big-endian throughout; space is counted in cylinders.
/// </summary>
internal static class SubsystemData
{
    public const int StatisticsSize = 192;
    public const int LongestMessage = 16;
    public const int StorageQuerySize = 28;
    public const int ConfigurationQuerySize = ConfigurationHeader + PoolEntry;
    public const int PathStatusSize = 16;
    public const int LongestHostAccess = HostAccessHeader + HostHeader + MaxHosts * HostEntry;

    /// <summary>The one extent pool that all volumes lie in (arbitrary).</summary>
    private const ushort PoolId = 0;

    private const int ConfigurationHeader = 32;
    private const int PoolEntry = 8;
    private const int HostAccessHeader = 16;
    private const int HostHeader = 4;
    private const int HostEntry = 32;
    private const int MaxHosts = 512; // what fits into the 16,394 bytes that drivers give
    private const byte EbcdicBlank = 0x40;
    private const int NoMessageSize = 9;
    private const byte SpaceMessageFormat = 0x06;

    /// <summary>256 bytes of feature bits; the minimal profile has none.</summary>
    public static int FeatureCodes(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        program.Announced.FeatureCodes.Span.CopyTo(destination);
        return IdentityData.FeatureCodesSize;
    }

    public static int UnitAddresses(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        IdentityData.UnitAddressConfiguration(destination, program.Options);
        return IdentityData.UnitAddressConfigurationSize;
    }

    /// <summary>1 unit address, 4 the volume's counters, 94 subsystem id. Byte 8 of the order: also the second half, which counts nothing.</summary>
    public static int Statistics(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        destination[1] = program.Options.UnitAddress;
        program.Volume.Statistics.Write(destination);
        BinaryPrimitives.WriteUInt16BigEndian(destination[94..], program.Options.SubsystemId);
        return order[8] == 0 ? StatisticsSize / 2 : StatisticsSize;
    }

    /// <summary>
    /// The oldest message: 0 length, 2 format (06: space), 3 what, 6 pool. Or "no message": length 9, format 0, the message id of the order.
    /// </summary>
    public static int Message(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        if (program.Messages.TryTake(out SpaceMessage message))
        {
            (destination[1], destination[2], destination[3]) = (LongestMessage, SpaceMessageFormat, (byte)message);
            BinaryPrimitives.WriteUInt16BigEndian(destination[6..], PoolId);
            return LongestMessage;
        }
        destination[1] = NoMessageSize;
        order.Slice(8, 4).CopyTo(destination[4..]);
        return NoMessageSize;
    }

    /// <summary>
    /// 1 version, 2 bytes of CKD information; at 16: 1 entry size, 2 entries; then an entry per path group of any device on the volume: 0 flags
    /// (10 grouped), 1 group id of 11 bytes, 12 sysplex name, 24 highest cylinder that it may use.
    /// </summary>
    public static int HostAccess(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        Span<byte> entries = destination[(HostAccessHeader + HostHeader)..];
        int count = 0;
        foreach (Sharer sharer in program.Volume.Unit.Sharers)
            count += HostEntries(sharer.PathGroups, program.Volume.Geometry.Cylinders, entries[(count * HostEntry)..]);
        destination[1] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)(HostHeader + count * HostEntry));
        destination[HostAccessHeader + 1] = HostEntry;
        BinaryPrimitives.WriteUInt16BigEndian(destination[(HostAccessHeader + 2)..], (ushort)count);
        return HostAccessHeader + HostHeader + count * HostEntry;
    }

    /// <summary>
    /// 0 flags (40 no space is left, 20 space on demand), 2 pool, 8 limit, 12 guaranteed, 16 allocated, 20 configured (0: drivers wait for space),
    /// 24 logical capacity.
    /// </summary>
    public static int VolumeStorage(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        int cylinders = program.Volume.Geometry.Cylinders;
        destination[0] = (byte)((program.IsSpaceEfficient ? 0x20 : 0) | (program.Volume.IsOutOfSpace ? 0x40 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], PoolId);
        BinaryPrimitives.WriteInt32BigEndian(destination[16..], program.IsSpaceEfficient ? program.Volume.AllocatedCylinders() : cylinders);
        BinaryPrimitives.WriteInt32BigEndian(destination[20..], program.Volume.IsOutOfSpace ? 0 : cylinders);
        BinaryPrimitives.WriteInt32BigEndian(destination[24..], cylinders);
        return StorageQuerySize;
    }

    /// <summary>
    /// 0 length, 2 pools, 4 flags (80 what follows is valid), 6 type, 12 model and 15 serial of the storage facility; at 32 the pool: 0 id, 3 warn
    /// limit in percent, 4 flags (20 space on demand, 10 standard volumes, 08 extent size valid, 02 no space is left), 6 extent size (01: 16 MB).
    /// </summary>
    public static int LogicalConfiguration(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, ConfigurationQuerySize);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], 1);
        destination[4] = 0x80;
        IdentityData.Ebcdic(destination[6..], "003990");
        IdentityData.Ebcdic(destination[12..], "0E9");
        IdentityData.Ebcdic(destination[15..], program.Options.ShownSerial[^10..]);
        Span<byte> pool = destination[ConfigurationHeader..];
        BinaryPrimitives.WriteUInt16BigEndian(pool, PoolId);
        pool[4] = (byte)(0x10 | (program.IsSpaceEfficient ? 0x28 : 0) | (program.Volume.IsOutOfSpace ? 0x02 : 0));
        pool[6] = 0x01;
        return ConfigurationQuerySize;
    }

    /// <summary>0 storage path valid and attached, 1 logical paths configured.</summary>
    public static int PathStatus(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination)
    {
        (destination[0], destination[1]) = (0xC0, 0x80);
        return PathStatusSize;
    }

    private static int HostEntries(PathGroups groups, int cylinders, Span<byte> entries)
    {
        int count = 0;
        for (int path = 0; path < PathGroups.Paths && (count + 1) * HostEntry <= entries.Length; path++)
        {
            if (!groups.LeadsGroup(path, out ReadOnlySpan<byte> id))
                continue;
            Span<byte> entry = entries.Slice(count++ * HostEntry, HostEntry);
            entry[0] = 0x10;
            id.CopyTo(entry[1..]);
            entry.Slice(12, 8).Fill(EbcdicBlank);
            BinaryPrimitives.WriteInt32BigEndian(entry[24..], cylinders - 1);
        }
        return count;
    }
}
