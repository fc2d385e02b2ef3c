namespace CcwFs.ChannelIo;

/// <summary>
/// Channel-command codes that the channel itself, or every device, knows (SA22-7832, chapter 15; the device's own codes are
/// in its manual). The two low bits say the kind: 01 write, 10 read, 11 control; 0100 sense; 1000 transfer in channel; 1100 read backward.
/// </summary>
public static class CommandCode
{
    /// <summary>WRITE (basic).</summary>
    public const byte Write = 0x01;

    /// <summary>READ (basic); READ IPL on a DASD.</summary>
    public const byte Read = 0x02;

    /// <summary>NO OPERATION.</summary>
    public const byte NoOperation = 0x03;

    /// <summary>SENSE (basic sense).</summary>
    public const byte Sense = 0x04;

    /// <summary>TRANSFER IN CHANNEL, format 1.</summary>
    public const byte TransferInChannel = 0x08;

    /// <summary>READ BACKWARD (basic).</summary>
    public const byte ReadBackward = 0x0C;

    /// <summary>SENSE ID.</summary>
    public const byte SenseId = 0xE4;

    /// <summary>A command code that the channel itself refuses: low four bits zero (invalid command, program check).</summary>
    public static bool IsInvalid(byte command) => (command & 0x0F) == 0;

    /// <summary>The data goes from the device to storage: read (10), read backward (1100) or sense (0100).</summary>
    public static bool MovesToStorage(byte command) =>
        (command & 0x03) == 0x02 || (command & 0x0F) is 0x04 or 0x0C;
}
