using CcwFs.CommandSets.Eckd;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Builds what READ SUBSYSTEM DATA gives. <paramref name="order"/> holds the parameters of PERFORM SUBSYSTEM FUNCTION; the destination is zero and as
/// long as the row's <see cref="OrderRow.Answer"/>. Gives the bytes used.
/// </summary>
internal delegate int OrderBuilder(EckdProgram program, ReadOnlySpan<byte> order, Span<byte> destination);

/// <summary>One order of PERFORM SUBSYSTEM FUNCTION: everything its check, its refusal and its answer need.</summary>
/// <param name="Order">Byte 0.</param>
/// <param name="Suborder">Byte 6 of a PREPARE FOR READ SUBSYSTEM DATA; <see cref="NoSuborder"/> for orders without one.</param>
/// <param name="Name">For a person.</param>
/// <param name="Length">Bytes of its parameters.</param>
/// <param name="Least">The least profile that has it.</param>
/// <param name="Answer">Most bytes that READ SUBSYSTEM DATA gives; 0: nothing is prepared.</param>
/// <param name="Build">Builds them; null when nothing is prepared.</param>
internal sealed record OrderRow(byte Order, int Suborder, string Name, int Length, EckdProfile Least, int Answer = 0, OrderBuilder? Build = null)
{
    public const int NoSuborder = -1;
}

/// <summary>The orders of the emulated 3990. An order or suborder without a row, or that the profile has not, is an invalid parameter.</summary>
internal static class OrderTable
{
    /// <summary>Most bytes of any order's parameters.</summary>
    public const int LongestOrder = 66;

    /// <summary>All rows.</summary>
    public static readonly OrderRow[] Rows =
    [
        Prepare(0x41, "feature codes", EckdProfile.Minimal, IdentityData.FeatureCodesSize, SubsystemData.FeatureCodes),
        Prepare(0x0E, "unit address configuration", EckdProfile.Minimal, IdentityData.UnitAddressConfigurationSize, SubsystemData.UnitAddresses),
        Prepare(0x01, "performance statistics", EckdProfile.Linux, SubsystemData.StatisticsSize, SubsystemData.Statistics),
        Prepare(0x03, "message buffer", EckdProfile.Linux, SubsystemData.LongestMessage, SubsystemData.Message),
        Prepare(0x1C, "query host access", EckdProfile.Linux, SubsystemData.LongestHostAccess, SubsystemData.HostAccess),
        Prepare(0x52, "volume storage query", EckdProfile.Linux, SubsystemData.StorageQuerySize, SubsystemData.VolumeStorage),
        Prepare(0x53, "logical configuration query", EckdProfile.Linux, SubsystemData.ConfigurationQuerySize, SubsystemData.LogicalConfiguration),
        Prepare(0x00, "storage path status", EckdProfile.Full, SubsystemData.PathStatusSize, SubsystemData.PathStatus),
        new(0x1D, OrderRow.NoSuborder, "set subsystem characteristics", LongestOrder, EckdProfile.Minimal),
        new(0x1A, OrderRow.NoSuborder, "CUIR response", 22, EckdProfile.Linux),
    ];

    /// <summary>The row of an order that a profile has, or null: the one place where profiles gate orders.</summary>
    public static OrderRow? Find(byte order, int suborder, EckdProfile profile) =>
        Array.Find(Rows, row => row.Order == order && row.Suborder == suborder && row.Least <= profile);

    private static OrderRow Prepare(byte suborder, string name, EckdProfile least, int answer, OrderBuilder build) =>
        new(SubsystemFunctionLayout.PrepareForRead, suborder, name, SubsystemFunctionLayout.PrepareSize, least, answer, build);
}
