using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Executes one command that has passed the gate; gives its ending status.</summary>
internal delegate DeviceStatus CommandHandler(EckdDevice device, CommandRow row, IDataTransfer data);

/// <summary>Rules that the gate enforces before a handler runs.</summary>
[Flags]
internal enum Rules
{
    None = 0,

    /// <summary>Only as the program's first command.</summary>
    First = 1,

    /// <summary>Only after SEEK, RECALIBRATE, READ IPL or LOCATE RECORD in this program (3990).</summary>
    Positioned = 2,

    /// <summary>Not after DEFINE EXTENT, SET FILE MASK or READ IPL.</summary>
    BeforeExtent = 4,

    /// <summary>Only after DEFINE EXTENT or READ IPL.</summary>
    AfterExtent = 8,

    /// <summary>Only in a locate-record domain.</summary>
    InDomain = 0x10,

    /// <summary>Executed although another device has reserved the volume.</summary>
    DespiteReserve = 0x20,

    /// <summary>Sense that is pending stays pending.</summary>
    KeepsSense = 0x40,

    /// <summary>Does not count as data transfer between two passes of index.</summary>
    KeepsIndex = 0x80,

    /// <summary>Goes on to the next track at a track's end (bit 0 of the code).</summary>
    Multitrack = 0x100,
}

/// <summary>One command of the emulated control unit: its rules and its handler beside its description.</summary>
/// <param name="Command">Its description.</param>
/// <param name="Rules">Where it may stand.</param>
/// <param name="Needs">Outside a domain: what the previous command must have found, any of these; none: anything.</param>
/// <param name="Domain">As what it may stand in a locate-record domain.</param>
/// <param name="Write">File-mask class.</param>
/// <param name="Handler">Executes it.</param>
/// <param name="Least">The least profile that has it.</param>
internal sealed record CommandRow(
    CommandDescription Command, Rules Rules, Link Needs, DomainUse Domain, WriteClass Write, CommandHandler Handler, EckdProfile Least)
{
    public byte Code => Command.Code;

    public bool Has(Rules rule) => (Rules & rule) != 0;

    public bool IsMultitrack => Has(Rules.Multitrack);
}
