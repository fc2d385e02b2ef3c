using System.Buffers.Binary;
using System.Numerics;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// DEFINE EXTENT, LOCATE RECORD and LOCATE RECORD EXTENDED, and PREFIX, which is the first and the last, or the first and PERFORM SUBSYSTEM FUNCTION, in one. What is
/// wrong is an invalid parameter where nothing else is said (SA22-1025, pages 46 to 77).
/// </summary>
internal static class ExtentCommands
{
    /// <summary>Longest data of record 0 (READ DEVICE CHARACTERISTICS, bytes 44-45).</summary>
    public const ushort LongestRecordZero = 57_326;

    private const int ParameterSize = 16;
    private const int ExtendedSize = 32;
    private const int LocateExtendedSize = 20;

    /// <summary>Byte 7 of DEFINE EXTENT: a time stamp (08) or extended parameters (02) follow the first 16 bytes.</summary>
    private const byte HasMore = 0x08 | 0x02;

    /// <summary>Byte 1 of DEFINE EXTENT, bits 0-1: ECKD mode, the only one.</summary>
    private const byte EckdMode = 0xC0;

    /// <summary>Byte 1 of DEFINE EXTENT, bit 2: CKD conversion mode.</summary>
    private const byte CkdConversion = 0x20;

    /// <summary>Records in the set of Read Any and Write Any: READ DEVICE CHARACTERISTICS, byte 47, and the extended byte of these operations.</summary>
    public const byte AnySetSize = 1;

    /// <summary>Operation byte of LOCATE RECORD EXTENDED: the operation is in byte 17.</summary>
    private const byte ExtendedOperation = 0x3F;

    private const int MostExtended = LocateRecordDomain.SetTracks / 8;

    // Auxiliary byte.
    private const byte LengthValid = 0x80;
    private const byte LengthOfLastTrack = 0x40;
    private const byte ReadCountSuffix = 0x01;

    // PREFIX: a head of 12 bytes, DEFINE EXTENT of 32, LOCATE RECORD EXTENDED of 20; of format 2 18 bytes that are not used, then the order.
    private const int PrefixHeadSize = 12;
    private const int PrefixLocateOffset = PrefixHeadSize + ExtendedSize;
    private const int PrefixSize = PrefixLocateOffset + LocateExtendedSize;
    private const int PrefixOrderOffset = PrefixLocateOffset + 18;
    private const byte PrefixExtentOnly = 0;
    private const byte PrefixWithLocate = 1;
    private const byte PrefixWithOrder = 2;
    private const byte PrefixExtentValid = 0x80;
    private const byte PrefixTimeValid = 0x40;
    private const byte PrefixVerifyBase = 0x20;
    private const byte PrefixHyperPav = 0x10;

    /// <summary>
    /// 16 or 32 bytes: file mask, attributes, block size 2, 3 bytes 00 (page 46: other storage directors have a fast-write id there), extended attributes,
    /// first and last track (cylinder and head each); the further 16 are taken and not looked at.
    /// </summary>
    public static DeviceStatus DefineExtent(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[ExtendedSize];
        if (!program.ReceiveAll(data, parameters[..ParameterSize]))
            return UnitStatus.Failed;
        if ((parameters[7] & HasMore) != 0 && data.Receive(parameters[ParameterSize..]) != ExtendedSize - ParameterSize)
            return program.Check(EckdSense.CommandReject(SenseMessage.CountTooSmall));
        return Define(program, parameters) ? UnitStatus.Ended : UnitStatus.Failed;
    }

    /// <summary>
    /// 16 bytes: operation and orientation, auxiliary byte, 00, count, seek address CCHH, search argument CCHHR, sector, transfer
    /// length. Moves to the track, finds the record and opens the domain.
    /// </summary>
    public static DeviceStatus LocateRecord(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[LocateExtendedSize];
        parameters.Clear();
        if (!program.ReceiveAll(data, parameters[..ParameterSize]))
            return UnitStatus.Failed;
        if ((parameters[0] & ExtendedOperation) == ExtendedOperation || (parameters[1] & LengthOfLastTrack) != 0)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        return Locate(program, parameters, []) ? UnitStatus.Ended : UnitStatus.Failed;
    }

    /// <summary>
    /// 20 bytes and extended parameters: as LOCATE RECORD, then imbedded count, extended operation, and 2 bytes that say how many parameters
    /// there are: the tracks of a set, a bit each, or the number 1 for operations on any record. Auxiliary byte: 80 length valid, 40 it is the last track's (as without), 20 imbedded command, 18 check bytes, 04 imbedded count,
    /// 01 read count suffix; 20, 18 and 04 belong to transport mode and are refused.
    /// </summary>
    public static DeviceStatus LocateRecordExtended(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[LocateExtendedSize + MostExtended];
        parameters.Clear();
        if (!program.ReceiveAll(data, parameters[..LocateExtendedSize]) || !ReceiveExtended(program, parameters, data))
            return UnitStatus.Failed;
        return LocateExtended(program, parameters) ? UnitStatus.Ended : UnitStatus.Failed;
    }

