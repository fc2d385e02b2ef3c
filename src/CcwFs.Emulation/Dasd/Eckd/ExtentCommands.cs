using System.Buffers.Binary;
using System.Numerics;
using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// DEFINE EXTENT, LOCATE RECORD and LOCATE RECORD EXTENDED, and PREFIX, which is the first and the last, or the first and PERFORM SUBSYSTEM FUNCTION,
/// in one. What is wrong is an invalid parameter where nothing else is said (SA22-1025, pages 46 to 77).
/// </summary>
internal static class ExtentCommands
{
    /// <summary>Byte 1 of DEFINE EXTENT, bit 2: CKD conversion mode.</summary>
    private const byte CkdConversion = 0x20;

    /// <summary>
    /// Records in the set of Read Any and Write Any: READ DEVICE CHARACTERISTICS, byte 47, and the extended byte of these operations.
    /// </summary>
    public const byte AnySetSize = 1;

    private const int MostExtended = LocateRecordDomain.SetTracks / 8;

    /// <summary>
    /// 16 or 32 bytes (<see cref="DefineExtentLayout"/>, page 46); the further 16 are taken and not looked at.
    /// </summary>
    public static DeviceStatus DefineExtent(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[DefineExtentLayout.ExtendedSize];
        if (!program.ReceiveAll(data, parameters[..DefineExtentLayout.Size]))
            return UnitStatus.Failed;
        Span<byte> more = parameters[DefineExtentLayout.Size..DefineExtentLayout.Layout.LengthOf(parameters[..DefineExtentLayout.Size])];
        if (!more.IsEmpty && data.Receive(more) != more.Length)
            return program.Check(EckdSense.CommandReject(SenseMessage.CountTooSmall));
        return Define(program, parameters) ? UnitStatus.Ended : UnitStatus.Failed;
    }

    /// <summary>
    /// 16 bytes (<see cref="LocateRecordLayout"/>). Moves to the track, finds the record and opens the domain.
    /// </summary>
    public static DeviceStatus LocateRecord(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[LocateRecordLayout.ExtendedSize];
        parameters.Clear();
        if (!program.ReceiveAll(data, parameters[..LocateRecordLayout.Size]))
            return UnitStatus.Failed;
        if ((LocateRecordLayout.Operation.Byte(parameters) & LocateRecordLayout.OperationMask) == LocateRecordLayout.ExtendedOperation
            || (LocateRecordLayout.Auxiliary.Byte(parameters) & LocateRecordLayout.LengthOfLastTrack) != 0)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        return Locate(program, parameters, []) ? UnitStatus.Ended : UnitStatus.Failed;
    }

    /// <summary>
    /// 20 bytes and extended parameters: the tracks of a set, a bit each, or the number 1 for operations on any record. Auxiliary byte: 80 length
    /// valid, 40 it is the last track's (as without), 20 imbedded command, 18 check bytes, 04 imbedded count, 01 read count suffix; 20, 18 and 04
    /// belong to transport mode and are refused.
    /// </summary>
    public static DeviceStatus LocateRecordExtended(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[LocateRecordLayout.ExtendedSize + MostExtended];
        parameters.Clear();
        if (!program.ReceiveAll(data, parameters[..LocateRecordLayout.ExtendedSize]) || !ReceiveExtended(program, parameters, data))
            return UnitStatus.Failed;
        return LocateExtended(program, parameters) ? UnitStatus.Ended : UnitStatus.Failed;
    }

