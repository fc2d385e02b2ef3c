namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// One bit that announces a facility to drivers: it is on when the profile has all of the commands and operations that it announces.
/// </summary>
/// <param name="Offset">Byte in the structure.</param>
/// <param name="Bit">The bit in that byte.</param>
/// <param name="Commands">Command codes.</param>
/// <param name="Operations">Operations of LOCATE RECORD and its kin.</param>
/// <param name="Least">The least profile that has it, where no command tells.</param>
internal sealed record FeatureRow(int Offset, byte Bit, byte[] Commands, LocateOperation[] Operations, EckdProfile Least = EckdProfile.Minimal)
{
    public bool IsIn(EckdProfile profile) => Least <= profile
        && Array.TrueForAll(Commands, code => CommandTable.Find(code, profile) is not null)
        && Array.TrueForAll(Operations, operation => LocateOperations.Find(operation, profile) is not null);
}

/// <summary>
/// Which facilities are announced: feature codes (PERFORM SUBSYSTEM FUNCTION suborder 41) and READ DEVICE CHARACTERISTICS (SA22-1025, pages 94 and
/// 95). What is announced follows from the rows of <see cref="CommandTable"/> and <see cref="LocateOperations"/>, so that it cannot say more than the
/// device does.
/// </summary>
internal static class FeatureTable
{
    private const byte Prefix = 0xE7, ReadTrackData = 0xA6, WriteTrackData = 0xA5, ReadTrack = 0xDE, WriteFullTrack = 0x95;

    /// <summary>Feature codes.</summary>
    private static readonly FeatureRow[] s_featureCodes =
    [
        new(8, 0x01, [Prefix], []),
        new(9, 0x20, [Prefix, ReadTrackData], [LocateOperation.ReadTracks]), // in command mode
        new(12, 0x40, [Prefix, WriteTrackData], [LocateOperation.WriteTrackData]), // in command mode
        new(14, 0x80, [], [], EckdProfile.Linux), // query host access
        new(56, 0x01, [0xF7], []), // released space is initialized
    ];

    /// <summary>
    /// Facilities in the device characteristics; byte 43 is the length of the longest extended parameter, byte 47 the set size of any-record
    /// operations.
    /// </summary>
    private static readonly FeatureRow[] s_characteristics =
    [
        new(6, 0x40, [ReadTrack], [LocateOperation.ReadTracks]),
        new(6, 0x10, [], [LocateOperation.Read]),
        new(6, 0x02, [Prefix], []),
        new(8, 0x08, [ReadTrackData], [LocateOperation.ReadTracks]),
        new(8, 0x04, [WriteTrackData], [LocateOperation.UpdateTrackSet]),
        new(8, 0x02, [WriteFullTrack], [LocateOperation.WriteTrackSet]),
        new(43, LocateRecordDomain.SetTracks / 8, [], [LocateOperation.ReadTrackSet, LocateOperation.WriteTrackSet, LocateOperation.UpdateTrackSet]),
        new(47, ExtentCommands.AnySetSize, [], [LocateOperation.ReadAny, LocateOperation.WriteAny]),
    ];

    private static readonly Announcement[] s_announcements = [.. Enum.GetValues<EckdProfile>().Order().Select(Announce)];

    /// <summary>What a device with this profile announces.</summary>
    public static Announcement Of(EckdProfile profile) => s_announcements[(int)profile];

    private static Announcement Announce(EckdProfile profile) => new(
        Bits(s_featureCodes, profile, IdentityData.FeatureCodesSize), Bits(s_characteristics, profile, IdentityData.CharacteristicsSize));

    private static byte[] Bits(FeatureRow[] rows, EckdProfile profile, int size)
    {
        byte[] bits = new byte[size];
        foreach (FeatureRow row in rows)
        {
            if (row.IsIn(profile))
                bits[row.Offset] |= row.Bit;
        }
        return bits;
    }
}
