using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Reads. A record without data is an end of file: unit exception. Bytes go from the cached track straight to the program.</summary>
internal static class ReadCommands
{
    private const DeviceStatus EndOfFile = EckdDevice.Ended | DeviceStatus.UnitException;

    /// <summary>Seeks to cylinder 0 head 0 and reads the data of the first record behind record 0.</summary>
    public static DeviceStatus ReadIpl(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        device.Chain.MoveTo(0);
        device.Chain.Positioned = true;
        device.Chain.IplRead = true;
        return device.NextRecord(row, true, out CkdTrack track) ? SendData(device, track, data) : EckdDevice.Failed;
    }

    /// <summary>The data of the record whose count or key has just passed, else of the next record.</summary>
    public static DeviceStatus ReadData(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!device.ThisOrNextRecord(row, keyMustBeAhead: false, skipRecordZero: false, out CkdTrack track))
            return EckdDevice.Failed;
        device.LinkFoundRecord();
        return SendData(device, track, data);
    }

    /// <summary>Key and data of the record whose count has just passed, else of the next record.</summary>
    public static DeviceStatus ReadKeyAndData(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!device.ThisOrNextRecord(row, keyMustBeAhead: true, skipRecordZero: false, out CkdTrack track))
            return EckdDevice.Failed;
        device.LinkFoundRecord();
        int record = Pass(device, track);
        device.Send(data, track.KeyAndData(record));
        return track.DataLength(record) == 0 ? EndOfFile : EckdDevice.Ended;
    }

    /// <summary>Eight bytes: the next record's count.</summary>
    public static DeviceStatus ReadCount(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!device.NextRecord(row, true, out CkdTrack track))
            return EckdDevice.Failed;
        device.Send(data, track.Count(device.Chain.Record));
        return EckdDevice.Ended;
    }

    /// <summary>Count, key and data of the next record.</summary>
    public static DeviceStatus ReadCountKeyAndData(EckdDevice device, CommandRow row, IDataTransfer data) =>
        device.NextRecord(row, true, out CkdTrack track) ? SendRecord(device, track, data) : EckdDevice.Failed;

    /// <summary>Five bytes; the multitrack form, outside a domain, reads the next track's.</summary>
    public static DeviceStatus ReadHomeAddress(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!ToIndex(device, row))
            return EckdDevice.Failed;
        device.Send(data, device.CurrentTrack().HomeAddress);
        return EckdDevice.Ended;
    }

    /// <summary>Count and data of record 0; the multitrack form, outside a domain, reads the next track's.</summary>
    public static DeviceStatus ReadRecordZero(EckdDevice device, CommandRow row, IDataTransfer data) =>
        ToIndex(device, row) && device.NextRecord(row, false, out CkdTrack track) ? SendRecord(device, track, data) : EckdDevice.Failed;

    private static bool ToIndex(EckdDevice device, CommandRow row)
    {
        if (row.IsMultitrack && !device.Chain.Domain.IsOpen)
            return device.AdvanceTrack();
        device.Chain.MoveTo(device.Chain.Track);
        return true;
    }

    private static DeviceStatus SendData(EckdDevice device, CkdTrack track, IDataTransfer data)
    {
        int record = Pass(device, track);
        ReadOnlySpan<byte> bytes = track.Data(record);
        if (bytes.IsEmpty)
            return EndOfFile;
        device.Send(data, bytes);
        return EckdDevice.Ended;
    }

    private static DeviceStatus SendRecord(EckdDevice device, CkdTrack track, IDataTransfer data)
    {
        int record = Pass(device, track);
        device.Send(data, track.Count(record));
        device.Send(data, track.KeyAndData(record));
        return track.DataLength(record) == 0 ? EndOfFile : EckdDevice.Ended;
    }

    private static int Pass(EckdDevice device, CkdTrack track)
    {
        device.Orient(track, device.Chain.Record, Field.Data);
        return device.Chain.Record;
    }
}
