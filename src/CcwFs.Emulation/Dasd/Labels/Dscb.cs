namespace CcwFs.Emulation.Dasd.Labels;

/// <summary>
/// A record of a VTOC (data set control block, DSCB): key 44 and data 96, together 140 bytes, numbers big-endian, text in EBCDIC. Byte 44 says which
/// format it has. Source: z/OS DFSMSdfp Advanced Services; s390-tools' vtoc.h.
/// </summary>
internal static class Dscb
{
    internal const int KeySize = 44, Size = 140;

    /// <summary>Where the format is: F0 and the digit in EBCDIC.</summary>
    internal const int FormatAt = 44;

    /// <summary>Where the address (CCHHR) of the next DSCB of a chain is, in formats 1, 2, 3, 5, 7, 8 and 9.</summary>
    internal const int NextAt = 135;

    internal const byte Format1 = 0xF1, Format2 = 0xF2, Format3 = 0xF3, Format4 = 0xF4;

    internal const byte Format5 = 0xF5, Format7 = 0xF7, Format8 = 0xF8, Format9 = 0xF9;

    /// <summary>Bytes of CCHHR.</summary>
    internal const int AddressSize = 5;
}