    /// <summary>
    /// 64 bytes in formats 0 and 1, and the extended parameters of format 1; 62 bytes and the order of PERFORM SUBSYSTEM FUNCTION in format 2
    /// (<see cref="PrefixLayout"/>). A base device executes what is meant for it: with validity 20 or 10 the address must be its own. Without 80 the
    /// extent is not looked at. All of it is taken before any of it is judged: what is refused is not of incorrect length too.
    /// </summary>
    public static DeviceStatus Prefix(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> parameters = stackalloc byte[PrefixLayout.Size + MostExtended];
        Span<byte> ordered = stackalloc byte[OrderTable.LongestOrder];
        parameters.Clear();
        OrderRow? order = null;
        if (!program.ReceiveAll(data, parameters[..PrefixLayout.HeadSize]))
            return UnitStatus.Failed;
        byte format = PrefixLayout.Format.Byte(parameters), validity = PrefixLayout.Validity.Byte(parameters);
        int size = format == PrefixLayout.WithOrder ? PrefixLayout.Order : PrefixLayout.Size;
        if (!program.ReceiveAll(data, parameters[PrefixLayout.HeadSize..size]))
            return UnitStatus.Failed;
        if (format == PrefixLayout.WithLocate && !ReceiveExtended(program, parameters[PrefixLayout.Locate.Offset..], data))
            return UnitStatus.Failed;
        if (format == PrefixLayout.WithOrder && (order = SubsystemCommands.ReceiveOrder(program, data, ordered)) is null)
            return UnitStatus.Failed;
        bool hasExtent = (validity & PrefixLayout.ExtentValid) != 0;
        bool isOurs = PrefixLayout.BaseUnit.Byte(parameters) == program.Options.UnitAddress
            && PrefixLayout.BaseSubsystem.Byte(parameters) == program.Options.LogicalSubsystem;
        bool valid = format <= PrefixLayout.WithOrder
            && (validity & ~(PrefixLayout.ExtentValid | PrefixLayout.TimeValid | PrefixLayout.VerifyBase | PrefixLayout.HyperPav)) == 0
            && (hasExtent || format != PrefixLayout.WithLocate)
            && (isOurs || (validity & (PrefixLayout.VerifyBase | PrefixLayout.HyperPav)) == 0)
            && PrefixLayout.Reserved.In(parameters).IndexOfAnyExcept((byte)0) < 0;
        if (!valid)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        if (hasExtent && !Define(program, PrefixLayout.Extent.In(parameters)))
            return UnitStatus.Failed;
        if (format == PrefixLayout.WithLocate && !LocateExtended(program, parameters[PrefixLayout.Locate.Offset..]))
            return UnitStatus.Failed;
        if (order is not null)
            SubsystemCommands.Execute(program, order, ordered);
        return UnitStatus.Ended;
    }

    private static bool Define(EckdProgram program, ReadOnlySpan<byte> parameters)
    {
        var mask = new FileMask(DefineExtentLayout.Mask.Byte(parameters));
        byte attributes = DefineExtentLayout.Attributes.Byte(parameters);
        ushort blockSize = DefineExtentLayout.BlockSize.Half(parameters);
        bool valid = mask.IsValid
            && (attributes & DefineExtentLayout.EckdMode) == DefineExtentLayout.EckdMode
            && DefineExtentLayout.FastWrite.In(parameters).IndexOfAnyExcept((byte)0) < 0
            && blockSize <= TrackCapacity.LongestRecordZero + CkdTrack.CountSize;
        valid &= TryRange(program, parameters[DefineExtentLayout.Begin.Offset..], out int first, out int last);
        if (!valid)
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        ref ChainState chain = ref program.Chain;
        chain.Extent = new Extent
        {
            By = Limits.Extent,
            Mask = mask,
            FirstTrack = first,
            LastTrack = last,
            BlockSize = blockSize,
            Converts = (attributes & CkdConversion) != 0,
            Cache = (CacheUse)((attributes >> 2) & 7),
        };
        chain.At.ForgetOrientation(); // page 46
        return true;
    }

    /// <summary>Receives the extended parameters after the fixed ones: as many as these say, where the operation has so many.</summary>
    private static bool ReceiveExtended(EckdProgram program, Span<byte> parameters, IDataTransfer data)
    {
        int size = Math.Min((int)LocateRecordLayout.More.Half(parameters), RowOf(program, parameters)?.MostExtendedBytes ?? 0);
        return program.ReceiveAll(data, parameters.Slice(LocateRecordLayout.ExtendedSize, size));
    }

    private static bool LocateExtended(EckdProgram program, ReadOnlySpan<byte> parameters)
    {
        LocateRow? row = RowOf(program, parameters);
        int size = LocateRecordLayout.More.Half(parameters);
        int most = row?.MostExtendedBytes ?? 0;
        if (row is null || row.Operation == LocateOperation.Orient || size > most || (size == 0 && most != 0))
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        return Locate(program, parameters, parameters[LocateRecordLayout.ExtendedSize..]);
    }

    private static bool Locate(EckdProgram program, ReadOnlySpan<byte> parameters, ReadOnlySpan<byte> extended)
    {
        if (!TryDomain(program, parameters, extended, out LocateRecordDomain domain)
            || !TryTrack(program, LocateRecordLayout.Seek.In(parameters), out int track))
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        LocateRow row = domain.Row!;
        if (program.IsReadOnly && row.Write != WriteClass.None)
            return program.Refuse(EckdSense.WriteInhibited);
        if (!program.Chain.Extent.Mask.Allows(row.Write))
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        int lastOfSet = track + Math.Max(0, LocateRecordDomain.SetTracks - 1 - BitOperations.TrailingZeroCount(domain.TrackSet | 0x1_0000));
        if (!program.Chain.Extent.Contains(track) || (domain.TrackSet != 0 && !program.Chain.Extent.Contains(lastOfSet)))
            return program.Refuse(EckdSense.FileProtected);
        program.Chain.At.MoveTo(track);
        if (!row.Has(LocateTraits.TrackSet) && !Find(program, domain, LocateRecordLayout.Search.In(parameters)))
            return program.Refuse(EckdSense.NoRecordFound);
        program.Chain.Domain = domain;
        return true;
    }

