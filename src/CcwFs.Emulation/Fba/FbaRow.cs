using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Fba;

/// <summary>Executes one command that has passed the gate; gives its ending status. <c>located</c>: what the command before has located.</summary>
internal delegate DeviceStatus FbaHandler(FbaProgram program, FbaLocation located, IDataTransfer data);

/// <summary>Where a command may stand in a program.</summary>
internal enum FbaPlace
{
    /// <summary>Anywhere.</summary>
    Anywhere,

    /// <summary>Not after DEFINE EXTENT or READ IPL.</summary>
    BeforeExtent,

    /// <summary>Only after one of these.</summary>
    AfterExtent,

    /// <summary>Only right after LOCATE of blocks to read.</summary>
    AfterLocateRead,

    /// <summary>Only right after LOCATE of blocks to write.</summary>
    AfterLocateWrite,
}

/// <summary>One command of the emulated 9336: its rules and its handler beside its description.</summary>
/// <param name="Command">Its description.</param>
/// <param name="Unit">Rules that all control units have.</param>
/// <param name="Place">Where it may stand.</param>
/// <param name="Common">Executes it, where it is common to all control units.</param>
/// <param name="Handler">Executes it, else.</param>
internal sealed record FbaRow(CommandDescription Command, UnitRules Unit, FbaPlace Place, CommonHandler? Common, FbaHandler? Handler)
    : UnitCommand(Unit, Common);
