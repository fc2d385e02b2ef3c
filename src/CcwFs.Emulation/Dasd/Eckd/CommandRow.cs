using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Executes one command that has passed the gate; gives its ending status.</summary>
internal delegate DeviceStatus CommandHandler(EckdProgram program, CommandRow row, IDataTransfer data);

/// <summary>Rules of ECKD programs that are enforced before a handler runs.</summary>
[Flags]
internal enum Rules
{
    None = 0,

    /// <summary>Only after SEEK, RECALIBRATE, READ IPL or LOCATE RECORD in this program (3990).</summary>
    Positioned = 1,

    /// <summary>Not after DEFINE EXTENT, SET FILE MASK or READ IPL.</summary>
    BeforeExtent = 2,

    /// <summary>Only after DEFINE EXTENT or READ IPL.</summary>
    AfterExtent = 4,

    /// <summary>Only in a locate-record domain.</summary>
    InDomain = 8,

    /// <summary>Does not count as data transfer between two passes of index.</summary>
    KeepsIndex = 0x10,

    /// <summary>Goes on to the next track at a track's end (bit 0 of the code).</summary>
    Multitrack = 0x20,
}

/// <summary>One command of the emulated control unit: its rules and its handler beside its description.</summary>
/// <param name="Command">Its description.</param>
/// <param name="Unit">Rules that all control units have.</param>
/// <param name="Rules">Where it may stand.</param>
/// <param name="Needs">Outside a domain: what the previous command must have found, any of these; none: anything.</param>
/// <param name="Domain">As what it may stand in a locate-record domain.</param>
/// <param name="Write">File-mask class.</param>
/// <param name="Common">Executes it, where it is common to all control units.</param>
/// <param name="Handler">Executes it, else.</param>
/// <param name="Least">The least profile that has it.</param>
internal sealed record CommandRow(
    CommandDescription Command, UnitRules Unit, Rules Rules, Link Needs, DomainUse Domain, WriteClass Write, CommonHandler? Common,
        CommandHandler? Handler,
    EckdProfile Least)
    : UnitCommand(Unit, Common)
{
    public byte Code => Command.Code;

    public bool Has(Rules rule) => (Rules & rule) != 0;

    public bool IsMultitrack => Has(Rules.Multitrack);
}
