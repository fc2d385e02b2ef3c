using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Commands that make or erase records. Each erases what followed the record; bytes that the program does not give are zero, those of the count field
/// too (SA22-1025, pages 121 to 128).
/// </summary>
internal static class FormatCommands
{
    /// <summary>Bytes taken at a time of data that is only counted (arbitrary).</summary>
    private const int ChunkSize = 512;

    /// <summary>Data length of record 0: the only one that WRITE RECORD ZERO makes (page 123).</summary>
    private const int RecordZeroLength = 8;

    /// <summary>A record after the current one.</summary>
    public static DeviceStatus WriteCountKeyAndData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        CkdTrack track = program.CurrentTrack();
        if (program.Chain.At.Field <= Field.Home)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        return program.Holds(track) ? WriteRecord(program, track, program.Chain.At.Record, data) : program.Check(EckdSense.NoRecordFound);
    }

    /// <summary>The first record after record 0 of the next track; chained from a WRITE COUNT KEY AND DATA of either form.</summary>
    public static DeviceStatus WriteNextTrack(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (program.Chain.Previous != Link.RecordWritten)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        return program.AdvanceTrack(row) ? WriteRecord(program, program.CurrentTrack(), 0, data) : UnitStatus.Failed;
    }

    /// <summary>Record 0 of this track in its only form: R and key length 0, 8 bytes of data. In a domain only from home address or index.</summary>
    public static DeviceStatus WriteRecordZero(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (program.Chain.At.Field > Field.Home)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        Span<byte> count = stackalloc byte[CkdTrack.CountSize];
        if (!program.ReceiveAll(data, count))
            return UnitStatus.Failed;
        CkdTrack track = program.CurrentTrack();
        bool isStandard = count[..4].SequenceEqual(track.HomeAddress[1..]) && count[4] == 0 && count[5] == 0 && DataLength(count) == RecordZeroLength;
        if (!isStandard)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        return Append(program, track, -1, count, data, Link.RecordZeroWritten);
    }

    /// <summary>
    /// Five bytes, the home address as it is: flag 00 and the address of the track. It is compared, not written; the rest of the track is erased, so
    /// that what WRITE RECORD ZERO does not write after it is the standard record 0 (page 122; an image has no track without record 0).
    /// </summary>
    public static DeviceStatus WriteHomeAddress(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> address = stackalloc byte[CkdTrack.HomeAddressSize];
        if (!program.ReceiveAll(data, address))
            return UnitStatus.Failed;
        CkdTrack track = program.CurrentTrack();
        if (!track.HomeAddress.SequenceEqual(address))
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        program.MarkChanged();
        track.Initialize(track.Number);
        program.Chain.At.MoveTo(program.Chain.At.Track);
        program.Chain.At.Field = Field.Home;
        if (!program.Chain.Domain.IsOpen)
            program.Chain.Link = Link.HomeAddressWritten;
        return UnitStatus.Ended;
    }

    /// <summary>Takes a record's count, key and data, and erases the track after the current record.</summary>
    public static DeviceStatus Erase(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        CkdTrack track = program.CurrentTrack();
        if (program.Chain.At.Field <= Field.Home)
            return program.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        if (!program.Holds(track))
            return program.Check(EckdSense.NoRecordFound);
        Span<byte> chunk = stackalloc byte[ChunkSize];
        if (!TryReceiveCount(data, chunk[..CkdTrack.CountSize]))
            return UnitStatus.Ended;
        if (!TrackCapacity.Fits(track, program.Chain.At.Record, chunk))
            return program.Check(EckdSense.InvalidTrackFormat);
        int left = chunk[5] + DataLength(chunk);
        program.MarkChanged();
        track.EraseAfter(program.Chain.At.Record);
        program.Orient(track, program.Chain.At.Record, Field.Data);
        while (left > 0)
        {
            int wanted = Math.Min(left, ChunkSize);
            if (data.Receive(chunk[..wanted]) < wanted)
                break;
            left -= wanted;
        }
        return UnitStatus.Ended;
    }

    private static DeviceStatus WriteRecord(EckdProgram program, CkdTrack track, int after, IDataTransfer data)
    {
        Span<byte> count = stackalloc byte[CkdTrack.CountSize];
        if (!TryReceiveCount(data, count))
            return UnitStatus.Ended;
        bool isEndMark = count.IndexOfAnyExcept((byte)0xFF) < 0;
        return isEndMark ? program.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter))
            : Append(program, track, after, count, data, Link.RecordWritten);
    }

    private static DeviceStatus Append(EckdProgram program, CkdTrack track, int after, ReadOnlySpan<byte> count, IDataTransfer data, Link link)
    {
        if (!TrackCapacity.Fits(track, after, count))
            return program.Check(EckdSense.InvalidTrackFormat);
        program.MarkChanged();
        if (!track.Append(after, count, out int record))
            return program.Check(EckdSense.InvalidTrackFormat);
        program.Orient(track, record, Field.Data);
        program.Chain.Link = link;
        program.ReceiveInPlace(data, track.KeyAndData(record));
        return UnitStatus.Ended;
    }

    /// <summary>
    /// A count field, the bytes that are not given zero; false when the channel met an error in it, which ends the chain: nothing is changed then.
    /// </summary>
    private static bool TryReceiveCount(IDataTransfer data, Span<byte> count)
    {
        count.Clear();
        return data.Receive(count) == count.Length || data.IsGood;
    }

    private static int DataLength(ReadOnlySpan<byte> count) => BinaryPrimitives.ReadUInt16BigEndian(count[6..]);
}
