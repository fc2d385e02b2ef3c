using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace CcwFs.GuestTests;

/// <summary>
/// What Linux makes of the presets of faults. Rules are added from outside while the guest runs; each is removed before the next. None of them may
/// hang the guest or ccwfs, and where Linux itself fails, ccwfs is well.
/// </summary>
public sealed class FaultTests(ITestOutputHelper output) : GuestTest(output)
{
    private const string First = "0.0.0000", Second = "0.0.0001", Third = "0.0.0002";

    private const string Prepare = "for d in /sys/bus/ccw/devices/0.0.015*; do echo 2 >$d/expires; echo 4 >$d/retries; done; dmesg -c >/dev/null";

    private const string Read = "dd if=/dev/dasda of=/dev/null bs=4096 skip=1000 count=2 iflag=direct",
        Write = "dd if=/dev/zero of=/dev/dasda bs=4096 seek=1000 count=2 oflag=direct";

    private static readonly string s_readSecond = Read.Replace("dasda", "dasdb", StringComparison.Ordinal) + " status=none";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Presets, whether what meets them fails, and what the driver says; a write where a write is needed. The block layer tells of ten errors in five
    /// seconds at most.
    /// </summary>
    private static readonly (string Preset, string Script, bool Fails, string Says)[] s_rows =
    [
        ("command_reject", Read, true, "I/O error, dev dasda, sector 8000 op 0x0"),
        ("write_inhibited", Write, true, "rejected because writing is inhibited"),
        ("secondary_command", Read, true, "rejected on a copy pair secondary device"),
        ("bus_out_check", Read, false, ""),
        ("equipment_check", Read, false, ""),
        ("equipment_check_permanent", Read, false, ""),
        ("storage_path_inhibited", Write, false, "Write inhibited path encountered"),
        ("data_check", Read, false, ""),
        ("data_check_permanent", Read, true, ""),
        ("overrun", Read, false, ""),
        ("invalid_track_format", Read, true, ""),
        ("end_of_cylinder", Read, true, ""),
        ("no_record_found", Read, true, ""),
        ("file_protected", Read, true, ""),
        ("action_retry", Read, false, ""),
        ("action_fatal", Read, true, ""),
        ("action_logged", Read, true, ""),
        ("action_restart", Read, false, ""),
        ("action_outside_extent", Read, true, ""),
        ("action_busy", Read, false, ""),
        ("action_compound_retry", Read, false, ""),
        ("action_compound_path", Read, false, ""),
        ("service_message", Read, false, "SIM - SRC"),
        ("interface_check", Read, false, ""),
        ("channel_control_check", Read, false, ""),
        ("channel_data_check", Read, false, ""),
        ("chaining_check", Read, false, ""),
        ("program_check", Read, false, ""),
        ("protection_check", Read, false, ""),
        ("incorrect_length", Read, false, ""),
        ("early_interruption", Read, false, ""),
        ("start_status_pending", Read, false, ""),
        ("start_busy", Read, false, ""),
        ("deferred_status", Read, false, ""),
        ("deferred_not_operational", Read, false, ""),
        ("start_not_operational", Read, false, ""),
        ("lost_interrupt", Read, false, "CQR timed out (2s), 3 retries remaining"),
        ("double_interrupt", Read, false, ""),
        ("late_device_end", Read, false, ""),
        ("intermediate_status", Read, false, ""),
        ("unit_exception", Read, false, ""),
        ("device_busy", Read, false, ""),
        ("slow_device", Read, false, ""),
        ("read_only", Write, true, "rejected because writing is inhibited"),
    ];

    /// <summary>Those of them that act until they are removed.</summary>
    private static readonly string[] s_endless = ["data_check_permanent", "slow_device", "read_only"];

    /// <summary>Presets that act at once, and what the kernel says.</summary>
    private static readonly (string Preset, string Says)[] s_events =
    [
        ("service_message_unsolicited", "SIM - SRC"),
        ("summary_unit_check", ""),
        ("state_change", ""),
        ("attention", ""),
        ("path_off", "erc=6, rsid=40"),
        ("path_on", "erc=2, rsid=40"),
        ("path_flap", "erc=6, rsid=40"),
        ("report_overflow", "oflw=1"),
    ];