    /// <summary>
    /// 64 bytes in formats 0 and 1, and the extended parameters of format 1; 62 bytes and the order of PERFORM SUBSYSTEM FUNCTION in format 2. Head: format (0
    /// DEFINE EXTENT, 1 with LOCATE RECORD EXTENDED, 2 with an order), validity (80 extent, 40 time stamp, 20 verify base, 10 HyperPAV), base unit address,
    /// auxiliary byte, base subsystem, 7 bytes 00. A base device executes what is meant for it: with 20 or 10 the address must be its own. Without 80 the extent
    /// is not looked at. All of it is taken before any of it is judged: what is refused is not of incorrect length too. Source of format 2: what z/VM sends, as
    /// Hercules' E7Prefix test does.
    /// </summary>
    public static DeviceStatus Prefix(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[PrefixSize + MostExtended];
        Span<byte> ordered = stackalloc byte[OrderTable.LongestOrder];
        parameters.Clear();
        OrderRow? order = null;
        if (!program.ReceiveAll(data, parameters[..PrefixHeadSize]))
            return UnitStatus.Failed;
        byte format = parameters[0], validity = parameters[1];
        int size = format == PrefixWithOrder ? PrefixOrderOffset : PrefixSize;
        if (!program.ReceiveAll(data, parameters[PrefixHeadSize..size]))
            return UnitStatus.Failed;
        if (format == PrefixWithLocate && !ReceiveExtended(program, parameters[PrefixLocateOffset..], data))
            return UnitStatus.Failed;
        if (format == PrefixWithOrder && (order = SubsystemCommands.ReceiveOrder(program, data, ordered)) is null)
            return UnitStatus.Failed;
        bool hasExtent = (validity & PrefixExtentValid) != 0;
        bool isOurs = parameters[2] == program.Options.UnitAddress && parameters[4] == program.Options.LogicalSubsystem;
        bool valid = format <= PrefixWithOrder
            && (validity & ~(PrefixExtentValid | PrefixTimeValid | PrefixVerifyBase | PrefixHyperPav)) == 0
            && (hasExtent || format != PrefixWithLocate)
            && (isOurs || (validity & (PrefixVerifyBase | PrefixHyperPav)) == 0)
            && parameters[5..PrefixHeadSize].IndexOfAnyExcept((byte)0) < 0;
        if (!valid)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        if (hasExtent && !Define(program, parameters[PrefixHeadSize..]))
            return UnitStatus.Failed;
        if (format == PrefixWithLocate && !LocateExtended(program, parameters[PrefixLocateOffset..]))
            return UnitStatus.Failed;
        if (order is not null)
            SubsystemCommands.Execute(program, order, ordered);
        return UnitStatus.Ended;
    }

    private static bool Define(EckdProgram program, ReadOnlySpan<byte> parameters)
    {
        var mask = new FileMask(parameters[0]);
        ushort blockSize = BinaryPrimitives.ReadUInt16BigEndian(parameters[2..]);
        bool valid = mask.IsValid
            && (parameters[1] & EckdMode) == EckdMode
            && parameters[4..7].IndexOfAnyExcept((byte)0) < 0
            && blockSize <= LongestRecordZero + CkdTrack.CountSize;
        valid &= TryRange(program, parameters[8..], out int first, out int last);
        if (!valid)
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        ref ChainState chain = ref program.Chain;
        (chain.Mask, chain.BlockSize, chain.FirstTrack, chain.LastTrack) = (mask, blockSize, first, last);
        chain.Converts = (parameters[1] & CkdConversion) != 0;
        chain.Cache = (CacheUse)((parameters[1] >> 2) & 7);
        chain.ExtentDefined = true;
        chain.ForgetOrientation(); // page 46
        return true;
    }

    /// <summary>Receives the extended parameters behind the fixed ones: as many as these say, where the operation has so many.</summary>
    private static bool ReceiveExtended(EckdProgram program, Span<byte> parameters, IDataTransfer data)
    {
        int size = Math.Min((int)BinaryPrimitives.ReadUInt16BigEndian(parameters[18..]), RowOf(program, parameters)?.MostExtendedBytes ?? 0);
        return program.ReceiveAll(data, parameters.Slice(LocateExtendedSize, size));
    }

    private static bool LocateExtended(EckdProgram program, ReadOnlySpan<byte> parameters)
    {
        LocateRow? row = RowOf(program, parameters);
        int size = BinaryPrimitives.ReadUInt16BigEndian(parameters[18..]);
        int most = row?.MostExtendedBytes ?? 0;
        if (row is null || row.Operation == LocateOperation.Orient || size > most || (size == 0 && most != 0))
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        return Locate(program, parameters, parameters[LocateExtendedSize..]);
    }

