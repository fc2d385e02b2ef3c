using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Commands that move a track or the data of one. In a domain of LOCATE RECORD EXTENDED each works on one track: the first on the located one, each
/// further one on the next (of the bit map, where there is one). Bytes go between the cached track and the program without a copy in between,
/// but for WRITE FULL TRACK, whose bytes are judged before the track is changed.
/// </summary>
internal static class TrackCommands
{
    /// <summary>
    /// The data of all records from the located one on, on further tracks from the first after record 0 on; on the domain's last track no more
    /// than the transfer length. A track without such records: no record found.
    /// </summary>
    public static DeviceStatus ReadTrackData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!TryBegin(program, out CkdTrack track, out int record))
            return UnitStatus.Failed;
        LocateRecordDomain domain = program.Chain.Domain;
        int left = domain.CountLeft == 1 && domain.TransferLength != 0 ? domain.TransferLength : int.MaxValue;
        while (true)
        {
            ReadOnlySpan<byte> bytes = track.Data(record);
            bytes = bytes[..Math.Min(bytes.Length, left)];
            left -= bytes.Length;
            bool taken = data.Send(bytes) == bytes.Length;
            if (!taken || left == 0 || record + 1 == track.RecordCount)
                break;
            record++;
        }
        program.Orient(track, record, Field.Data);
        return UnitStatus.Ended;
    }

    /// <summary>
    /// Updates the data of the located record and those after it, on further tracks from the first after record 0 on, for as long as the program
    /// has bytes; what is missing in the last record becomes zero. All these records must have the length that was named, else nothing is changed.
    /// </summary>
    public static DeviceStatus WriteTrackData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!TryBegin(program, out CkdTrack track, out int record))
            return UnitStatus.Failed;
        for (int i = record; i < track.RecordCount; i++)
        {
            if (!program.Chain.Domain.AllowsLength(track.DataLength(i)))
                return program.Check(EckdSense.InvalidTrackFormat);
        }
        program.MarkChanged();
        for (; record < track.RecordCount; record++)
        {
            Span<byte> area = track.Data(record);
            int received = data.ReceiveAvailable(area);
            if (received == area.Length)
                continue;
            if (received > 0)
                area[received..].Clear();
            break;
        }
        program.Orient(track, Math.Min(record, track.RecordCount - 1), Field.Data);
        return UnitStatus.Ended;
    }

    /// <summary>
    /// All records of a track, count, key and data each, and eight FF: of the first track, where LOCATE RECORD has found a record, those after it,
    /// else from record 0 on (SA22-1025, page 110).
    /// </summary>
    public static DeviceStatus ReadTrack(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.ToDomainTrack())
            return UnitStatus.Failed;
        CkdTrack track = program.CurrentTrack();
        int first = program.Chain.Domain.Advance == 0 ? program.Chain.At.Record + 1 : 0;
        if (first > 0 && !program.Holds(track))
            return program.Check(EckdSense.NoRecordFound);
        program.Orient(track, track.RecordCount - 1, Field.Data);
        data.Send(track.RecordsAndEndMark(first));
        return UnitStatus.Ended;
    }

    /// <summary>
    /// Takes what READ TRACK gives and makes it the track, in one step: the old track stays when an end mark is missing, record 0 is not the first,
    /// or the records do not fit a track.
    /// </summary>
    public static DeviceStatus WriteFullTrack(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.ToDomainTrack() || !TryReceiveRecords(program, data, out ReadOnlySpan<byte> records))
            return UnitStatus.Failed;
        CkdTrack track = program.CurrentTrack();
        program.MarkChanged();
        if (!track.Replace(records))
            return program.Check(EckdSense.InvalidTrackFormat);
        program.Orient(track, track.RecordCount - 1, Field.Data);
        return UnitStatus.Ended;
    }

    /// <summary>
    /// Count, key and data of the next record and of all after it on the track, nothing where there is none; not in a domain. What follows begins at
    /// index (SA22-1025, page 109).
    /// </summary>
    public static DeviceStatus ReadMultipleCountKeyAndData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        CkdTrack track = program.CurrentTrack();
        int next = Math.Max(program.Chain.At.Record + 1, 1);
        program.Chain.At.MoveTo(program.Chain.At.Track);
        if (next < track.RecordCount)
            data.Send(track.RecordsFrom(next));
        return UnitStatus.Ended;
    }

    /// <summary>The track and the first record whose data is moved; false with sense.</summary>
    private static bool TryBegin(EckdProgram program, out CkdTrack track, out int record)
    {
        (track, record) = (null!, 1);
        if (!program.ToDomainTrack())
            return false;
        track = program.CurrentTrack();
        bool located = program.Chain.Domain.Advance == 0 && program.Chain.At.Record > 0;
        if (located)
            record = program.Chain.At.Record;
        return (located ? program.Holds(track) : track.RecordCount > 1) || program.Refuse(EckdSense.NoRecordFound);
    }

    private static bool TryReceiveRecords(EckdProgram program, IDataTransfer data, out ReadOnlySpan<byte> records)
    {
        Span<byte> buffer = program.Volume.Scratch;
        records = [];
        int cells = 0;
        int end = 0;
        while (true)
        {
            Span<byte> count = buffer.Slice(end, CkdTrack.CountSize);
            if (!program.ReceiveAll(data, count))
                return false;
            bool isEnd = count.IndexOfAnyExcept((byte)0xFF) < 0;
            bool isRecordZero = count[4] == 0 && count[5] == 0;
            if (end == 0 && (isEnd || !isRecordZero))
                return program.Refuse(EckdSense.InvalidTrackFormat);
            if (isEnd)
                break;
            int dataLength = BinaryPrimitives.ReadUInt16BigEndian(count[6..]);
            int length = count[5] + dataLength;
            cells += TrackCapacity.CellsOf(count[5], dataLength);
            end += CkdTrack.CountSize;
            if (cells > TrackCapacity.Cells || end + length + CkdTrack.CountSize > buffer.Length)
                return program.Refuse(EckdSense.InvalidTrackFormat);
            if (!program.ReceiveAll(data, buffer.Slice(end, length)))
                return false;
            end += length;
        }
        records = buffer[..end];
        return true;
    }
}
