using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Messages of sense format 0, program or system checks (low half of sense byte 7).</summary>
public enum SenseMessage : byte
{
    /// <summary>No message.</summary>
    None = 0,

    /// <summary>Invalid command.</summary>
    InvalidCommand = 1,

    /// <summary>Invalid command sequence: orientation, chaining, file mask or domain.</summary>
    InvalidSequence = 2,

    /// <summary>The CCW's count is less than the command needs.</summary>
    CountTooSmall = 3,

    /// <summary>A parameter is not valid; drivers read an order that is not supported out of it.</summary>
    InvalidParameter = 4,
}

/// <summary>
/// One reason for unit check, in the 24-byte compatibility format of 3990 sense (byte 27 bit 0). 32 bytes are given, as the
/// extended-control word holds 32: in a 32-byte format byte 25 would be an action code, and 00 there means "retry"; bit 0 of byte 27
/// says that there is none.
/// Layout: 0-2 conditions, 4 physical address (unit address), 5-6 cylinder and head (FF FF above cylinder 4095), 7 format and message,
/// 27 format flag and whether the address is valid (drivers of ESE volumes ask), 29-30 cylinder, 31 head; of an extended address volume 28-31 CCHH.
/// </summary>
/// <param name="Byte0">Condition byte 0.</param>
/// <param name="Byte1">Condition byte 1.</param>
/// <param name="Format">Format (high half) and message (low half), byte 7.</param>
/// <param name="Reason">Byte 25; 0: none.</param>
public readonly record struct EckdSense(byte Byte0, byte Byte1, byte Format, byte Reason = 0)
{
    /// <summary>Bytes given.</summary>
    public const int Size = 32;

    /// <summary>Bit 0 of byte 27: 24-byte format.</summary>
    public const byte CompatibilityFormat = 0x80;

    /// <summary>Bit 2 of byte 27: bytes 29 to 31 hold the track.</summary>
    public const byte AddressValid = 0x20;

    /// <summary>Bit 3 of byte 27: bytes 28 to 31 hold CCHH.</summary>
    public const byte ExtendedAddress = 0x10;

    /// <summary>Largest cylinder that the 12 bits of bytes 5-6 hold.</summary>
    private const int LargestShortCylinder = 4095;

    /// <summary>Nothing is wrong (a SENSE command without unit check before it).</summary>
    public static EckdSense None => default;

    /// <summary>The track has no such record, or index was passed twice.</summary>
    public static EckdSense NoRecordFound => new(0, 0x08, 0);

    /// <summary>Outside the extent, or a seek that the file mask inhibits.</summary>
    public static EckdSense FileProtected => new(0, 0x04, 0);

    /// <summary>A record does not fit the track, or has not the length the locate record named.</summary>
    public static EckdSense InvalidTrackFormat => new(0, 0x40, 0);

    /// <summary>A multitrack operation came to the cylinder's last track outside a locate-record domain.</summary>
    public static EckdSense EndOfCylinder => new(0, 0x20, 0);

    /// <summary>The volume is read-only.</summary>
    public static EckdSense WriteInhibited => new(0x80, 0x02, 0);

    /// <summary>The storage below failed; format 1, permanent.</summary>
    public static EckdSense EquipmentCheck => new(0x10, 0x80, 0x10);

    /// <summary>There is no space for a track of an ESE volume.</summary>
    public static EckdSense OutOfSpace => new(0x10, 0x82, 0, 0x01);

    /// <summary>The track in the image cannot be read as a track; format 4, permanent.</summary>
    public static EckdSense DataCheck => new(0x08, 0x80, 0x40);

    /// <summary>The volume is gone.</summary>
    public static EckdSense InterventionRequired => new(0x40, 0, 0x10);

    /// <summary>
    /// The chain ended before a locate-record domain of writes was exhausted. SA22-1025 has a message for it in the 32-byte format alone (page 206)
    /// and lets other bits stand beside bit 7 of byte 0 (page 202); command reject and no message, as Hercules gives, keeps drivers from trying
    /// again.
    /// </summary>
    public static EckdSense IncompleteDomain => new(0x81, 0, (byte)SenseMessage.None);

    /// <summary>The volume was taken by an unconditional reserve (format 3 message F, which drivers read as "reservation lost").</summary>
    public static EckdSense AllegianceTerminated => new(0x10, 0, 0x3F);

    /// <summary>The command is refused.</summary>
    public static EckdSense CommandReject(SenseMessage message) => new(0x80, 0, (byte)message);

    /// <summary>Bytes 0, 1 and 7 in hexadecimal.</summary>
    public override string ToString() => $"sense {Byte0:X2} {Byte1:X2}, format and message {Format:X2}";

    /// <summary>Writes the 32 bytes.</summary>
    public void Write(Span<byte> destination, byte unitAddress, TrackAddress at, bool addressValid = false, bool extendedAddress = false)
    {
        (int cylinder, int head) = at;
        Span<byte> sense = destination[..Size];
        sense.Clear();
        sense[0] = Byte0;
        sense[1] = Byte1;
        sense[4] = unitAddress;
        if (cylinder > LargestShortCylinder)
        {
            sense[5] = sense[6] = 0xFF;
        }
        else
        {
            sense[5] = (byte)cylinder;
            sense[6] = (byte)((cylinder >> 8 << 4) | head);
        }
        sense[7] = Format;
        if ((Format & 0xF0) == 0x40)
            at.Write(sense[8..]);
        sense[25] = Reason;
        sense[27] = (byte)(CompatibilityFormat | (addressValid ? AddressValid : 0) | (extendedAddress ? ExtendedAddress : 0));
        if (extendedAddress)
        {
            at.Write(sense[28..]);
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(sense[29..], (ushort)cylinder);
        sense[31] = (byte)head;
    }
}
