using System.Text;
using CcwFs.CommandSets.Decode;

namespace CcwFs.CommandSets.Eckd;

/// <summary>Sense in words: what it says and what usually causes it.</summary>
public static class SenseMessages
{
    private static readonly Dictionary<int, string> Formats = new()
    {
        [0x0] = "program or system check",
        [0x1] = "device equipment check",
        [0x2] = "storage-control equipment check",
        [0x3] = "storage-control control check",
        [0x4] = "data check",
        [0x5] = "data check with displacement",
        [0x6] = "usage statistics or overrun",
        [0x7] = "device-connection control check",
        [0x8] = "additional device equipment check",
        [0x9] = "device read, write or seek check",
        [0xF] = "cache storage check",
    };

    // Key: byte 7. Sources: SA22-1025, pages 202 to 214; Linux, drivers/s390/block/dasd_3990_erp.c, dasd_3990_handle_env_data. Format 0 with "message
    // to operator" off means other things: keys 0x100 and up.
    private static readonly Dictionary<int, string> Messages = new()
    {
        [0x01] = "invalid command: the control unit does not know this command code",
        [0x02] = "invalid command sequence: a predecessor is missing (no DEFINE EXTENT or LOCATE RECORD before, or another command inside the domain), or the command is not allowed here",
        [0x03] = "the CCW's count is smaller than the command's parameters",
        [0x04] = "invalid parameter: a byte of the command's data is out of range or has a reserved bit on",
        [0x05] = "a diagnostic or special command violates the file mask",
        [0x07] = "the channel came back with another CCW than the one to retry",
        [0x08] = "reset notification: the device was reset; status that was there is gone",
        [0x09] = "the storage path was restarted",
        [0x0A] = "the channel asked for something out of the ordinary (byte 8 says what)",
        [0x0B] = "the pointer to a defective or alternate track is wrong",
        [0x0C] = "dynamic path selection is not installed properly",
        [0x0D] = "summary unit check: the parallel-access configuration changed (byte 8 gives the reason)",
        [0x0E] = "the command is not allowed on the secondary of a copy pair",
        [0x0F] = "the status of the device or path is not as required (byte 8 gives the reason)",
        [0x101] = "device error",
        [0x103] = "the device is fenced",
        [0x104] = "data of this device is pinned in the cache",
        [0x11] = "device status is not as expected",
        [0x13] = "the index was not found",
        [0x14] = "the device's interruption cannot be reset",
        [0x15] = "the device did not answer the selection",
        [0x16] = "check 2 of the device, or the sector was not set",
        [0x17] = "the head address does not compare",
        [0x18] = "device status is not valid",
        [0x19] = "the device is not ready",
        [0x1A] = "the physical track address does not compare",
        [0x1B] = "an address bit of the device is missing",
        [0x1C] = "the drive motor's switch is off",
        [0x1D] = "the seek did not end",
        [0x1E] = "the cylinder address does not compare",
        [0x1F] = "the head is off its track",
        [0x28] = "check 2 of the storage control",
        [0x2E] = "error of the support facility",
        [0x2F] = "the storage control's microcode found an error",
        [0x3F] = "allegiance terminated: a reservation was lost, another system took it",
        [0x40] = "the home address cannot be read",
        [0x41] = "a count field cannot be read",
        [0x42] = "a key field cannot be read",
        [0x43] = "a data field cannot be read",
        [0x44] = "no sync byte in front of the home address",
        [0x45] = "no sync byte in front of a count field",
        [0x46] = "no sync byte in front of a key field",
        [0x47] = "no sync byte in front of a data field",
        [0x50] = "data check in the home address",
        [0x51] = "data check in a count field",
        [0x52] = "data check in a key field",
        [0x53] = "data check in a data field",
        [0x96] = "device check 2",
        [0x97] = "the head address does not compare",
        [0x9A] = "the physical track address does not compare while oriented",
        [0x9E] = "the cylinder address does not compare",
        [0xF0] = "operation terminated",
        [0xF1] = "subsystem processing error",
        [0xF2] = "cache or nonvolatile storage failed",
        [0xF4] = "caching terminated",
        [0xF6] = "cache fast write is not allowed to this program",
        [0xF7] = "the track format is not correct",
        [0xF9] = "caching started again",
        [0xFA] = "nonvolatile storage is not used any more",
        [0xFB] = "one of a pair of volumes is suspended",
        [0xFC] = "the status of the subsystem is not known",
        [0xFD] = "caching is as at the start again",
        [0xFE] = "fast write is not possible",
    };

