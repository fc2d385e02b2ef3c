namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>One bit that announces a facility to drivers.</summary>
/// <param name="Offset">Byte in the structure.</param>
/// <param name="Bit">The bit in that byte.</param>
/// <param name="Least">The least profile that has the facility.</param>
internal readonly record struct FeatureRow(int Offset, byte Bit, EckdProfile Least);

/// <summary>
/// Which facilities are announced, by profile: feature codes (PERFORM SUBSYSTEM FUNCTION suborder 41) and facility bytes 6 to 9 of READ DEVICE
/// CHARACTERISTICS. A bit stands here with the command rows that it announces, never before them.
/// </summary>
internal static class FeatureTable
{
    /// <summary>Feature codes.</summary>
    public static readonly FeatureRow[] FeatureCodes =
    [
        new(8, 0x01, EckdProfile.Linux), // PREFIX
        new(9, 0x20, EckdProfile.Linux), // READ TRACK DATA in command mode
        new(12, 0x40, EckdProfile.Linux), // WRITE TRACK DATA in command mode
        new(14, 0x80, EckdProfile.Linux), // query host access
        new(56, 0x01, EckdProfile.Linux), // released space is initialized
    ];

    /// <summary>Facilities in the device characteristics.</summary>
    public static readonly FeatureRow[] Characteristics =
    [
        new(6, 0x40, EckdProfile.Linux), // READ TRACK in a locate-record domain
    ];

    /// <summary>Turns the bits on that <paramref name="profile"/> has.</summary>
    public static void Apply(FeatureRow[] rows, EckdProfile profile, Span<byte> destination)
    {
        foreach (FeatureRow row in rows)
        {
            if (row.Least <= profile)
                destination[row.Offset] |= row.Bit;
        }
    }
}