    [Fact]
    public void Linux_repeats_what_it_can_and_reports_the_rest()
    {
        using MountedCcwfs mounted = MountVolumes(1);
        using Guest guest = Online(mounted, First);
        foreach ((string preset, string script, bool fails, string says) in s_rows)
        {
            Inject(mounted, First, preset);
            string answer = guest.Ok($"{script} status=none 2>&1 && echo well || echo failed; dmesg -c", s_patience);
            Assert.True(answer.Split('\n').Contains(fails ? "failed" : "well"), $"{preset}: {answer}");
            Assert.True(answer.Contains(says, StringComparison.Ordinal), $"{preset} does not say '{says}': {answer}");
            if (Array.IndexOf(s_endless, preset) >= 0)
                mounted.Ccwfs("fault", First, "remove", "all").Ok();
        }
        guest.Ok(Read + " status=none; test $(cat /sys/bus/ccw/devices/0.0.0150/status) = online", s_patience);
        using (JsonDocument rules = JsonDocument.Parse(mounted.Ccwfs("fault", First, "list", "--json").Ok().Output))
            Assert.All(rules.RootElement.EnumerateArray(), rule => Assert.True(rule.GetProperty("injected").GetInt64() > 0, rule.ToString()));
        Assert.True(Injected(mounted, First) >= s_rows.Length);
        foreach ((string preset, string says) in s_events)
        {
            Inject(mounted, First, preset);
            string wait = says.Length > 0 ? Until($"dmesg | grep '{says}'") : "true";
            string answer = guest.Ok($"{Read} status=none; {wait}; dmesg -c", s_patience);
            Assert.True(answer.Contains(says, StringComparison.Ordinal), $"{preset} does not say '{says}': {answer}");
        }
        guest.Halt();
        mounted.Dispose();
        Volume.Check(Scratch.At("v0.ckd"));
    }

    [Fact]
    public void Linux_waits_for_devices_paths_and_other_hosts()
    {
        using MountedCcwfs mounted = MountVolumes(3);
        using Guest guest = Online(mounted, First, Second, Third);
        Inject(mounted, First, "intervention_required");
        guest.Ok($"({Read} status=none && touch /run/done) >/run/log 2>&1 &\n{Until("dmesg | grep INTERVENTION")}; test ! -e /run/done", s_patience);
        Inject(mounted, First, "state_change");
        guest.Ok(Until("test -e /run/done"), s_patience);
        mounted.Ccwfs("fault", First, "remove", "all").Ok();

        Inject(mounted, First, "path_errors_endless");
        guest.Ok($"({Read} status=none) >/run/log 2>&1 &\n{Until("dmesg | grep 'cannot be reached on any path'")}", s_patience);
        mounted.Ccwfs("fault", First, "remove", "all").Ok();
        guest.Ok(Until($"{Read} status=none"), s_patience);

        Assert.Equal("reserved", guest.Ok("tunedasd -S /dev/dasdb >&2; cat /sys/bus/ccw/devices/0.0.0151/last_known_reservation_state").Split('\n')[^1]);
        Inject(mounted, Second, "reserve_lost");
        guest.Ok(Until("dmesg | grep 'The device reservation was lost'"), s_patience);

        Inject(mounted, Second, "lost_interrupt");
        Inject(mounted, Second, "clear_not_operational");
        guest.Ok(s_readSecond, s_patience);
        Assert.Equal(3, Injected(mounted, Second));

        Inject(mounted, Third, "boxed");
        guest.Ok("chccwdev -d 0.0.0152");
        guest.Run("chccwdev -e 0.0.0152", s_patience).Failed();
        Assert.Equal("boxed", guest.Ok("cat /sys/bus/ccw/devices/0.0.0152/availability"));
        guest.Ok("chccwdev -f -e 0.0.0152; test $(cat /sys/bus/ccw/devices/0.0.0152/availability) = good", s_patience);
        mounted.Ccwfs("fault", Third, "remove", "all").Ok();
        Inject(mounted, Third, "path_group_lost");
        guest.Ok("chccwdev -d 0.0.0152; chccwdev -e 0.0.0152", s_patience);

        Inject(mounted, First, "no_space");
        long before = Injected(mounted, First);
        guest.Ok($"({Write} status=none && touch /run/space) >/run/log 2>&1 &");
        Assert.True(SpinWait.SpinUntil(() => Injected(mounted, First) > before, s_patience), "no write came");
        guest.Ok("test ! -e /run/space");
        AssertWell(mounted, Third);
    }