    private static LocateRow? RowOf(EckdProgram program, ReadOnlySpan<byte> parameters)
    {
        int operation = LocateRecordLayout.Operation.Byte(parameters) & LocateRecordLayout.OperationMask;
        if (operation == LocateRecordLayout.ExtendedOperation)
            operation = (operation << 8) | LocateRecordLayout.SecondOperation.Byte(parameters);
        return LocateOperations.Find((LocateOperation)operation, program.Options.Profile);
    }

    private static bool TryDomain(EckdProgram program, ReadOnlySpan<byte> parameters, ReadOnlySpan<byte> extended, out LocateRecordDomain domain)
    {
        domain = default;
        if (RowOf(program, parameters) is not { } row)
            return false;
        var orientation = (LocateOrientation)(LocateRecordLayout.Operation.Byte(parameters) & ~LocateRecordLayout.OperationMask);
        byte auxiliary = LocateRecordLayout.Auxiliary.Byte(parameters);
        int count = LocateRecordLayout.Count.Byte(parameters);
        int length = LocateRecordLayout.Length.Half(parameters);
        bool suffix = (auxiliary & LocateRecordLayout.ReadCountSuffix) != 0;
        int blockSize = row.Has(LocateTraits.LengthOfLastTrack) ? 0 : program.Chain.Extent.BlockSize;
        ushort set = row.Has(LocateTraits.TrackSet) ? BinaryPrimitives.ReadUInt16BigEndian(extended) : (ushort)0;
        domain = new LocateRecordDomain(row, orientation, count, length != 0 ? length : blockSize, suffix, set);
        return row.Allows(orientation)
            && (auxiliary & ~(LocateRecordLayout.LengthValid | LocateRecordLayout.LengthOfLastTrack | LocateRecordLayout.ReadCountSuffix)) == 0
            && LocateRecordLayout.Imbedded.Byte(parameters) == 0
            && LocateRecordLayout.ImbeddedCount.Byte(parameters) == 0
            && (row.IsExtended || LocateRecordLayout.SecondOperation.Byte(parameters) == 0)
            && (row.Operation == LocateOperation.Orient) == (count == 0)
            && (!suffix || (count >= 2 && row.Has(LocateTraits.Suffix)))
            && ((auxiliary & LocateRecordLayout.LengthValid) != 0) == (length != 0)
            && length <= (blockSize != 0 ? blockSize : TrackCapacity.LongestRecordZero + CkdTrack.CountSize)
            && (!row.Has(LocateTraits.NeedsLength) || domain.TransferLength != 0)
            && (!row.Has(LocateTraits.TrackSet) || (set >> 15 == 1 && BitOperations.PopCount(set) == count))
            && (!row.Has(LocateTraits.AnyRecord) || extended[0] == AnySetSize)
            && (row.IsExtended || SeekCommands.IsSector(LocateRecordLayout.Sector.Byte(parameters)));
    }

    /// <summary>Orients as the domain wants; false when there is no such record.</summary>
    private static bool Find(EckdProgram program, in LocateRecordDomain domain, ReadOnlySpan<byte> argument)
    {
        CkdTrack track = program.CurrentTrack();
        if (domain.Row!.Has(LocateTraits.AnyRecord))
        {
            program.Orient(track, 0, Field.Data);
            return track.RecordCount > 1;
        }
        if (domain.Orientation == LocateOrientation.Index)
            return true;
        if (domain.Orientation == LocateOrientation.HomeAddress)
        {
            program.Chain.At.Field = Field.Home;
            return track.HomeAddress[1..].SequenceEqual(argument[..4]);
        }
        for (int i = 0; i < track.RecordCount; i++)
        {
            if (!track.Count(i)[..5].SequenceEqual(argument))
                continue;
            program.Orient(track, i, domain.Orientation == LocateOrientation.Data ? Field.Data : Field.Count);
            return true;
        }
        return false;
    }

    /// <summary>First and last track, CCHH each; false when one is not on the volume or they stand the wrong way round.</summary>
    internal static bool TryRange(EckdProgram program, ReadOnlySpan<byte> range, out int first, out int last)
    {
        last = 0;
        return TryTrack(program, range, out first) && TryTrack(program, range[TrackAddress.Size..], out last) && first <= last;
    }

    private static bool TryTrack(EckdProgram program, ReadOnlySpan<byte> address, out int track)
    {
        (int cylinder, int head) = TrackAddress.Read(address);
        CkdGeometry geometry = program.Volume.Geometry;
        track = (cylinder * geometry.Heads) + head; // of 28 bits and 4: no overflow of what is valid
        return cylinder < geometry.Cylinders && head < geometry.Heads;
    }
}