    // Byte, mask, what usually causes it.
    private static readonly (int Byte, byte Mask, string Cause)[] Causes =
    [
        (0, 0x80, "The program asks for something this device does not do here: look at the command, its place in the chain and its parameters"),
        (0, 0x40, "The device needs a person: no volume, or not ready"),
        (0, 0x20, "Bytes were damaged on the way from the channel; try again"),
        (0, 0x10, "The device or what lies below it failed: for an emulated volume a full disk, an I/O error or a damaged image file (see the log)"),
        (0, 0x08, "Data on the track cannot be read back right: the track is damaged"),
        (0, 0x04, "Data came too late or too fast; try again"),
        (0, 0x01, "The chain ended, or went on with another command, before the LOCATE RECORD domain's count was used up"),
        (1, 0x80, "Retrying does not help"),
        (1, 0x40, "A record does not fit into what is left of the track, or the track's format does not match the command"),
        (1, 0x20, "A multitrack operation ran over the cylinder's last head"),
        (1, 0x08,
            "The searched record is not on the track (the index came round twice): wrong record number, wrong track, or the track is not formatted"),
        (1, 0x04, "The track is outside the extent of DEFINE EXTENT, or the file mask forbids the seek or the write"),
        (1, 0x02, "The volume is read-only, or writing is switched off"),
        (1, 0x01, "The error belongs to an earlier command than the one that shows it"),
    ];

    /// <summary>Names the message format in the high four bits of byte 7; an unknown one is "reserved".</summary>
    public static string FormatName(int format) => Formats.GetValueOrDefault(format, "reserved");

    /// <summary>
    /// One paragraph: the names of all bits that are on in bytes 0 to 2, the message of byte 7, the track, the usual causes.
    /// Fewer than 24 bytes are taken as if zeros followed.
    /// </summary>
    public static string Explain(ReadOnlySpan<byte> sense)
    {
        Span<byte> bytes = stackalloc byte[SenseFormat.FullSize];
        sense[..Math.Min(sense.Length, bytes.Length)].CopyTo(bytes);
        if (bytes.IndexOfAnyExcept((byte)0) < 0)
            return "no sense: nothing to report.";

        var text = new StringBuilder(Names(bytes));
        if (Message(bytes) is { } message)
            text.Append($"; format {bytes[7] >> 4:X} message {bytes[7] & 15:X}: {message}");
        text.Append('.');
        foreach ((int index, byte mask, string cause) in Causes)
        {
            if ((bytes[index] & mask) != 0)
                text.Append(' ').Append(cause).Append('.');
        }

        if (sense.Length == SenseFormat.FullSize && (bytes[27] & 0x80) == 0 && bytes[25] != 0)
            text.Append($" The bytes are in the 32-byte format (bit 0 of byte 27 is off): recovery action {bytes[25]:X2}.");
        if ((bytes[27] & 0x90) == 0x90)
            text.Append($" Track: cylinder {(bytes[30] << 20) | (bytes[31] >> 4 << 16) | (bytes[28] << 8) | bytes[29]}, head {bytes[31] & 15}.");
        else if ((bytes[27] & 0x20) != 0)
            text.Append($" Track: cylinder {(bytes[29] << 8) | bytes[30]}, head {bytes[31]}.");
        else if (bytes[7] >> 4 != 0)
            text.Append($" Track: cylinder {((bytes[6] >> 4) << 8) | bytes[5]}, head {bytes[6] & 15}.");
        return text.ToString();
    }

    /// <summary>The names of the bits that are on in bytes 0 to 2: "command reject, write inhibited"; "no error bit" when there is none.</summary>
    public static string Names(ReadOnlySpan<byte> sense)
    {
        var names = new List<string>();
        Add(0, SenseTables.Byte0, sense, names);
        Add(1, SenseTables.Byte1, sense, names);
        Add(2, SenseTables.Byte2, sense, names);
        return names.Count == 0 ? "no error bit" : string.Join(", ", names);
    }

    /// <summary>The message of byte 7 in words; null when there is none or it is not known.</summary>
    public static string? Message(ReadOnlySpan<byte> sense)
    {
        if (sense.Length < 8 || sense[7] == 0)
            return null;
        // Format 0 says two things by one number; command reject is always of the first kind.
        bool second = sense[7] >> 4 == 0 && (sense[0] & 0x80) == 0 && (sense[1] & 0x10) == 0;
        return Messages.GetValueOrDefault(second ? sense[7] | 0x100 : sense[7])
            ?? Messages.GetValueOrDefault(sense[7])
            ?? FormatName(sense[7] >> 4);
    }

    private static void Add(int index, string[] bits, ReadOnlySpan<byte> sense, List<string> names)
    {
        if (index < sense.Length && sense[index] != 0)
            names.Add(BitNames.Join(sense[index], bits));
    }
}