    [Fact]
    public void Linux_gives_paths_up_and_takes_them_back()
    {
        using MountedCcwfs mounted = MountVolumes(2);
        using Guest guest = Online(mounted, First, Second);
        foreach ((string preset, string seen) in (ReadOnlySpan<(string, string)>)
            [
                ("path_quiesce", "grep '^40 00 00 80' /sys/bus/ccw/devices/0.0.0151/path_masks"), // operational; … of those in service
                ("path_resume", "grep '^c0 00 00 00' /sys/bus/ccw/devices/0.0.0151/path_masks"),
                ("pool_warning", "dmesg | grep 'reached a critical value'"), ("pool_exhausted", "dmesg | grep 'Extent pool is exhausted'"),
                ("pool_relieved", "dmesg | grep 'has been relieved'"),
            ])
        {
            Message(mounted, guest, preset, seen);
            guest.Ok(s_readSecond, s_patience);
        }

        guest.Ok("echo 3 >/sys/bus/ccw/devices/0.0.0150/path_threshold");
        Inject(mounted, First, "path_errors");
        guest.Ok($"for i in 1 2 3 4 5 6 7 8 9; do {Read} status=none; done", s_patience);
        Assert.Contains("is disabled - IFCC threshold exceeded", guest.Ok("dmesg -c"), StringComparison.Ordinal);
        mounted.Ccwfs("fault", First, "remove", "all").Ok();
        guest.Ok(Read + " status=none", s_patience);
        guest.Halt();
    }

    [Fact]
    public void Linux_waits_as_long_as_the_recovery_action_says_or_until_the_state_changes()
    {
        using MountedCcwfs mounted = MountVolumes(2);
        using Guest guest = Online(mounted, First, Second);
        guest.Ok("for d in 0 1; do echo 30 >/sys/bus/ccw/devices/0.0.015$d/expires; done");
        foreach (string preset in (string[])["action_intervention times=2", "action_intervention_unit times=2", "action_state_change"])
        {
            long before = Injected(mounted, First);
            Inject(mounted, First, preset);
            guest.Ok($"rm -f /run/done; ({Read} status=none && touch /run/done) >/run/log 2>&1 &");
            Assert.True(SpinWait.SpinUntil(() => Injected(mounted, First) >= before + 2, s_patience), $"{preset}: the driver does not try again");
            guest.Ok("test ! -e /run/done");
            Inject(mounted, First, "state_change");
            guest.Ok(Until("test -e /run/done"), s_patience);
        }
        Inject(mounted, Second, "late_interrupt");
        guest.Ok($"s=$(cut -d. -f1 /proc/uptime); {s_readSecond}; test $(($(cut -d. -f1 /proc/uptime) - s)) -ge 1", s_patience);

        // A path goes while it is in use: the program is cleared, and goes over the other one. No HALT: only other drivers of Linux give that.
        Inject(mounted, Second, "lost_interrupt");
        long lost = Injected(mounted, Second);
        guest.Ok($"({s_readSecond} && touch /run/second) >/run/log 2>&1 &");
        Assert.True(SpinWait.SpinUntil(() => Injected(mounted, Second) > lost, s_patience), "no read came");
        Inject(mounted, Second, "path_off");
        guest.Ok(Until("test -e /run/second"), s_patience);
        AssertWell(mounted, Second);
        guest.Halt();
    }

    [Fact]
    public void Data_that_is_damaged_is_seen_by_who_compares_it_and_by_nobody_else()
    {
        using MountedCcwfs mounted = MountVolumes(1);
        using Guest guest = Online(mounted, First);
        const string Put = "dd if=/run/known of=/dev/dasda bs=4096 seek=1000 count=2 oflag=direct status=none",
            Same = "dd if=/dev/dasda bs=4096 skip=1000 count=2 iflag=direct status=none | cmp -s - /run/known";
        guest.Ok("seq 1 9999 | head -c 8192 >/run/known; " + Put + "; " + Same);
        foreach (string preset in (string[])["bit_flip", "stale_read"])
        {
            Inject(mounted, First, preset);
            guest.Ok($"if {Same}; then exit 9; fi; {Same}; test $(dmesg | grep -c 'I/O error') = 0");
            mounted.Ccwfs("fault", First, "remove", "all").Ok();
        }
        foreach (string preset in (string[])["torn_write", "dropped_write", "wrong_record"])
        {
            guest.Ok("dd if=/dev/zero of=/dev/dasda bs=4096 seek=1000 count=2 oflag=direct status=none");
            Inject(mounted, First, preset);
            guest.Ok($"{Put}; if {Same}; then exit 9; fi; test $(dmesg | grep -c 'I/O error') = 0");
            mounted.Ccwfs("fault", First, "remove", "all").Ok();
            guest.Ok($"{Put}; {Same}");
        }
        guest.Halt();
        mounted.Dispose();
        Volume.Check(Scratch.At("v0.ckd"));
    }

