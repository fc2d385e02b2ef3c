using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Updates of records that exist: never more bytes than the record has, and zeros where the program has fewer. In a domain the record must have
/// the length that LOCATE RECORD named, but for CKD conversion mode. A record without data is not written: unit exception. The only command of a
/// write-track domain erases what follows its record (SC26-7298, page 39).
/// </summary>
internal static class WriteCommands
{
    /// <summary>Data bytes of a standard record 0: the transfer length for it in a write-track domain.</summary>
    private const int RecordZeroLength = 8;

    /// <summary>The record found by the search before, or in a domain the located one.</summary>
    public static DeviceStatus WriteData(EckdProgram program, CommandRow row, IDataTransfer data) =>
        Oriented(program, out CkdTrack track, Field.Key) ? Update(program, track, data, false) : UnitStatus.Failed;

    /// <summary>As WRITE DATA, with the key.</summary>
    public static DeviceStatus WriteKeyAndData(EckdProgram program, CommandRow row, IDataTransfer data) =>
        Oriented(program, out CkdTrack track, Field.Count) ? Update(program, track, data, true) : UnitStatus.Failed;

    /// <summary>The located record, record 0 too (SA22-1025, page 59), then one after the other, also on the next track.</summary>
    public static DeviceStatus WriteUpdateData(EckdProgram program, CommandRow row, IDataTransfer data) =>
        program.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track)
            ? Update(program, track, data, false) : UnitStatus.Failed;

    /// <summary>As WRITE UPDATE DATA, with the key.</summary>
    public static DeviceStatus WriteUpdateKeyAndData(EckdProgram program, CommandRow row, IDataTransfer data) =>
        program.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track)
            ? Update(program, track, data, true) : UnitStatus.Failed;

    private static bool Oriented(EckdProgram program, out CkdTrack track, Field latest)
    {
        track = program.CurrentTrack();
        if (program.Chain.At.Field < Field.Count || program.Chain.At.Field > latest)
            return program.Refuse(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        return program.Holds(track) || program.Refuse(EckdSense.NoRecordFound);
    }

    private static DeviceStatus Update(EckdProgram program, CkdTrack track, IDataTransfer data, bool withKey)
    {
        int record = program.Chain.At.Record;
        Span<byte> area = withKey ? track.KeyAndData(record) : track.Data(record);
        LocateRecordDomain domain = program.Chain.Domain;
        bool rightLength = domain is { IsTrackWrite: true } && record == 0 ? area.Length == RecordZeroLength : domain.AllowsLength(area.Length);
        if (domain.IsOpen && !rightLength && !program.Chain.Extent.Converts)
            return program.Check(EckdSense.InvalidTrackFormat);
        program.Orient(track, record, Field.Data);
        program.LinkFoundRecord(Link.IdFound | Link.KeyFound);
        if (track.DataLength(record) == 0)
            return UnitStatus.Ended | DeviceStatus.UnitException;
        program.ReceiveInPlace(data, area);
        if (domain is { IsTrackWrite: true, CountLeft: 1 })
            track.EraseAfter(record);
        return UnitStatus.Ended;
    }
}
