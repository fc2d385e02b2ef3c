using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Searches: one record a command, and status modifier when it satisfies the search, which skips the TIC behind it. As many bytes are compared
/// as the program gives; a write may be chained only from an equal search over the whole argument.
/// </summary>
internal static class SearchCommands
{
    private const int IdSize = 5;
    private const int HomeAddressArgument = 4;
    private const int LongestKey = 255;
    private const DeviceStatus Satisfied = EckdDevice.Ended | DeviceStatus.StatusModifier;

    public static DeviceStatus IdEqual(EckdDevice device, CommandRow row, IDataTransfer data) => Id(device, row, data, true, false);

    public static DeviceStatus IdHigh(EckdDevice device, CommandRow row, IDataTransfer data) => Id(device, row, data, false, true);

    public static DeviceStatus IdEqualOrHigh(EckdDevice device, CommandRow row, IDataTransfer data) => Id(device, row, data, true, true);

    public static DeviceStatus KeyEqual(EckdDevice device, CommandRow row, IDataTransfer data) => Key(device, row, data, true, false);

    public static DeviceStatus KeyHigh(EckdDevice device, CommandRow row, IDataTransfer data) => Key(device, row, data, false, true);

    public static DeviceStatus KeyEqualOrHigh(EckdDevice device, CommandRow row, IDataTransfer data) => Key(device, row, data, true, true);

    /// <summary>Compares cylinder and head of the home address, to which the head comes by index; the multitrack form looks at the next track's.</summary>
    public static DeviceStatus HomeAddressEqual(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        bool passesIndex = device.Chain.Field != Field.Index;
        if (row.IsMultitrack ? !device.AdvanceTrack(row) : passesIndex && !device.PassIndex(row))
            return EckdDevice.Failed;
        CkdTrack track = device.CurrentTrack();
        device.Chain.MoveTo(device.Chain.Track);
        device.Chain.Field = Field.Home;
        Span<byte> argument = stackalloc byte[HomeAddressArgument];
        int length = data.Receive(argument);
        if (length == 0 || !track.HomeAddress.Slice(1, length).SequenceEqual(argument[..length]))
            return EckdDevice.Ended;
        if (length == HomeAddressArgument)
            device.Chain.Link = Link.HomeAddressFound;
        return Satisfied;
    }

    private static DeviceStatus Id(EckdDevice device, CommandRow row, IDataTransfer data, bool equal, bool high)
    {
        if (!device.NextRecord(row, false, out CkdTrack track))
            return EckdDevice.Failed;
        Span<byte> argument = stackalloc byte[IdSize];
        int length = data.Receive(argument);
        if (length == 0)
            return EckdDevice.Ended;
        int order = track.Count(device.Chain.Record)[..length].SequenceCompareTo(argument[..length]);
        if (order == 0 && equal && !high && length == IdSize)
            device.Chain.Link = Link.IdFound;
        return (equal && order == 0) || (high && order > 0) ? Satisfied : EckdDevice.Ended;
    }

    private static DeviceStatus Key(EckdDevice device, CommandRow row, IDataTransfer data, bool equal, bool high)
    {
        if (!device.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track))
            return EckdDevice.Failed;
        device.Orient(track, device.Chain.Record, Field.Key);
        ReadOnlySpan<byte> key = track.Key(device.Chain.Record);
        if (key.IsEmpty)
            return EckdDevice.Ended;
        Span<byte> argument = stackalloc byte[LongestKey];
        int length = data.Receive(argument[..key.Length]);
        if (length == 0)
            return EckdDevice.Ended;
        int order = key[..length].SequenceCompareTo(argument[..length]);
        if (order == 0 && equal && !high && length == key.Length)
            device.Chain.Link = Link.KeyFound;
        return (equal && order == 0) || (high && order > 0) ? Satisfied : EckdDevice.Ended;
    }
}
