using System.Buffers.Binary;

namespace CcwFs.ChannelIo;

/// <summary>
/// The operation-request block of a command-mode START SUBCHANNEL: three big-endian words, 12 bytes
/// (SA22-7832, chapter 15, "Operation-Request Block"; kernel: arch/s390 drivers/s390/cio/orb.h).
/// </summary>
/// <param name="InterruptionParameter">Word 0.</param>
/// <param name="Control">Word 1: key 4, S, -, M, Y; F, P, I, A, U, B, H, T; LPM 8; L, reserved 6, X.</param>
/// <param name="ProgramAddress">Word 2: channel-program address.</param>
public readonly record struct Orb(uint InterruptionParameter, uint Control, uint ProgramAddress)
{
    /// <summary>Bytes of the ORB that travel through the io region.</summary>
    public const int Size = 12;

    /// <summary>Reads 12 bytes.</summary>
    public static Orb Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32BigEndian(source),
        BinaryPrimitives.ReadUInt32BigEndian(source[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[8..]));

    /// <summary>Writes 12 bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, InterruptionParameter);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Control);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], ProgramAddress);
    }

    /// <summary>Subchannel key, bits 0-3.</summary>
    public byte Key => (byte)(Control >> 28);

    /// <summary>S: suspend control, bit 4.</summary>
    public bool SuspendControl => (Control & OrbControl.Suspend) != 0;

    /// <summary>F: format-1 CCWs, bit 8.</summary>
    public bool Format1 => (Control & OrbControl.Format1) != 0;

    /// <summary>P: prefetch allowed, bit 9.</summary>
    public bool Prefetch => (Control & OrbControl.Prefetch) != 0;

    /// <summary>I: initial-status interruption, bit 10.</summary>
    public bool InitialStatusInterruption => (Control & OrbControl.InitialStatus) != 0;

    /// <summary>U: suppress the suspended interruption, bit 12.</summary>
    public bool SuppressSuspended => (Control & OrbControl.SuppressSuspended) != 0;

    /// <summary>B: transport mode (the program address designates a TCW), bit 13.</summary>
    public bool TransportMode => (Control & OrbControl.TransportMode) != 0;

    /// <summary>H: format-2 IDAWs, bit 14.</summary>
    public bool Format2Idaws => (Control & OrbControl.Format2Idaws) != 0;

    /// <summary>T: 2K IDAWs although format 2, bit 15.</summary>
    public bool TwoKIdaws => (Control & OrbControl.TwoKIdaws) != 0;

    /// <summary>LPM: logical-path mask, bits 16-23.</summary>
    public byte LogicalPathMask => (byte)(Control >> 8);

    /// <summary>L: incorrect-length suppression mode, bit 24.</summary>
    public bool LengthSuppression => (Control & OrbControl.LengthSuppression) != 0;
}

/// <summary>Bits of the ORB's word 1.</summary>
public static class OrbControl
{
    /// <summary>S, bit 4.</summary>
    public const uint Suspend = 0x0800_0000;

    /// <summary>M: modification control, bit 6.</summary>
    public const uint Modification = 0x0200_0000;

    /// <summary>Y: synchronization control, bit 7.</summary>
    public const uint Synchronization = 0x0100_0000;

    /// <summary>F, bit 8.</summary>
    public const uint Format1 = 0x0080_0000;

    /// <summary>P, bit 9.</summary>
    public const uint Prefetch = 0x0040_0000;

    /// <summary>I, bit 10.</summary>
    public const uint InitialStatus = 0x0020_0000;

    /// <summary>A: address-limit checking, bit 11.</summary>
    public const uint AddressLimit = 0x0010_0000;

    /// <summary>U, bit 12.</summary>
    public const uint SuppressSuspended = 0x0008_0000;

    /// <summary>B, bit 13.</summary>
    public const uint TransportMode = 0x0004_0000;

    /// <summary>H, bit 14.</summary>
    public const uint Format2Idaws = 0x0002_0000;

    /// <summary>T, bit 15.</summary>
    public const uint TwoKIdaws = 0x0001_0000;

    /// <summary>LPM, bits 16-23.</summary>
    public const uint LogicalPathMask = 0x0000_FF00;

    /// <summary>L, bit 24.</summary>
    public const uint LengthSuppression = 0x0000_0080;

    /// <summary>D: MIDAW control, bit 25.</summary>
    public const uint ModifiedIndirectData = 0x0000_0040;

    /// <summary>X: ORB extension, bit 31.</summary>
    public const uint Extension = 0x0000_0001;
}
