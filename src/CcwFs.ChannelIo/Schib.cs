using System.Buffers.Binary;

namespace CcwFs.ChannelIo;

/// <summary>
/// The path-management-control word: the SCHIB's first 28 bytes, big-endian (SA22-7832, chapter 15):
/// interruption parameter 4; -, ISC, -, E, LM, MM, D, T, V 2; device number 2; LPM; PNOM; LPUM; PIM; MBI 2; POM; PAM; CHPID 8; word 6.
/// </summary>
/// <param name="InterruptionParameter">Word 0.</param>
/// <param name="Flags">Bits 0-15 of word 1.</param>
/// <param name="DeviceNumber">Bits 16-31 of word 1.</param>
/// <param name="Lpm">Logical-path mask.</param>
/// <param name="Pnom">Path-not-operational mask.</param>
/// <param name="Lpum">Last-path-used mask.</param>
/// <param name="Pim">Path-installed mask.</param>
/// <param name="Pom">Path-operational mask.</param>
/// <param name="Pam">Path-available mask.</param>
/// <param name="ChannelPaths">Channel-path ids 0-7, the first in the most significant byte.</param>
public readonly record struct Pmcw(
    uint InterruptionParameter, ushort Flags, ushort DeviceNumber,
    byte Lpm, byte Pnom, byte Lpum, byte Pim, byte Pom, byte Pam, ulong ChannelPaths)
{
    /// <summary>Bytes of a PMCW.</summary>
    public const int Size = 28;

    /// <summary>The leftmost path of a path mask, the one that is tried first, as a mask; 0 when there is none.</summary>
    public static byte FirstPath(byte mask) => (byte)(mask == 0 ? 0 : 0x80 >> System.Numerics.BitOperations.LeadingZeroCount((uint)mask << 24));

    /// <summary>E: enabled.</summary>
    public const ushort Enabled = 0x0080;

    /// <summary>V: device number valid.</summary>
    public const ushort DeviceNumberValid = 0x0001;

    /// <summary>Reads 28 bytes.</summary>
    public static Pmcw Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32BigEndian(source), BinaryPrimitives.ReadUInt16BigEndian(source[4..]),
        BinaryPrimitives.ReadUInt16BigEndian(source[6..]), source[8], source[9], source[10], source[11], source[14], source[15],
        BinaryPrimitives.ReadUInt64BigEndian(source[16..]));

    /// <summary>Writes 28 bytes; the measurement-block index and word 6 are zero.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(destination, InterruptionParameter);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], Flags);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], DeviceNumber);
        destination[8] = Lpm;
        destination[9] = Pnom;
        destination[10] = Lpum;
        destination[11] = Pim;
        destination[14] = Pom;
        destination[15] = Pam;
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], ChannelPaths);
    }

    /// <summary>The channel-path id of path <paramref name="index"/> (0 = mask bit 80).</summary>
    public byte ChannelPath(int index) => (byte)(ChannelPaths >> (56 - (8 * index)));
}

/// <summary>The subchannel-information block as STORE SUBCHANNEL gives it, 52 bytes: PMCW 28, SCSW 12, model-dependent area 12.</summary>
/// <param name="Pmcw">Path management.</param>
/// <param name="Scsw">Status.</param>
public readonly record struct Schib(Pmcw Pmcw, Scsw Scsw)
{
    /// <summary>Bytes of a SCHIB.</summary>
    public const int Size = 52;

    /// <summary>Where the SCSW begins.</summary>
    public const int ScswOffset = Pmcw.Size;

    /// <summary>Reads 52 bytes; the model-dependent area is not kept.</summary>
    public static Schib Read(ReadOnlySpan<byte> source) => new(Pmcw.Read(source), Scsw.Read(source[ScswOffset..]));

    /// <summary>Writes 52 bytes; the model-dependent area is zero.</summary>
    public void Write(Span<byte> destination)
    {
        Pmcw.Write(destination);
        Scsw.Write(destination[ScswOffset..]);
        destination[(ScswOffset + Scsw.Size)..Size].Clear();
    }
}
