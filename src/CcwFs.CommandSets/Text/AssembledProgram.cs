using CcwFs.ChannelIo;
namespace CcwFs.CommandSets.Text;

/// <summary>One CCW of an assembled program.</summary>
/// <param name="Name">The command's name, or its code in two hex digits; DATA for a data-chained continuation.</param>
/// <param name="Ccw">The CCW as it stands in storage.</param>
/// <param name="CcwAddress">Where the CCW is.</param>
/// <param name="DataAddress">Where its data area is; after the IDAW list when there is one. 0 when it has none.</param>
/// <param name="Count">The CCW's count.</param>
/// <param name="Direction">Which way its data goes.</param>
/// <param name="Line">The line of the source, from 1; or what <see cref="AssembledProgram.Unit"/> counts.</param>
public sealed record ProgramStep(
    string Name, Ccw Ccw, uint CcwAddress, ulong DataAddress, int Count, CommandDirection Direction, int Line);

/// <summary>
/// A channel program in a small guest address space of its own: format-1 CCWs at 0, IDAW lists and data areas behind.
/// </summary>
/// <param name="Storage">The address space, whole 4K pages; at least 2048 bytes follow every CCW's address, as vfio-ccw wants.</param>
/// <param name="ProgramAddress">Where the program begins: the ORB's channel-program address.</param>
/// <param name="OrbControl">
/// Word 1 of an ORB for it: format 1, prefetch, and format-2 IDAWs or suspend control where the program uses them; no path mask.
/// </param>
/// <param name="Steps">The CCWs in the order of the source.</param>
public sealed record AssembledProgram(byte[] Storage, uint ProgramAddress, uint OrbControl, IReadOnlyList<ProgramStep> Steps)
{
    /// <summary>Most bytes of an assembled program, CCWs and data together (arbitrary).</summary>
    public const int MaxStorage = 64 << 20;

    /// <summary>Of the device that it is for.</summary>
    public required CommandSet Commands { get; init; }

    /// <summary>What <see cref="ProgramStep.Line"/> counts, as reports name it.</summary>
    public string Unit { get; init; } = Lines;

    /// <summary>The <see cref="Unit"/> of a program in words.</summary>
    public const string Lines = "line";

    /// <summary>An ORB that starts this program.</summary>
    /// <param name="interruptionParameter">Word 0.</param>
    /// <param name="pathMask">Logical-path mask; 0 lets vfio-ccw take the subchannel's.</param>
    public Orb Orb(uint interruptionParameter = 0, byte pathMask = 0xFF) =>
        new(interruptionParameter, OrbControl | ((uint)pathMask << 8), ProgramAddress);
}
