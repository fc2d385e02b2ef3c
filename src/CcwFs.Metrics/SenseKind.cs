using CcwFs.ChannelIo;
using CcwFs.CommandSets.Decode;

namespace CcwFs.Metrics;

/// <summary>What a unit check was for: the first bit of sense byte 0 that every device family has, in the order of the bits.</summary>
internal static class SenseKind
{
    /// <summary>The word of each kind; the first six are those of bits 0 to 5 (SA22-7204, basic sense).</summary>
    internal static string[] Words { get; } =
        ["command_reject", "intervention_required", "bus_out_check", "equipment_check", "data_check", "overrun", "other", "no_sense"];

    private const int Bits = 6, Other = 6, NoSense = 7;

    /// <summary>The kind of a unit check with this IRB.</summary>
    internal static int Of(in Irb irb)
    {
        ReadOnlySpan<byte> sense = IrbSummary.ConcurrentSense(irb);
        if (sense.IsEmpty)
            return NoSense;
        int bit = System.Numerics.BitOperations.LeadingZeroCount((uint)sense[0] << 24);
        return bit < Bits ? bit : Other;
    }
}