    [Theory]
    [InlineData("data_check_correctable", Read)]
    [InlineData("action_write_condition", Write)]
    [InlineData("action_unrecoverable", Read)]
    public void Where_Linux_panics_ccwfs_is_well(string preset, string script)
    {
        using MountedCcwfs mounted = MountVolumes(2);
        using Guest guest = Online(mounted, First);
        Inject(mounted, First, preset);
        guest.Ok($"({script}) >/dev/null 2>&1 &");
        guest.WaitForConsole("Kernel panic - not syncing");
        Assert.True(SpinWait.SpinUntil(() => !guest.IsRunning, Guest.Patience), "QEMU did not end with the guest's panic");
        Assert.Equal(1, Injected(mounted, First));
        mounted.Ccwfs("fault", First, "remove", "all").Ok();
        AssertWell(mounted, First);
        AssertWell(mounted, Second);
    }

    /// <summary>Linux 6.12 loses the thread that takes reports, on which nothing here depends.</summary>
    [Fact]
    public void Reports_for_a_path_that_is_not_there_leave_the_guest_its_disk()
    {
        using MountedCcwfs mounted = MountVolumes(1);
        using Guest guest = Online(mounted, First);
        Inject(mounted, First, "report_wrong");
        guest.Ok($"{Until("dmesg | grep -i rsid=ff")}; {Read} status=none", s_patience);
        guest.Halt();
        AssertWell(mounted, First);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void A_hostile_disk_hangs_neither_the_guest_nor_ccwfs(int seed)
    {
        using MountedCcwfs mounted = MountVolumes(2, string.Create(CultureInfo.InvariantCulture, $",hostile={seed}"));
        using Guest guest = Boot(mounted, [First, Second]);
        guest.Ok($"(chccwdev -e 0.0.0150; chccwdev -e 0.0.0151) >/dev/null 2>&1 &\n{Until("lscss | grep 0.0.0151")}");
        Assert.True(SpinWait.SpinUntil(() => Programs(mounted, First) + Programs(mounted, Second) > 10, Guest.Patience));
        Assert.Equal("alive", guest.Ok("echo alive"));
        guest.Kill();
        foreach (string id in (string[])[First, Second])
        {
            string info = "";
            bool IsIdle() => (info = mounted.Ccwfs("info", id).Ok().Output).Contains("idle\n", StringComparison.Ordinal);
            Assert.True(SpinWait.SpinUntil(IsIdle, s_patience), info);
            Assert.Contains($"hostile={seed} (", info, StringComparison.Ordinal);
        }
    }

    /// <summary>A message, until the driver has it: what it reads for another reason just then may take its bytes.</summary>
    private static void Message(MountedCcwfs mounted, Guest guest, string preset, string seen)
    {
        bool isThere = false;
        for (int i = 0; i < 5 && !isThere; i++)
        {
            Inject(mounted, Second, preset);
            isThere = guest.Ok($"for i in $(seq 100); do if {seen} >/dev/null; then echo there; break; fi; usleep 20000; done") == "there";
        }
        Assert.True(isThere, $"{preset}: {guest.Ok("dmesg")}");
    }

    private static string Until(string condition) => $"until {condition} >/dev/null 2>&1; do usleep 50000; done";

    private static void Inject(MountedCcwfs mounted, string id, string preset) => mounted.Ccwfs("fault", id, "add", preset).Ok();

    private static long Injected(MountedCcwfs mounted, string id) => Number(mounted, id, " injected");

    private static long Programs(MountedCcwfs mounted, string id) => Number(mounted, id, " programs)");

    /// <summary>The number in front of a word, in the fact about faults; 0: there is none.</summary>
    private static long Number(MountedCcwfs mounted, string id, string word)
    {
        using JsonDocument facts = JsonDocument.Parse(mounted.Ccwfs("info", id, "--json").Ok().Output);
        string text = facts.RootElement.GetProperty("faults").GetString()!;
        int end = text.IndexOf(word, StringComparison.Ordinal);
        string digits = end < 0 ? "" : string.Concat(text[..end].Reverse().TakeWhile(char.IsAsciiDigit).Reverse());
        return digits.Length == 0 ? 0 : long.Parse(digits, CultureInfo.InvariantCulture);
    }

    private static void AssertWell(MountedCcwfs mounted, string id)
    {
        Assert.True(mounted.IsRunning);
        Assert.Contains("cylinders", mounted.Ccwfs("info", id).Ok().Output, StringComparison.Ordinal);
    }

    private MountedCcwfs MountVolumes(int count, string keys = "") => Mount([.. Enumerable.Range(0, count).Select(i =>
        Volume.Create(Scratch, $"v{i}.ckd", 30, "--format", "cdl", "--volser", $"FAULT{i}") + ",chpids=40.41" + keys)]);

    private Guest Online(MountedCcwfs mounted, params string[] ids)
    {
        Guest guest = Boot(mounted, ids);
        for (int i = 0; i < ids.Length; i++)
            guest.Online($"0.0.015{i}");
        guest.Ok(Prepare);
        return guest;
    }
}
