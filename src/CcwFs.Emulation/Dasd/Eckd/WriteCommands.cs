using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Updates of records that exist: never more bytes than the record has, and zeros where the program has fewer. In a domain the record must have
/// the length that LOCATE RECORD named, but for CKD conversion mode. A record without data is not written: unit exception. The only command of a write-track
/// domain erases what is behind its record (SC26-7298, page 39).
/// </summary>
internal static class WriteCommands
{
    /// <summary>Data bytes of a standard record 0: the transfer length for it in a write-track domain.</summary>
    private const int RecordZeroLength = 8;

    /// <summary>The record found by the search before, or in a domain the located one.</summary>
    public static DeviceStatus WriteData(EckdDevice device, CommandRow row, IDataTransfer data) =>
        Oriented(device, out CkdTrack track, Field.Key) ? Update(device, track, data, false) : EckdDevice.Failed;

    /// <summary>As WRITE DATA, with the key.</summary>
    public static DeviceStatus WriteKeyAndData(EckdDevice device, CommandRow row, IDataTransfer data) =>
        Oriented(device, out CkdTrack track, Field.Count) ? Update(device, track, data, true) : EckdDevice.Failed;

    /// <summary>The located record, record 0 too (SA22-1025, page 59), then one after the other, also on the next track.</summary>
    public static DeviceStatus WriteUpdateData(EckdDevice device, CommandRow row, IDataTransfer data) =>
        device.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track)
            ? Update(device, track, data, false) : EckdDevice.Failed;

    /// <summary>As WRITE UPDATE DATA, with the key.</summary>
    public static DeviceStatus WriteUpdateKeyAndData(EckdDevice device, CommandRow row, IDataTransfer data) =>
        device.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track)
            ? Update(device, track, data, true) : EckdDevice.Failed;

    private static bool Oriented(EckdDevice device, out CkdTrack track, Field latest)
    {
        track = device.CurrentTrack();
        if (device.Chain.Field < Field.Count || device.Chain.Field > latest)
            return device.Refuse(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        return device.Holds(track) || device.Refuse(EckdSense.NoRecordFound);
    }

    private static DeviceStatus Update(EckdDevice device, CkdTrack track, IDataTransfer data, bool withKey)
    {
        int record = device.Chain.Record;
        Span<byte> area = withKey ? track.KeyAndData(record) : track.Data(record);
        LocateRecordDomain domain = device.Chain.Domain;
        bool rightLength = domain is { IsTrackWrite: true } && record == 0 ? area.Length == RecordZeroLength : domain.AllowsLength(area.Length);
        if (domain.IsOpen && !rightLength && !device.Chain.Converts)
            return device.Check(EckdSense.InvalidTrackFormat);
        device.Orient(track, record, Field.Data);
        device.LinkFoundRecord(Link.IdFound | Link.KeyFound);
        if (track.DataLength(record) == 0)
            return EckdDevice.Ended | DeviceStatus.UnitException;
        device.ReceiveInPlace(data, area);
        if (domain is { IsTrackWrite: true, CountLeft: 1 })
            track.EraseAfter(record);
        return EckdDevice.Ended;
    }
}
