namespace CcwFs.SystemTests;

/// <summary>SIGHUP: the configuration is read again, devices come, go and change, running I/O is not touched.</summary>
public sealed class ReloadTests : ReloadHarness
{
    [Fact]
    public void Devices_are_added_removed_and_changed()
    {
        string image = Scratch.MakeImage("v.ckd");
        Mount($$"""{ "devices": [ "dasd,id=0.0.0001", "dasd,id=0.0.0002", "dasd,id=0.0.0003,devno=0.0.0300" ] }""");
        Mounted.Ccwfs("add", "dasd,id=0.0.0009").Ok(); // by hand: no business of the configuration
        Assert.Contains("4 subchannels", Reload($$"""
            { "devices": [ { "kind": "dasd", "id": "0.0.0003", "devno": "0.0.0333" }, "dasd,id=0.0.0001", "dasd,image={{image}},id=0.0.0004" ] }
            """), StringComparison.Ordinal);
        Assert.Equal("0.0.0001\n0.0.0003\n0.0.0004\n0.0.0009\n", Ids());
        Assert.Contains("0.0.0333", Mounted.Ccwfs("info", "0.0.0003").Ok().Output, StringComparison.Ordinal);
        Mounted.Logged("0.0.0002 removed");
        Reload("""{ "devices": [] }""");
        Assert.Equal("0.0.0009\n", Ids());
    }

    [Fact]
    public void Running_programs_and_held_reads_are_not_touched()
    {
        Mount("""{ "devices": [ "dasd,id=0.0.0000", "dasd,id=0.0.0001" ] }""");
        // A loop that only HALT ends and a held read, on a device that stays.
        using System.Diagnostics.Process client = Mounted.StartPython("""
            from vfio import *
            def waits():
                fd = opened(path('irq/io'), os.O_RDONLY); print(struct.unpack('=Q', os.read(fd, 8))[0], flush=True)
            poke(PROGRAM, ccw(0x03, CC | SLI, 1, DATA) + ccw(0x08, 0, 0, PROGRAM))
            start(PROGRAM)
            reader = threading.Thread(target=waits); reader.start()
            print('runs', flush=True)
            sys.stdin.readline()
            cmd(1); reader.join(40)
            """);
        client.Says("runs");
        Reload("""{ "devices": [ "dasd,id=0.0.0000", "dasd,id=0.0.0005" ] }""");
        Assert.Equal("0.0.0000\n0.0.0005\n", Ids());
        Assert.Contains("pending", Mounted.Bash("cat $D/0.0.0000/info").Ok().Output, StringComparison.Ordinal);
        Assert.Equal("1\n", Child.Finish(client, "\n"u8.ToArray()).Ok().Output);
    }

