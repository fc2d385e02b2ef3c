using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Searches: one record per command, and status modifier when it satisfies the search, which skips the TIC that follows. As many bytes are compared
/// as the program gives; a write may be chained only from an equal search over the whole argument.
/// </summary>
internal static class SearchCommands
{
    private const int IdSize = 5;
    private const int HomeAddressArgument = 4;
    private const int LongestKey = 255;
    private const DeviceStatus Satisfied = UnitStatus.Ended | DeviceStatus.StatusModifier;

    public static DeviceStatus IdEqual(EckdProgram program, CommandRow row, IDataTransfer data) => Id(program, row, data, true, false);

    public static DeviceStatus IdHigh(EckdProgram program, CommandRow row, IDataTransfer data) => Id(program, row, data, false, true);

    public static DeviceStatus IdEqualOrHigh(EckdProgram program, CommandRow row, IDataTransfer data) => Id(program, row, data, true, true);

    public static DeviceStatus KeyEqual(EckdProgram program, CommandRow row, IDataTransfer data) => Key(program, row, data, true, false);

    public static DeviceStatus KeyHigh(EckdProgram program, CommandRow row, IDataTransfer data) => Key(program, row, data, false, true);

    public static DeviceStatus KeyEqualOrHigh(EckdProgram program, CommandRow row, IDataTransfer data) => Key(program, row, data, true, true);

    /// <summary>
    /// Compares cylinder and head of the home address, to which the head comes by index; the multitrack form looks at the next track's.
    /// </summary>
    public static DeviceStatus HomeAddressEqual(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        bool passesIndex = program.Chain.Field != Field.Index;
        if (row.IsMultitrack ? !program.Head.AdvanceTrack(row) : passesIndex && !program.Head.PassIndex(row))
            return UnitStatus.Failed;
        CkdTrack track = program.Head.CurrentTrack();
        program.Chain.MoveTo(program.Chain.Track);
        program.Chain.Field = Field.Home;
        Span<byte> argument = stackalloc byte[HomeAddressArgument];
        int length = data.Receive(argument);
        if (length == 0 || !track.HomeAddress.Slice(1, length).SequenceEqual(argument[..length]))
            return UnitStatus.Ended;
        if (length == HomeAddressArgument)
            program.Chain.Link = Link.HomeAddressFound;
        return Satisfied;
    }

    private static DeviceStatus Id(EckdProgram program, CommandRow row, IDataTransfer data, bool equal, bool high)
    {
        if (!program.Head.NextRecord(row, false, out CkdTrack track))
            return UnitStatus.Failed;
        Span<byte> argument = stackalloc byte[IdSize];
        int length = data.Receive(argument);
        if (length == 0)
            return UnitStatus.Ended;
        int order = track.Count(program.Chain.Record)[..length].SequenceCompareTo(argument[..length]);
        if (order == 0 && equal && !high && length == IdSize)
            program.Chain.Link = Link.IdFound;
        return (equal && order == 0) || (high && order > 0) ? Satisfied : UnitStatus.Ended;
    }

    private static DeviceStatus Key(EckdProgram program, CommandRow row, IDataTransfer data, bool equal, bool high)
    {
        if (!program.Head.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track))
            return UnitStatus.Failed;
        program.Head.Orient(track, program.Chain.Record, Field.Key);
        ReadOnlySpan<byte> key = track.Key(program.Chain.Record);
        if (key.IsEmpty)
            return UnitStatus.Ended;
        Span<byte> argument = stackalloc byte[LongestKey];
        int length = data.Receive(argument[..key.Length]);
        if (length == 0)
            return UnitStatus.Ended;
        int order = key[..length].SequenceCompareTo(argument[..length]);
        if (order == 0 && equal && !high && length == key.Length)
            program.Chain.Link = Link.KeyFound;
        return (equal && order == 0) || (high && order > 0) ? Satisfied : UnitStatus.Ended;
    }
}
