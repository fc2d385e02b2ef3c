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
    private const byte Equal = 0x20, High = 0x40; // bits of a search's code
    private const int IdSize = 5;
    private const int HomeAddressArgument = 4;
    private const int LongestKey = 255;
    private const DeviceStatus Satisfied = UnitStatus.Ended | DeviceStatus.StatusModifier;

    /// <summary>
    /// Compares cylinder and head of the home address, to which the head comes by index; the multitrack form looks at the next track's.
    /// </summary>
    public static DeviceStatus HomeAddressEqual(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        bool passesIndex = program.Chain.At.Field != Field.Index;
        if (row.IsMultitrack ? !program.AdvanceTrack(row) : passesIndex && !program.PassIndex(row))
            return UnitStatus.Failed;
        CkdTrack track = program.CurrentTrack();
        program.Chain.At.MoveTo(program.Chain.At.Track);
        program.Chain.At.Field = Field.Home;
        Span<byte> argument = stackalloc byte[HomeAddressArgument];
        int length = data.Receive(argument);
        if (length == 0 || !track.HomeAddress.Slice(1, length).SequenceEqual(argument[..length]))
            return UnitStatus.Ended;
        if (length == HomeAddressArgument)
            program.Chain.Link = Link.HomeAddressFound;
        return Satisfied;
    }

    /// <summary>Compares the next record's address, five bytes.</summary>
    public static DeviceStatus Id(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.NextRecord(row, false, out CkdTrack track))
            return UnitStatus.Failed;
        Span<byte> argument = stackalloc byte[IdSize];
        int length = data.Receive(argument);
        if (length == 0)
            return UnitStatus.Ended;
        int order = track.Count(program.Chain.At.Record)[..length].SequenceCompareTo(argument[..length]);
        return Conclude(program, row, order, length == IdSize ? Link.IdFound : Link.None);
    }

    /// <summary>Compares the key of this record, whose count has just passed, or else of the next one.</summary>
    public static DeviceStatus Key(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        if (!program.ThisOrNextRecord(row, keyMustBeAhead: true, out CkdTrack track))
            return UnitStatus.Failed;
        program.Orient(track, program.Chain.At.Record, Field.Key);
        ReadOnlySpan<byte> key = track.Key(program.Chain.At.Record);
        if (key.IsEmpty)
            return UnitStatus.Ended;
        Span<byte> argument = stackalloc byte[LongestKey];
        int length = data.Receive(argument[..key.Length]);
        if (length == 0)
            return UnitStatus.Ended;
        int order = key[..length].SequenceCompareTo(argument[..length]);
        return Conclude(program, row, order, length == key.Length ? Link.KeyFound : Link.None);
    }

    /// <summary>What is equal or high satisfies the search, as its code says; the whole of what is equal alone is found.</summary>
    private static DeviceStatus Conclude(EckdProgram program, CommandRow row, int order, Link found)
    {
        bool equal = (row.Code & Equal) != 0, high = (row.Code & High) != 0;
        if (order == 0 && equal && !high)
            program.Chain.Link = found;
        return (equal && order == 0) || (high && order > 0) ? Satisfied : UnitStatus.Ended;
    }
}
