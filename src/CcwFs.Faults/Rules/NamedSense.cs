using CcwFs.CommandSets;

namespace CcwFs.Faults.Rules;

/// <summary>
/// Sense that has a name. Sources: SA22-7204 (byte 0), SA22-1025 (24 bytes of a 3990), the recovery actions of 32-byte sense as drivers of ECKD
/// devices act on them (byte 25, where bit 0 of byte 27 is off).
/// </summary>
/// <param name="Name">Its name.</param>
/// <param name="Places">Bytes that are not zero: place and value.</param>
/// <param name="Help">What it says, in one sentence.</param>
internal sealed record NamedSense(string Name, (int At, byte Value)[] Places, string Help)
{
    private const int Format = 27;           // the byte that says the format of the sense
    private const byte BasicFormat = 0x80;   // 24 bytes
    private const int Recovery = 25;         // the recovery action, of 32 bytes
    private const int Message = 7;

    /// <summary>Every name.</summary>
    internal static readonly NamedSense[] All =
    [
        Basic("command_reject", "The device does not do what the program asks for.", (0, 0x80)),
        Basic("intervention_required", "The device is not ready: somebody must look after it.", (0, 0x40)),
        Basic("bus_out_check", "Bytes came damaged over the path.", (0, 0x20)),
        Basic("equipment_check", "Something in the device has failed.", (0, 0x10)),
        Basic("data_check", "Data of the medium cannot be read.", (0, 0x08)),
        Basic("overrun", "Data came too late.", (0, 0x04)),
        Basic("write_inhibited", "The volume is read-only.", (0, 0x80), (1, 0x02)),
        Basic("file_protected", "A seek left the extent.", (1, 0x04)),
        Basic("equipment_check_permanent", "Something in the device has failed for good.", (0, 0x10), (1, 0x80)),
        Basic("data_check_permanent", "Data of the medium cannot be read, and never will be.", (0, 0x08), (1, 0x80)),
        Eckd("data_check_correctable", "Data of the medium was read with an error that can be corrected.", (0, 0x08), (2, 0x40)),
        Eckd("storage_path_inhibited", "An equipment check has taken away the right to write over this path.", (0, 0x10), (1, 0x02)),
        Eckd("invalid_track_format", "The track is not formatted as it should be.", (1, 0x40)),
        Eckd("end_of_cylinder", "A multitrack operation came to the end of the cylinder.", (1, 0x20)),
        Eckd("no_record_found", "The record is not on the track.", (1, 0x08)),
        Eckd("secondary_command", "The command is not allowed on the secondary of a copy pair.", (0, 0x80), (Message, 0x0E)),
        Eckd("summary_unit_check", "The configuration of the parallel-access volumes has changed.", (0, 0x80), (Message, 0x0D), (8, 0x01)),
        Eckd("reserve_lost", "Another host has taken the reserved volume.", (0, 0x10), (Message, 0x3F)),
        Long("action_retry", "Recovery action 00: repeat the program.", (0, 0x10), (Recovery, 0x00)),
        Long("action_fatal", "Recovery action 01: the error is permanent.", (0, 0x10), (Recovery, 0x01)),
        Long("action_intervention", "Recovery action 02: somebody must look after the device.", (0, 0x40), (Recovery, 0x02)),
        Long("action_intervention_unit", "Recovery action 03: somebody must look after the control unit.", (0, 0x40), (Recovery, 0x03)),
        Long("action_logged", "Recovery action 0F: the operation ended well, and something was logged.", (0, 0x10), (Recovery, 0x0F)),
        Long("action_restart", "Recovery action 10: go on behind the error, where bytes 8 and on say.", (0, 0x10), (Recovery, 0x10)),
        Long("action_outside_extent", "Recovery action 15: the next track is outside of the extent.", (1, 0x04), (Recovery, 0x15)),
        Long("action_write_condition", "Recovery action 1B: something unexpected happened in a write.", (0, 0x10), (Recovery, 0x1B)),
        Long("action_unrecoverable", "Recovery action 1C: data may be damaged, and the system must stop.", (0, 0x10), (Recovery, 0x1C)),
        Long("action_state_change", "Recovery action 1D: wait for the end of a state change.", (0, 0x10), (Recovery, 0x1D)),
        Long("action_busy", "Recovery action 1E: the device is busy for a while.", (0, 0x10), (Recovery, 0x1E)),
        Long("action_compound_retry", "A compound action that begins with a retry.", (0, 0x10), (Recovery, 0x80)),
        Long("action_compound_path", "A compound action that takes another path.", (0, 0x10), (Recovery, 0x88)),
        Long("no_space", "The volume takes space on demand, and there is none left.", (0, 0x10), (1, 0x82), (Recovery, 0x01)),
        Long("service_message", "A service information message: the machine asks for a service technician.",
            (0, 0x10), (6, 0x0F), (22, 0xFE), (23, 0x01), (24, 0x03)),
    ];

    /// <summary>It is of the 3990 alone.</summary>
    private bool IsEckd { get; init; }

    /// <summary>The bytes that are not zero and all before them, in hex.</summary>
    internal string Hex => Convert.ToHexStringLower(Bytes(Places.Max(place => place.At) + 1));

    /// <summary>A name of the device's family, or 24 or 32 bytes in hex; gives null, or what is wrong.</summary>
    internal static string? TryParse(string text, FaultTarget target, out byte[] sense)
    {
        sense = [];
        int size = target.Commands.Sense.Size;
        NamedSense[] own = [.. All.Where(row => !row.IsEckd || target.Commands == Families.Eckd)];
        if (Array.Find(own, row => row.Name == text) is { } named)
        {
            sense = named.Bytes(target.Commands == Families.Eckd ? SenseFormat.FullSize : SenseFormat.BasicSize);
            return null;
        }
        bool isHex = text.Length is 2 * SenseFormat.BasicSize or 2 * SenseFormat.FullSize && text.All(char.IsAsciiHexDigit);
        if (!isHex)
            return WordHints.Unknown("sense", text, own.Select(row => row.Name), "it is a name of ccwfs-faults(7), or 24 or 32 bytes in hex");
        sense = Convert.FromHexString(text);
        return sense.Length <= size ? null : $"{target.Commands.Device} has {size} bytes of sense";
    }

    private static NamedSense Basic(string name, string help, params (int At, byte Value)[] places) =>
        new(name, [.. places, (Format, BasicFormat)], help);

    private static NamedSense Eckd(string name, string help, params (int At, byte Value)[] places) =>
        Basic(name, help, places) with { IsEckd = true };

    private static NamedSense Long(string name, string help, params (int At, byte Value)[] places) => new(name, places, help) { IsEckd = true };

    private byte[] Bytes(int size)
    {
        byte[] bytes = new byte[size];
        foreach ((int at, byte value) in Places)
        {
            if (at < size)
                bytes[at] = value;
        }
        return bytes;
    }
}