    private static bool Locate(EckdProgram program, ReadOnlySpan<byte> parameters, ReadOnlySpan<byte> extended)
    {
        if (!TryDomain(program, parameters, extended, out LocateRecordDomain domain) || !TryTrack(program, parameters[4..], out int track))
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        LocateRow row = domain.Row!;
        if (program.IsReadOnly && row.Write != WriteClass.None)
            return program.Refuse(EckdSense.WriteInhibited);
        if (!program.Chain.Mask.Allows(row.Write))
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        int lastOfSet = track + Math.Max(0, LocateRecordDomain.SetTracks - 1 - BitOperations.TrailingZeroCount(domain.TrackSet | 0x1_0000));
        if (!program.Chain.Contains(track) || (domain.TrackSet != 0 && !program.Chain.Contains(lastOfSet)))
            return program.Refuse(EckdSense.FileProtected);
        program.Chain.MoveTo(track);
        program.Chain.Positioned = true;
        if (!row.Has(LocateTraits.TrackSet) && !Find(program, domain, parameters.Slice(8, 5)))
            return program.Refuse(EckdSense.NoRecordFound);
        program.Chain.Domain = domain;
        return true;
    }

    private static LocateRow? RowOf(EckdProgram program, ReadOnlySpan<byte> parameters)
    {
        int operation = parameters[0] & ExtendedOperation;
        if (operation == ExtendedOperation)
            operation = (ExtendedOperation << 8) | parameters[17];
        return LocateOperations.Find((LocateOperation)operation, program.Options.Profile);
    }

    private static bool TryDomain(EckdProgram program, ReadOnlySpan<byte> parameters, ReadOnlySpan<byte> extended, out LocateRecordDomain domain)
    {
        domain = default;
        if (RowOf(program, parameters) is not { } row)
            return false;
        var orientation = (LocateOrientation)(parameters[0] & 0xC0);
        byte auxiliary = parameters[1];
        int count = parameters[3];
        int length = BinaryPrimitives.ReadUInt16BigEndian(parameters[14..]);
        bool suffix = (auxiliary & ReadCountSuffix) != 0;
        int blockSize = row.Has(LocateTraits.LengthOfLastTrack) ? 0 : program.Chain.BlockSize;
        ushort set = row.Has(LocateTraits.TrackSet) ? BinaryPrimitives.ReadUInt16BigEndian(extended) : (ushort)0;
        domain = new LocateRecordDomain(row, orientation, count, length != 0 ? length : blockSize, suffix, set);
        return row.Allows(orientation)
            && (auxiliary & ~(LengthValid | LengthOfLastTrack | ReadCountSuffix)) == 0
            && parameters[2] == 0
            && parameters[16] == 0
            && (row.IsExtended || parameters[17] == 0)
            && (row.Operation == LocateOperation.Orient) == (count == 0)
            && (!suffix || (count >= 2 && row.Has(LocateTraits.Suffix)))
            && ((auxiliary & LengthValid) != 0) == (length != 0)
            && length <= (blockSize != 0 ? blockSize : LongestRecordZero + CkdTrack.CountSize)
            && (!row.Has(LocateTraits.NeedsLength) || domain.TransferLength != 0)
            && (!row.Has(LocateTraits.TrackSet) || (set >> 15 == 1 && BitOperations.PopCount(set) == count))
            && (!row.Has(LocateTraits.AnyRecord) || extended[0] == AnySetSize)
            && (row.IsExtended || SeekCommands.IsSector(parameters[13]));
    }

    /// <summary>Orients as the domain wants; false when there is no such record.</summary>
    private static bool Find(EckdProgram program, in LocateRecordDomain domain, ReadOnlySpan<byte> argument)
    {
        CkdTrack track = program.Head.CurrentTrack();
        if (domain.Row!.Has(LocateTraits.AnyRecord))
        {
            program.Head.Orient(track, 0, Field.Data);
            return track.RecordCount > 1;
        }
        if (domain.Orientation == LocateOrientation.Index)
            return true;
        if (domain.Orientation == LocateOrientation.HomeAddress)
        {
            program.Chain.Field = Field.Home;
            return track.HomeAddress[1..].SequenceEqual(argument[..4]);
        }
        for (int i = 0; i < track.RecordCount; i++)
        {
            if (!track.Count(i)[..5].SequenceEqual(argument))
                continue;
            program.Head.Orient(track, i, domain.Orientation == LocateOrientation.Data ? Field.Data : Field.Count);
            return true;
        }
        return false;
    }

    /// <summary>First and last track, CCHH each; false when one is not on the volume or they stand the wrong way round.</summary>
    internal static bool TryRange(EckdProgram program, ReadOnlySpan<byte> range, out int first, out int last)
    {
        last = 0;
        return TryTrack(program, range, out first) && TryTrack(program, range[4..], out last) && first <= last;
    }

    private static bool TryTrack(EckdProgram program, ReadOnlySpan<byte> address, out int track)
    {
        (int cylinder, int head) = TrackAddress.Read(address);
        CkdGeometry geometry = program.Volume.Geometry;
        track = (cylinder * geometry.Heads) + head; // of 28 bits and 4: no overflow of what is valid
        return cylinder < geometry.Cylinders && head < geometry.Heads;
    }
}
