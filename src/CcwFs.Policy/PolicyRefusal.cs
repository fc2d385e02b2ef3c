using System.Globalization;
using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.CommandSets.Decode;

namespace CcwFs.Policy;

/// <summary>Why a program was refused.</summary>
/// <param name="Commands">Of the device: its sense says so.</param>
/// <param name="Kind">How it ends.</param>
/// <param name="Rule">The rule, for a person.</param>
/// <param name="CcwAddress">Address of the CCW, in the backend's terms.</param>
/// <param name="Ccw">The CCW, with the guest's data address (of its first IDAW, where it had a list).</param>
public sealed record PolicyRefusal(CommandSet Commands, RefusalKind Kind, string Rule, uint CcwAddress, Ccw Ccw)
{
    /// <summary>The CCW in words.</summary>
    public string CcwText => StructureDecoder.CcwText(Ccw, Commands);

    /// <summary>Writes the sense that says so, of the device's family; gives its bytes, at most those of the extended-control word.</summary>
    public int WriteSense(Span<byte> sense) => Commands.Sense.WriteRefusal(Kind, sense);

    /// <summary>The CCW, where it is and the rule, for a person.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{CcwText} at {CcwAddress:X8}: {Rule}");
}
