using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Reads. A record without data is an end of file: unit exception. Bytes go from the cached track straight to the program.</summary>
internal static class ReadCommands
{
    private const DeviceStatus EndOfFile = UnitStatus.Ended | DeviceStatus.UnitException;

    /// <summary>Seeks to cylinder 0 head 0 and reads the data of the first record after record 0.</summary>
    public static DeviceStatus ReadIpl(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        program.Chain.At.MoveTo(0);
        program.Chain.Extent.By = Limits.Extent;
        return program.NextRecord(row, true, out CkdTrack track) ? SendData(program, track, data) : UnitStatus.Failed;
    }

    /// <summary>The data of the record whose count or key has just passed, else of the next record.</summary>
    public static DeviceStatus ReadData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.ThisOrNextRecord(row, keyMustBeAhead: false, out CkdTrack track))
            return UnitStatus.Failed;
        program.LinkFoundRecord(Link.IdFound | Link.KeyFound);
        return SendData(program, track, data);
    }

    /// <summary>Key and data of the record whose count has just passed, else of the next record.</summary>
    public static DeviceStatus ReadKeyAndData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track))
            return UnitStatus.Failed;
        program.LinkFoundRecord(Link.IdFound);
        int record = Pass(program, track);
        data.Send(track.KeyAndData(record));
        return track.DataLength(record) == 0 ? EndOfFile : UnitStatus.Ended;
    }

    /// <summary>Eight bytes: the next record's count.</summary>
    public static DeviceStatus ReadCount(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.NextRecord(row, true, out CkdTrack track))
            return UnitStatus.Failed;
        data.Send(track.Count(program.Chain.At.Record));
        return UnitStatus.Ended;
    }

    /// <summary>Count, key and data of the next record.</summary>
    public static DeviceStatus ReadCountKeyAndData(EckdProgram program, CommandRow row, IDataTransfer data) =>
        program.NextRecord(row, true, out CkdTrack track) ? SendRecord(program, track, data) : UnitStatus.Failed;

    /// <summary>Five bytes; the multitrack form, outside a domain, reads the next track's.</summary>
    public static DeviceStatus ReadHomeAddress(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (row.IsMultitrack && !program.Chain.Domain.IsOpen && !program.AdvanceTrack(row))
            return UnitStatus.Failed;
        program.Chain.At.MoveTo(program.Chain.At.Track);
        program.Chain.At.Field = Field.Home;
        data.Send(program.CurrentTrack().HomeAddress);
        return UnitStatus.Ended;
    }

    /// <summary>
    /// Count and data of record 0: of this track after its home address; from elsewhere the multitrack form goes to the next track first, in a domain
    /// too (SA22-1025, page 101).
    /// </summary>
    public static DeviceStatus ReadRecordZero(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (row.IsMultitrack && program.Chain.At.Field != Field.Home && !program.AdvanceTrack(row))
            return UnitStatus.Failed;
        program.Chain.At.MoveTo(program.Chain.At.Track);
        return program.NextRecord(row, false, out CkdTrack track) ? SendRecord(program, track, data) : UnitStatus.Failed;
    }

    private static DeviceStatus SendData(EckdProgram program, CkdTrack track, IDataTransfer data)
    {
        int record = Pass(program, track);
        ReadOnlySpan<byte> bytes = track.Data(record);
        if (bytes.IsEmpty)
            return EndOfFile;
        data.Send(bytes);
        return UnitStatus.Ended;
    }

    private static DeviceStatus SendRecord(EckdProgram program, CkdTrack track, IDataTransfer data)
    {
        int record = Pass(program, track);
        data.Send(track.Count(record));
        data.Send(track.KeyAndData(record));
        return track.DataLength(record) == 0 ? EndOfFile : UnitStatus.Ended;
    }

    private static int Pass(EckdProgram program, CkdTrack track)
    {
        program.Orient(track, program.Chain.At.Record, Field.Data);
        return program.Chain.At.Record;
    }
}
