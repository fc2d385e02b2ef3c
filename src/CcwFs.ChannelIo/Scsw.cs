using System.Buffers.Binary;

namespace CcwFs.ChannelIo;

/// <summary>Function-control bits of the SCSW (bits 17-19 of word 0).</summary>
[Flags]
public enum FunctionControl : byte
{
    /// <summary>No function.</summary>
    None = 0,

    /// <summary>Start function.</summary>
    Start = 4,

    /// <summary>Halt function.</summary>
    Halt = 2,

    /// <summary>Clear function.</summary>
    Clear = 1,
}

/// <summary>Activity-control bits of the SCSW (bits 20-26 of word 0).</summary>
[Flags]
public enum ActivityControl : byte
{
    /// <summary>No activity.</summary>
    None = 0,

    /// <summary>Resume pending.</summary>
    ResumePending = 0x40,

    /// <summary>Start pending.</summary>
    StartPending = 0x20,

    /// <summary>Halt pending.</summary>
    HaltPending = 0x10,

    /// <summary>Clear pending.</summary>
    ClearPending = 0x08,

    /// <summary>Subchannel active.</summary>
    SubchannelActive = 0x04,

    /// <summary>Device active.</summary>
    DeviceActive = 0x02,

    /// <summary>Suspended.</summary>
    Suspended = 0x01,
}

/// <summary>Status-control bits of the SCSW (bits 27-31 of word 0).</summary>
[Flags]
public enum StatusControl : byte
{
    /// <summary>No status.</summary>
    None = 0,

    /// <summary>Alert status.</summary>
    Alert = 0x10,

    /// <summary>Intermediate status.</summary>
    Intermediate = 0x08,

    /// <summary>Primary status.</summary>
    Primary = 0x04,

    /// <summary>Secondary status.</summary>
    Secondary = 0x02,

    /// <summary>Status pending.</summary>
    Pending = 0x01,
}

/// <summary>Unit status as the device presents it (SCSW word 2, bits 0-7).</summary>
[Flags]
public enum DeviceStatus : byte
{
    /// <summary>No status.</summary>
    None = 0,

    /// <summary>Attention.</summary>
    Attention = 0x80,

    /// <summary>Status modifier.</summary>
    StatusModifier = 0x40,

    /// <summary>Control-unit end.</summary>
    ControlUnitEnd = 0x20,

    /// <summary>Busy.</summary>
    Busy = 0x10,

    /// <summary>Channel end.</summary>
    ChannelEnd = 0x08,

    /// <summary>Device end.</summary>
    DeviceEnd = 0x04,

    /// <summary>Unit check: sense describes it.</summary>
    UnitCheck = 0x02,

    /// <summary>Unit exception.</summary>
    UnitException = 0x01,
}

/// <summary>Subchannel (channel) status (SCSW word 2, bits 8-15).</summary>
[Flags]
public enum SubchannelStatus : byte
{
    /// <summary>No status.</summary>
    None = 0,

    /// <summary>Program-controlled interruption.</summary>
    ProgramControlledInterruption = 0x80,

    /// <summary>Incorrect length.</summary>
    IncorrectLength = 0x40,

    /// <summary>Program check.</summary>
    ProgramCheck = 0x20,

    /// <summary>Protection check.</summary>
    ProtectionCheck = 0x10,

    /// <summary>Channel-data check.</summary>
    ChannelDataCheck = 0x08,

    /// <summary>Channel-control check.</summary>
    ChannelControlCheck = 0x04,

    /// <summary>Interface-control check.</summary>
    InterfaceControlCheck = 0x02,

    /// <summary>Chaining check.</summary>
    ChainingCheck = 0x01,
}

/// <summary>
/// The subchannel-status word: three big-endian words, 12 bytes (SA22-7832, chapter 16, "Subchannel-Status Word").
/// </summary>
/// <param name="Control">Word 0: key 4, S, L, CC 2; F, P, I, A, U, Z, E, N; Q, FC 3, AC 7, SC 5.</param>
/// <param name="CcwAddress">Word 1: address of the CCW after the last one used.</param>
/// <param name="Status">Word 2: device status 8, subchannel status 8, residual count 16.</param>
public readonly record struct Scsw(uint Control, uint CcwAddress, uint Status)
{
    /// <summary>Bytes of an SCSW.</summary>
    public const int Size = 12;

    /// <summary>L: the ESW holds a valid logout, bit 5 of word 0.</summary>
    public const uint EswFormat = 0x0400_0000;

    /// <summary>Z: zero condition code, bit 13 of word 0.</summary>
    public const uint ZeroCondition = 0x0004_0000;

    /// <summary>E: extended control, the ECW holds something, bit 14 of word 0.</summary>
    public const uint ExtendedControl = 0x0002_0000;

    /// <summary>N: path not operational, bit 15 of word 0.</summary>
    public const uint PathNotOperational = 0x0001_0000;

    /// <summary>
    /// Puts the named fields of words 0 and 2 together; the ORB's bits (key, S, F, P, I, A, U) come from <paramref name="orbBits"/>.
    /// </summary>
    public static Scsw Build(
        uint orbBits, FunctionControl function, ActivityControl activity, StatusControl status,
        uint ccwAddress, DeviceStatus device, SubchannelStatus subchannel, ushort residual, byte deferredCc = 0) => new(
            (orbBits & (0xF800_0000 | 0x00F8_0000)) | ((uint)(deferredCc & 3) << 24)
                | ((uint)function << 12) | ((uint)activity << 5) | (uint)status,
            ccwAddress,
            ((uint)device << 24) | ((uint)subchannel << 16) | residual);

    /// <summary>Reads 12 bytes.</summary>
    public static Scsw Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32BigEndian(source),
        BinaryPrimitives.ReadUInt32BigEndian(source[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(source[8..]));

    /// <summary>Writes 12 bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, Control);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], CcwAddress);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Status);
    }

    /// <summary>Deferred condition code.</summary>
    public byte DeferredConditionCode => (byte)((Control >> 24) & 3);

    /// <summary>Function control.</summary>
    public FunctionControl Function => (FunctionControl)((Control >> 12) & 7);

    /// <summary>Activity control.</summary>
    public ActivityControl Activity => (ActivityControl)((Control >> 5) & 0x7F);

    /// <summary>
    /// What it is the status of goes on no more: neither subchannel nor device is active, and nothing is suspended, so no other status follows.
    /// </summary>
    public bool HasEnded =>
        (Activity & (ActivityControl.SubchannelActive | ActivityControl.DeviceActive | ActivityControl.Suspended)) == 0;

    /// <summary>Status control.</summary>
    public StatusControl StatusControl => (StatusControl)(Control & 0x1F);

    /// <summary>Device status.</summary>
    public DeviceStatus Device => (DeviceStatus)(Status >> 24);

    /// <summary>Subchannel status.</summary>
    public SubchannelStatus Subchannel => (SubchannelStatus)(byte)(Status >> 16);

    /// <summary>Residual count.</summary>
    public ushort Residual => (ushort)Status;
}
