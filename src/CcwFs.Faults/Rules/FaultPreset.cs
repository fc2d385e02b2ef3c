namespace CcwFs.Faults.Rules;

/// <summary>Rules with a name, which says what they exercise. What Linux makes of each was seen with its drivers, and is in the help.</summary>
/// <param name="Name">The name.</param>
/// <param name="Help">What it is for, in one sentence.</param>
/// <param name="Rules">Its rules; those for now act when it is added.</param>
internal sealed record FaultPreset(string Name, string Help, params string[] Rules)
{
    private const string Data = "read.write";

    /// <summary>Every preset, in the order of ccwfs-faults(7).</summary>
    internal static readonly FaultPreset[] All =
    [
        // Sense of 24 bytes.
        Check("command_reject", "The device rejects one program: the request fails."),
        Check("write_inhibited", "The volume is read-only for one write: the request fails.", "write"),
        Check("secondary_command", "One command is not allowed on the secondary of a copy pair: the request fails."),
        new("intervention_required", "The device is not ready for two programs: the driver waits for a state change or a minute.",
            $"{Data} times=2 -> check intervention_required"),
        Check("bus_out_check", "Bytes of one program came damaged over the path: it is repeated on another path."),
        Check("equipment_check", "One program meets a failure of the device: it is repeated."),
        Check("equipment_check_permanent", "One program meets a permanent failure of the device: it is repeated."),
        Check("storage_path_inhibited", "One write meets an equipment check that takes away the right to write: the driver goes on by another path.", "write"),
        Check("data_check", "Data cannot be read by one program: it is repeated."),
        new("data_check_permanent", "Data can never be read: the driver repeats its program, and then the request fails.",
            "read -> check data_check_permanent"),
        Check("data_check_correctable", "Data was read with an error that can be corrected. Linux panics.", "read"),
        Check("overrun", "Data came too late for one program: it is repeated."),
        Check("invalid_track_format", "One program finds a track that is not formatted: the request fails."),
        Check("end_of_cylinder", "One multitrack program comes to the end of the cylinder: the request fails."),
        Check("no_record_found", "One program does not find its record: the request fails."),
        Check("file_protected", "One program leaves its extent: the request fails."),
        // Sense of 32 bytes, by its recovery action.
        Check("action_retry", "Recovery action 00 for one program: it is repeated."),
        Check("action_fatal", "Recovery action 01 for one program: the request fails."),
        Check("action_intervention", "Recovery action 02: the driver waits for the device."),
        Check("action_intervention_unit", "Recovery action 03: the driver waits for the control unit."),
        Check("action_logged", "Recovery action 0F for one program: Linux does not know it, and the request fails."),
        Check("action_restart", "Recovery action 10 for one program: the driver goes on behind the error, or repeats it.", "read"),
        Check("action_outside_extent", "Recovery action 15 for one program: the next track is outside of the extent, and the request fails."),
        Check("action_write_condition", "Recovery action 1B for one write: something unexpected happened. Linux panics.", "write"),
        Check("action_unrecoverable", "Recovery action 1C: data may be damaged. Linux panics."),
        Check("action_state_change", "Recovery action 1D twice: the driver waits for the end of a state change, or 30 seconds.", times: 2),
        Check("action_busy", "Recovery action 1E twice: the driver waits a second.", times: 2),
        Check("action_compound_retry", "A compound recovery action that begins with a retry."),
        Check("action_compound_path", "A compound recovery action that takes another path."),
        // Messages.
        Check("service_message", "A service information message comes with the status of one program, which is repeated."),
        new("service_message_unsolicited", "A service information message comes by itself.", "now -> unsolicited unit_check sense=service_message"),
        new("summary_unit_check", "The device says that the parallel-access volumes have changed.",
            "now -> unsolicited unit_check sense=summary_unit_check"),
        new("state_change", "The device says that its state has changed: what waits for it goes on.",
            "now -> unsolicited attention+device_end+exception"),
        new("attention", "The device wants attention: the driver reads its messages.", "now -> unsolicited attention"),
        Message("path_quiesce", "0e010100000001000000000000", "The control unit asks for the path of this message to be left: service begins."),
        Message("path_resume", "0e010200000002000000000000", "The control unit says that the path of this message can be used again: service has ended."),
        Message("pool_warning", "1006035a0000000000000000000000", "The control unit says that little space is left in the extent pool: what waits for space is tried again."),
        Message("pool_exhausted", "100604640000000000000000000000", "The control unit says that the extent pool has no space left."),
        Message("pool_relieved", "100606000000000000000000000000", "The control unit says that the extent pool has space again."),
        // Channel status.
        Channel("interface_check", "interface", "One interface-control check: the program is repeated."),
        Channel("channel_control_check", "control", "One channel-control check: the program is repeated."),
        Channel("channel_data_check", "data", "One channel-data check: the program is repeated."),
        Channel("chaining_check", "chaining", "One chaining check."),
        Channel("program_check", "program", "One program check: the program is repeated, or fails."),
        Channel("protection_check", "protection", "One protection check: the program is repeated, or fails."),
        Channel("incorrect_length", "length", "One incorrect length."),
        Channel("early_interruption", "pci", "The status of one program has the bit of a program-controlled interruption."),
        new("path_errors", "Every second program meets an interface-control check: the driver counts them, and gives a path up that has too many.",
            $"{Data} every=2 -> channel interface"),
        new("path_errors_endless", "Interface-control checks without end: the driver repeats one program, and then the request fails.",
            $"{Data} -> channel interface"),
        // Condition codes.
        new("start_status_pending", "One START meets status that is pending: condition code 1.", "start once -> cc 1"),
        new("start_busy", "One START finds the subchannel busy: condition code 2.", "start once -> cc 2"),
        new("start_not_operational", "One START finds no path: condition code 3.", "start once -> cc 3"),
        new("deferred_status", "One START ends with deferred condition code 1: the driver starts again.", "start once -> deferred 1"),
        new("deferred_not_operational", "One START ends with deferred condition code 3: the driver verifies its paths.", "start once -> deferred 3"),
        new("halt_busy", "One HALT finds the subchannel busy. The DASD driver of Linux gives none.", "halt once -> cc 2"),
        new("clear_not_operational", "One CLEAR finds no subchannel.", "clear once -> cc 3"),
        // Interrupts.
        new("lost_interrupt", "The interrupt of one program never comes: the driver's timer ends it.", $"{Data} once -> lose"),
        new("late_interrupt", "The interrupt of one program comes two seconds late.", $"{Data} once -> delay 2s"),
        new("double_interrupt", "The interrupt of one program comes twice.", $"{Data} once -> double"),
        new("intermediate_status", "Intermediate status comes before the end of one program.", $"{Data} once -> intermediate"),
        new("late_device_end", "Device end of one program comes a second after channel end.", $"{Data} once -> late_end 1s"),
        new("unit_exception", "One program ends with unit exception.", $"{Data} once -> status channel_end+device_end+exception"),
        new("device_busy", "The device is busy for one program.", "start once -> status busy"),
        new("slow_device", "Every program takes a tenth of a second longer.", "start -> delay 100ms"),
        // Paths and reports.
        new("path_off", "Channel path 40 goes away. path_on brings it back.", "now -> path_off 40"),
        new("path_on", "Channel path 40 comes back.", "now -> path_on 40"),
        new("path_flap", "Channel path 40 goes away and comes back, several times in a second.", "now -> path_flap 40"),
        new("report_overflow", "A channel report says that others were lost: the system looks at everything again.", "now -> crw 24020040"),
        new("report_wrong", "Channel reports come for a path that is not there, in an odd order. Linux 6.12 ends the thread that takes reports.", "now -> crw 040200ff", "now -> crw 040600ff"),
        // Other hosts.
        new("reserve_lost", "Another host has taken the volume that this one had reserved.", "now -> unsolicited unit_check sense=reserve_lost"),
        new("boxed", "Another host has the volume: it is busy, until it is reserved without asking.",
            "SENSE_PATH_GROUP_ID state=!unboxed -> data 0:20 corrupt", "UNCONDITIONAL_RESERVE -> pass set=unboxed",
            $"{Data} state=!unboxed -> status busy"),
        new("path_group_lost", "The path group is gone at the next look: the system makes it anew.", "SENSE_PATH_GROUP_ID once -> data 0:00 corrupt"),
        // Space, and writing.
        Check("no_space", "One write finds no space on a volume that takes it on demand: the driver waits for space.", "write"),
        new("read_only", "From now on every write is refused.", "write -> check write_inhibited"),
        // Data.
        new("bit_flip", "A bit of one block is another.", "read once -> flip 100 corrupt"),
        new("torn_write", "Of one write only the first 512 bytes arrive.", "write once -> torn 512 corrupt"),
        new("dropped_write", "One write is not done, and the answer says that it was.", "write once -> drop corrupt"),
        new("stale_read", "One read stores nothing: the reader sees what was in its storage.", "read once -> stale corrupt"),
        new("wrong_record", "One program works on the record beside the one that it names.", "PREFIX once -> flip 56 corrupt"),
    ];

    /// <summary>Its rules with commas between, for people.</summary>
    internal string Text => string.Join(", ", Rules);

    private static FaultPreset Check(string name, string help, string what = Data, int times = 1) =>
        new(name, help, $"{what} {(times == 1 ? "once" : $"times={times}")} -> check {name}");

    /// <summary>Attention, and what the driver reads then (READ SUBSYSTEM DATA after the order for the message buffer).</summary>
    private static FaultPreset Message(string name, string bytes, string help) =>
        new(name, help, $"READ_SUBSYSTEM_DATA once -> data 0:00{bytes} corrupt", "now -> unsolicited attention");

    private static FaultPreset Channel(string name, string bit, string help) => new(name, help, $"{Data} once -> channel {bit}");
}
