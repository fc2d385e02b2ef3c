using System.Text.Json;

namespace CcwFs.Tests.Subchannel;

/// <summary>What the captured cases contain that this part does not decide, each with its reason, and what the capture did outside its ops.</summary>
internal static class RegionExceptions
{
    public const string DeviceFile = "the VFIO device file: info, irq and map ioctls, raw offsets, reopening";
    public const string Pointer = "memory of a calling process";
    public const string Removal = "removal while open belongs to the device file's request loop";
    public const string Eventfd = "an eventfd of the client is taken away or replaced";
    public const string Positive = "ours: a positive or out-of-range ret_code is not a write's result";
    public const string Queue = "ours: several unread IRBs are queued";
    public const string Suspended = "ours: a suspended program stays pending";
    public const string Defect = "a defect of the kernel that we do not copy";
    public const string Presumes = "presumes hardware that ends at once";
    public const string ByteOrder = "one byte of a host-endian field on a big-endian host";
    public const string DeferredCode = "the captured hardware defers condition code 3, ours gives it at once";
    public const string CutField = "a part of a field that lies elsewhere in the client's byte order";
    public const string ForeignAddress = "ours: a CCW address of the kernel's own is not shown";
    public const string Hardware = "the captured hardware's own";

    /// <summary>In place of an op's index: what a case ends with.</summary>
    public const int End = -1;

    private static readonly Dictionary<string, string> s_cases = new()
    {
        ["mutex.read_blocked"] = Pointer,
        ["mutex.write_blocked"] = Pointer,
        ["rw.bad_buffer_write_io"] = Pointer,
        ["cmd.partial.high_byte"] = ByteOrder,
        ["life.close_reopen.regions"] = DeviceFile,
        ["life.close_while_suspended"] = DeviceFile,
        ["life.close_pending_interrupt"] = DeviceFile,
        ["life.remove_mdev_while_open"] = Removal,
        ["life.remove_mdev_close"] = Removal,
        ["inj.no_eventfd"] = Eventfd,
        ["crw.no_eventfd"] = Eventfd,
        ["inj.before_eventfd_read_three"] = Queue,
        ["inj.final_then_unsolicited_before_work"] = Queue,
        ["lpm.lpm40"] = DeferredCode,
        ["io.two_starts_no_wait"] = Presumes,
    };

    private static readonly Dictionary<(string Case, int Op), string> s_ops = new()
    {
        [("dma.data.unaligned_just_below_map", 3)] = Defect,
        [("dma.data.unaligned_just_below_map", 4)] = Defect,
        [("dma.data.unaligned_just_below_map", 5)] = Defect,
        [("dma.data.unaligned_just_below_map", 6)] = Defect,
        [("crw.partial_read_consumes", 21)] = Pointer, // the read into a bad pointer took one
        [("inj.susp_intermediate", 8)] = Suspended,
        [("inj.susp_intermediate", End)] = Suspended,
        [("cp.nop_pci.sid", End)] = Hardware, // gives no intermediate interrupt for PCI
        [("lpm.senseid_after_lpm40", 1)] = DeferredCode,
        [("lpm.senseid_after_lpm40", 2)] = DeferredCode,
        [("lpm.senseid_after_lpm40", 3)] = DeferredCode,
        [("disabled.reset", 12)] = Hardware, // STORE SUBCHANNEL works on a disabled subchannel; ours has gone
    };

    /// <summary>Cases whose memory shows more of the captured hardware than of the driver: how much it moves, and when.</summary>
    private static readonly HashSet<string> s_foreignMemory =
    [
        "dma.data.across_adjacent_maps", "dma.idaw.fmt2_offset", "dma.idaw.fmt2_i2k_two", "dma.idaw.fmt2_i2k_second_at_800", "dma.idaw.fmt1_two",
        "cp.sid.count64_nosli", "cp.sid.count3_sli", "cp.sid.count1_sli", "cp.sid.cross_page", "cp.sense.24_nosli", "cp.tic.into_middle",
        "cp.dc.sid_two", "cp.second_is_il", "u3270.attention_then_read", "cp.csense0.reject", "cp.csense1.reject", "cp.reject_then_start_sense",
            "cp.tic.first",
        "cp.first_is_il_chained", "cp.readconf22", "cp.readconf22.count8",
    ];

