using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Commands that make or erase records. Each erases what was behind the record; bytes that the program does not give are zero.</summary>
internal static class FormatCommands
{
    /// <summary>Bytes taken at a time of data that is only counted (arbitrary).</summary>
    private const int ChunkSize = 512;

    /// <summary>A record behind the current one.</summary>
    public static DeviceStatus WriteCountKeyAndData(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        CkdTrack track = device.CurrentTrack();
        if (device.Chain.Field == Field.Index)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        return device.Holds(track) ? Format(device, track, device.Chain.Record, data, Link.RecordWritten) : device.Check(EckdSense.NoRecordFound);
    }

    /// <summary>The first record behind record 0 of the next track; chained from a WRITE COUNT KEY AND DATA of either form.</summary>
    public static DeviceStatus WriteNextTrack(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (device.Chain.Previous != Link.RecordWritten)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        return device.AdvanceTrack() ? Format(device, device.CurrentTrack(), 0, data, Link.RecordWritten) : EckdDevice.Failed;
    }

    /// <summary>Record 0: no key, R 0. In a domain only from home address or index.</summary>
    public static DeviceStatus WriteRecordZero(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        if (device.Chain.Field != Field.Index)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        return Format(device, device.CurrentTrack(), -1, data, Link.RecordZeroWritten);
    }

    /// <summary>Takes a record's count, key and data, and erases the track behind the current record as far as it was used.</summary>
    public static DeviceStatus Erase(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        CkdTrack track = device.CurrentTrack();
        if (device.Chain.Field == Field.Index)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        if (!device.Holds(track))
            return device.Check(EckdSense.NoRecordFound);
        Span<byte> chunk = stackalloc byte[ChunkSize];
        if (!device.ReceiveAll(data, chunk[..CkdTrack.CountSize]))
            return EckdDevice.Failed;
        if (!TrackCapacity.Fits(track, device.Chain.Record, chunk))
            return device.Check(EckdSense.InvalidTrackFormat);
        int left = chunk[5] + BinaryPrimitives.ReadUInt16BigEndian(chunk[6..]);
        device.MarkChanged();
        track.EraseAfter(device.Chain.Record);
        device.Orient(track, device.Chain.Record, Field.Data);
        while (left > 0)
        {
            int wanted = Math.Min(left, ChunkSize);
            if (data.Receive(chunk[..wanted]) < wanted)
                break;
            left -= wanted;
        }
        device.Chain.TransferCutShort |= left > 0;
        return EckdDevice.Ended;
    }

    private static DeviceStatus Format(EckdDevice device, CkdTrack track, int after, IDataTransfer data, Link link)
    {
        Span<byte> count = stackalloc byte[CkdTrack.CountSize];
        if (!device.ReceiveAll(data, count))
            return EckdDevice.Failed;
        bool isRecordZero = after < 0;
        if (isRecordZero && (count[4] != 0 || count[5] != 0))
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        if (!TrackCapacity.Fits(track, after, count))
            return device.Check(EckdSense.InvalidTrackFormat);
        device.MarkChanged();
        if (!track.Append(after, count, out int record))
            return device.Check(EckdSense.InvalidTrackFormat);
        device.Orient(track, record, Field.Data);
        device.Chain.Link = link;
        device.ReceiveInPlace(data, track.KeyAndData(record));
        return EckdDevice.Ended;
    }
}
