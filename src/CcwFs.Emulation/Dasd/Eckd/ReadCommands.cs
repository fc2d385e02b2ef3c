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
        if (!device.ThisOrNextRecord(row, keyMustBeAhead: false, out CkdTrack track))
            return EckdDevice.Failed;
        device.LinkFoundRecord(Link.IdFound | Link.KeyFound);
        return SendData(device, track, data);
    }

    /// <summary>Key and data of the record whose count has just passed, else of the next record.</summary>
    public static DeviceStatus ReadKeyAndData(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!device.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track))
            return EckdDevice.Failed;
        device.LinkFoundRecord(Link.IdFound);
        int record = Pass(device, track);
        data.Send(track.KeyAndData(record));
        return track.DataLength(record) == 0 ? EndOfFile : EckdDevice.Ended;
    }

    /// <summary>Eight bytes: the next record's count.</summary>
    public static DeviceStatus ReadCount(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (!device.NextRecord(row, true, out CkdTrack track))
            return EckdDevice.Failed;
        data.Send(track.Count(device.Chain.Record));
        return EckdDevice.Ended;
    }

    /// <summary>Count, key and data of the next record.</summary>
    public static DeviceStatus ReadCountKeyAndData(EckdDevice device, CommandRow row, IDataTransfer data) =>
        device.NextRecord(row, true, out CkdTrack track) ? SendRecord(device, track, data) : EckdDevice.Failed;

    /// <summary>Five bytes; the multitrack form, outside a domain, reads the next track's.</summary>
    public static DeviceStatus ReadHomeAddress(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (row.IsMultitrack && !device.Chain.Domain.IsOpen && !device.AdvanceTrack(row))
            return EckdDevice.Failed;
        device.Chain.MoveTo(device.Chain.Track);
        device.Chain.Field = Field.Home;
        data.Send(device.CurrentTrack().HomeAddress);
        return EckdDevice.Ended;
    }

    /// <summary>
    /// Count and data of record 0: of this track behind its home address; from elsewhere the multitrack form goes to the next track first, in a domain too
    /// (SA22-1025, page 101).
    /// </summary>
    public static DeviceStatus ReadRecordZero(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (row.IsMultitrack && device.Chain.Field != Field.Home && !device.AdvanceTrack(row))
            return EckdDevice.Failed;
        device.Chain.MoveTo(device.Chain.Track);
        return device.NextRecord(row, false, out CkdTrack track) ? SendRecord(device, track, data) : EckdDevice.Failed;
    }

    private static DeviceStatus SendData(EckdDevice device, CkdTrack track, IDataTransfer data)
    {
        int record = Pass(device, track);
        ReadOnlySpan<byte> bytes = track.Data(record);
        if (bytes.IsEmpty)
            return EndOfFile;
        data.Send(bytes);
        return EckdDevice.Ended;
    }

    private static DeviceStatus SendRecord(EckdDevice device, CkdTrack track, IDataTransfer data)
    {
        int record = Pass(device, track);
        data.Send(track.Count(record));
        data.Send(track.KeyAndData(record));
        return track.DataLength(record) == 0 ? EndOfFile : EckdDevice.Ended;
    }

    private static int Pass(EckdDevice device, CkdTrack track)
    {
        device.Orient(track, device.Chain.Record, Field.Data);
        return device.Chain.Record;
    }
}