    private static readonly Dictionary<(string Case, int Op), string> s_causes = new()
    {
        [("u3270.attention_then_read", 0)] = "attention",
        [("u3270.attention_while_suspended", 5)] = "attention",
        [("u3270.attention_while_masked_then_start", 2)] = "attention",
        [("u3270.disconnect", 0)] = "device end",
        [("unplug.device_del_while_open", 2)] = "unplug",
        [("unplug.while_suspended", 5)] = "unplug",
        [("pend.hsch.reset", 2)] = "reset",
        [("dma.high.cpa_above_2g", 2)] = "ccw in the extra map",
        [("dma.high.fmt0_cpa_above_16m", 2)] = "ccw in the extra map",
    };

    /// <summary>
    /// Cases that read a part of an IRB and wait for the next one, and where: through the device file the next is signalled when all of it was read.
    /// </summary>
    private static readonly Dictionary<string, int> s_readInPart = new()
    {
        ["inj.primary_then_secondary.device_active"] = 10,
        ["inj.primary_then_secondary.no_actl"] = 10,
    };

    /// <summary>The case that hands the driver an IRB with an address of neither the program nor the driver, behind the program's end.</summary>
    private const string ForeignCase = "inj.primary_then_secondary.no_actl";

    public static string? EndReason(string name, RegionDoor door) =>
        door == RegionDoor.DeviceFile && s_readInPart.ContainsKey(name) ? Queue :
        door == RegionDoor.Backend && name == ForeignCase ? ForeignAddress : s_ops.GetValueOrDefault((name, End));

    public static string? Cause(string name, int op) => s_causes.GetValueOrDefault((name, op));

    public static string? Reason(string name, int index, JsonElement op, RegionDoor door)
    {
        if (door == RegionDoor.Backend && name == ForeignCase && index == 12)
            return ForeignAddress;
        if (door == RegionDoor.DeviceFile && s_readInPart.TryGetValue(name, out int from) && index >= from)
            return Queue;
        if (s_cases.TryGetValue(name, out string? whole) || s_ops.TryGetValue((name, index), out whole))
            return whole;
        string kind = op.GetProperty("op").GetString()!;
        return kind switch
        {
            "ioctl" or "reopen" or "open again" => DeviceFile,
            _ when name.StartsWith("irq.", StringComparison.Ordinal) => DeviceFile,
            "peek" when s_foreignMemory.Contains(name) => Hardware,
            _ when op.TryGetProperty("abs", out _) || kind.StartsWith("set_irqs", StringComparison.Ordinal) => DeviceFile,
            _ when kind.Contains("pointer", StringComparison.Ordinal) || kind.StartsWith("thread", StringComparison.Ordinal) => Pointer,
            "pwrite" when IsOwnResult(op) => Positive,
            "map_dma" when op.GetProperty("what").GetString() is "bad flags" or "unaligned vaddr" => DeviceFile,
            _ => null,
        };
    }

    /// <summary>The kernel returns the caller's own ret_code, which FUSE cannot carry.</summary>
    private static bool IsOwnResult(JsonElement op)
    {
        int result = op.GetProperty("ret").GetInt32();
        int errno = result == -1 && op.TryGetProperty("errno", out JsonElement number) ? number.GetInt32() : 0;
        return (result > 0 && result != op.GetProperty("len").GetInt32()) || errno > 511 || result < -1;
    }

    /// <summary>
    /// What a case ends with is not compared: it varies, or the case did not begin with the reset and the zeroed regions of the others.
    /// </summary>
    public static bool IsEndOpen(string name, JsonElement source) =>
        !source.TryGetProperty("prep", out _) || name.StartsWith("irq.", StringComparison.Ordinal)
        || s_cases.ContainsKey(name) || (source.TryGetProperty("end_volatile", out JsonElement open) && open.GetBoolean());
}