    [Fact]
    public void Faults_change_under_a_device_that_stays_and_those_by_hand_stay_too()
    {
        Mount("""{ "devices": [ "dasd,id=0.0.0000" ] }""");
        string before = Identity("0.0.0000");
        Mounted.Ccwfs("fault", "0.0.0000", "add", "SENSE nth=9 -> lose").Ok();
        Reload("""{ "devices": [ { "kind": "dasd", "id": "0.0.0000", "fault": [ "SENSE_ID -> check overrun", "write -> lose" ], "hostile": 7 } ] }""");
        Mounted.Logged("0.0.0000: fault SENSE_ID -> check overrun; write -> lose");
        Mounted.Logged("0.0.0000: hostile 7");
        Assert.Matches(@"(?m)^faults +3 rules, hostile=7", Mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        Outcome failed = Mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40");
        Assert.Contains("overrun", failed.Output + failed.Error, StringComparison.Ordinal);
        Reload("""{ "devices": [ "dasd,id=0.0.0000" ] }""");
        Mounted.Logged("0.0.0000: fault none");
        Mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        Assert.Matches(@"(?m)^faults +1 rule,", Mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        Assert.Equal(before, Identity("0.0.0000"));
    }

    [Fact]
    public void A_policy_changes_under_a_device_that_stays()
    {
        Mount("""{ "devices": [ "dasd,id=0.0.0000" ] }""");
        string before = Identity("0.0.0000");
        Mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        Reload("""{ "devices": [ "dasd,id=0.0.0000,deny=SENSE_ID" ] }""");
        Mounted.Logged("0.0.0000: policy deny=SENSE_ID");
        Outcome refused = Mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40");
        Assert.Contains("command reject", refused.Output + refused.Error, StringComparison.OrdinalIgnoreCase);
        Reload("""{ "devices": [ "dasd,id=0.0.0000" ] }""");
        Mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        Assert.Equal(before, Identity("0.0.0000")); // another device would be another file
    }

    [Fact]
    public void A_disk_of_blocks_gets_its_new_size_and_keeps_its_reserve_when_only_sync_changes()
    {
        File.WriteAllBytes(Scratch.At("d.raw"), new byte[100 * 512]);
        Mount("""{ "devices": [ "fba,image=d.raw,blocks=50,sync=program" ] }""");
        string before = Identity("0.0.0000");
        Mounted.Ccwfs("run", "0.0.0000", "DEVICE_RESERVE").Ok();
        Reload("""{ "devices": [ "fba,image=d.raw,blocks=50,sync=5" ] }""");
        Mounted.Logged("0.0.0000: sync every 5 s");
        Assert.Equal(before, Identity("0.0.0000"));
        Assert.Contains("by this device", Mounted.Ccwfs("info", "0.0.0000").Ok().Output, StringComparison.Ordinal);
        Assert.Contains("reloaded", Reload("""{ "devices": [ "fba,image=d.raw" ] }"""), StringComparison.Ordinal);
        string info = Mounted.Ccwfs("info", "0.0.0000").Ok().Output;
        Assert.All((string[])["100 of 512 bytes", "none"], fact => Assert.Contains(fact, info, StringComparison.Ordinal));
        Assert.NotEqual(before, Identity("0.0.0000"));
        Mounted.Logged("0.0.0000 removed");
    }

    [Theory]
    [InlineData("""{ "devices": [ "dasd,id=0.0.0007" ], "colour": 1 }""", "colour")]
    [InlineData("""{ "devices": [ "dasd,id=0.0.0007", "dasd,id=0.0.0008,image=/nowhere.ckd" ] }""", "/nowhere.ckd")]
    [InlineData("""{ "devices": [ "dasd,id=0.0.0007", "dasd,id=0.0.0007" ] }""", "0.0.0007")]
    [InlineData("""{ "devices": [ "dasd,id=0.0.0007", "dasd,id=0.0.0009" ] }""", "0.0.0009")]
    [InlineData("{ \"devices\": [ ", "not JSON")]
    public void A_wrong_one_changes_nothing_and_logs_why(string text, string word)
    {
        Mount("""{ "devices": [ "dasd,id=0.0.0001" ] }""");
        Mounted.Ccwfs("add", "dasd,id=0.0.0009").Ok();
        Assert.Contains("reload failed", Reload(text), StringComparison.Ordinal);
        Assert.Equal("0.0.0001\n0.0.0009\n", Ids());
        Mounted.Logged(word);
        Assert.Contains("reloaded", Reload("""{ "devices": [ "dasd,id=0.0.0002" ] }"""), StringComparison.Ordinal);
        Assert.Equal("0.0.0002\n0.0.0009\n", Ids());
    }

    [Fact]
    public void What_only_a_new_mount_takes_is_logged()
    {
        Mount("""{ "memory": "16M", "devices": [] }""");
        Reload("""{ "memory": "32M", "mode": "0666", "devices": [ "dasd" ] }""");
        Mounted.Logged("memory changed");
        Mounted.Logged("mode changed");
        Assert.Equal("16777216 600\n", Mounted.Bash("stat -c '%s %a' $D/memory").Ok().Output);
        Assert.Equal("0.0.0000\n", Ids());
    }

    [Fact]
    public void Many_reloads_do_not_fill_the_log()
    {
        Mount("""{ "devices": [] }""");
        for (int turn = 0; turn < 30; turn++)
            Reload(null);
        Mounted.Signal("TERM");
        Assert.Equal(0, Mounted.WaitForExit());
        Assert.Equal(10, Mounted.Log.Split("reload done").Length - 1);
        Assert.Contains("20 more SIGHUPs are not logged", Mounted.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_removed_by_hand_comes_back()
    {
        Mount("""{ "devices": [ "dasd,id=0.0.0001" ] }""");
        Mounted.Ccwfs("remove", "0.0.0001").Ok();
        Reload(null);
        Assert.Equal("0.0.0001\n", Ids());
    }

    [Fact]
    public void Without_a_configuration_it_ends_as_with_a_terminal_that_goes_away()
    {
        using var mounted = new MountedCcwfs();
        mounted.Signal("HUP");
        Assert.Equal(0, mounted.WaitForExit());
    }
}
