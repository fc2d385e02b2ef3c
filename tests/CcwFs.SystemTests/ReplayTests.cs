using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>Channel programs that are recorded and played again: on another volume, and as a device.</summary>
public sealed class ReplayTests : IDisposable
{
    /// <summary>Formats, writes and reads some tracks, and what a driver does when it sets a device online.</summary>
    private const string Work = """
        ran((0xe4, SLI, 40)); ran((0xfa, SLI, 256))
        format_track(30, 12, 4096)
        write_records(30, 1, [bytes([n]) * 4096 for n in range(1, 13)])
        assert read_records(30, 7, 2, 4096) == [bytes([7]) * 4096, bytes([8]) * 4096]
        poke(DATA, bytes(2) + cchh(30)); poke(DATA + 8, cchh(30) + b'\x04')
        poke(PROGRAM, ccw(7, CC, 6, DATA) + ccw(0x31, CC, 5, DATA + 8) + ccw(8, 0, 0, PROGRAM + 8) + ccw(6, CD, 100, DATA + 64) + ccw(0, 0, 3996, DATA + 0x4000))
        assert start() == 24 and wait() == 1 and Status(irb()).dstat == 0x0c
        status, _ = run(extent(0x40, 33, 33), locate(6, 1, 33, 9, 1024), (0x86, 0, 1024)); assert status.dstat & 0x02
        """;

    private const int Programs = 7; // of Work

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("--data")]
    public void What_was_recorded_gives_the_same_on_an_equal_volume_byte_for_byte(string how)
    {
        (string one, string other) = Volumes();
        string recording = _scratch.At("recording");
        using (MountedCcwfs mounted = new(["--device", "dasd,image=" + one, "--device", "dasd,image=" + other + ",devno=0.0.0150,css=1"]))
        {
            Record(mounted, recording, Work, [how, "--count", $"{Programs}"]);
            Assert.Equal($"{Programs} programs were answered as recorded.\n",
                mounted.Ccwfs("replay", recording, "--on", "1.0.0001").Ok().Output);
        }
        Assert.Equal(File.ReadAllBytes(one), File.ReadAllBytes(other));
        string shown = Child.Ccwfs("trace", "--read", recording).Ok().Output;
        Assert.Contains("image-sha256 ", shown.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal(how.Length == 0, shown.Contains("SHA-256", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--data")]
    public void A_changed_byte_is_the_first_divergence(string how)
    {
        (string one, string other) = Volumes();
        string recording = _scratch.At("recording");
        using MountedCcwfs mounted = new(["--device", "dasd,image=" + one, "--device", "dasd,image=" + other + ",devno=0.0.0150,css=1"]);
        mounted.Python(Work + "\n" + Change);
        Record(mounted, recording, "assert len(read_records(30, 1, 12, 4096)) == 12\nran((0xe4, SLI, 40))", [how, "--count", "2"]);
        string said = mounted.Ccwfs("replay", recording, "--on", "1.0.0001", "--continue").FailedOutput(1);
        Assert.Matches(@"^program #\d+: READ_DATA_MT at 000010\d\d differs in data\n  recorded: .*\n  now: ", said);
        Assert.EndsWith("1 program was answered as recorded, 1 in another way.\n", said, StringComparison.Ordinal);
        if (how.Length > 0)
            Assert.Contains("from byte 96 on: 05050505FF0505", said, StringComparison.Ordinal);
        string[] lines = mounted.Ccwfs("replay", recording, "--on", "1.0.0001", "--json", "--no-hash").FailedOutput(1).TrimEnd('\n').Split('\n');
        Assert.Equal("""{"same":0,"diverged":1,"left_out":{}}""", lines[1]);
        JsonElement json = JsonDocument.Parse(lines[0]).RootElement;
        Assert.Equal(("data", "READ_DATA_MT"), (json.GetProperty("field").GetString(), json.GetProperty("command").GetString()));
        foreach (string leaves in (string[])["--status-only", "--ignore=data,times"])
            Assert.Equal("2 programs were answered as recorded.\n", mounted.Ccwfs("replay", recording, "--on", "1.0.0001", leaves).Ok().Output);
    }

    [Fact]
    public void A_status_that_differs_is_told_with_both_in_words()
    {
        string recording = _scratch.At("recording");
        using MountedCcwfs mounted = new(["--device", "dasd", "--device", "dasd,deny=SENSE_ID"]);
        Record(mounted, recording, "ran((3, SLI, b'')); ran((0xe4, SLI, 40)); ran((3, SLI, b''))", ["--count", "3"]);
        string said = mounted.Ccwfs("replay", recording, "--on", "0.0.0001").FailedOutput(1);
        Assert.Contains("SENSE_ID at 00001000 differs in status\n  recorded: ended well", said, StringComparison.Ordinal);
        Assert.Contains("now:      unit check", said, StringComparison.Ordinal);
        Assert.EndsWith("1 program was answered as recorded, 1 in another way.\n", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_device_answers_as_the_recorded_one_did(bool real)
    {
        string recording = _scratch.At("recording");
        using MountedCcwfs kernel = new(["--device", "dasd,image=" + Volumes().One]);
        using (MountedCcwfs mounted = real ? Over(kernel) : new(["--device", "dasd,image=" + _scratch.At("two.ckd")]))
            Record(mounted, recording, Work, ["--data", "--count", $"{Programs}"]);
        using MountedCcwfs replayed = new(["--device", $"replay,file={recording}", "--device", $"replay,file={recording},loose"]);
        Assert.Matches(@"0\.0\.0150 0\.0\.0000 +3390/0a 3990/e9 .* 40000000 00000000 emulated", replayed.Ccwfs("list").Ok().Output);
        replayed.Python(Work);
        Assert.Contains($"up to program {Programs} of {Programs}", replayed.Ccwfs("info", "0.0.0000").Ok().Output, StringComparison.Ordinal);
        replayed.Python("""
            status, _ = run((0xe4, SLI, 40)); assert status.dstat == 0x0e and status.sense[0] == 0x10     # the recording has ended
            dev = '0.0.0001'
            for n in range(3):                                                                           # in any order, as often as one likes
                assert read_records(30, 7, 2, 4096, dev=dev) == [bytes([7]) * 4096, bytes([8]) * 4096]
                assert ran((0xe4, SLI, 40), dev=dev)[0][:7].hex() == 'ff3990e933900a'
            status, _ = run((0x02, SLI, 40), dev=dev); assert status.dstat == 0x0e and status.sense[0] == 0x10
            ran((0xe4, SLI, 40), dev=dev)
            """);
        Assert.Matches("diverged +SENSE_ID; expected was nothing, for the recording has ended", replayed.Ccwfs("info", "0.0.0000").Ok().Output);
        Assert.Matches("diverged +READ_IPL", replayed.Ccwfs("info", "0.0.0001").Ok().Output);
        replayed.Logged("a program was not recorded: SENSE_ID; expected was nothing");
        Assert.Contains("already open", replayed.Ccwfs("add", $"dasd,image={recording}").Refused(1), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_data_a_device_says_how_to_record_it()
    {
        string recording = _scratch.At("recording");
        using MountedCcwfs mounted = new();
        Record(mounted, recording, "ran((0xe4, SLI, 40))", ["--count", "1"]);
        Assert.Contains("record with --data", mounted.Ccwfs("add", "replay,file=" + recording).Refused(1), StringComparison.Ordinal);
        Assert.Contains("flight-data=all", mounted.Ccwfs("record", "0.0.0000", recording, "--data", "--last", "1").Refused(1), StringComparison.Ordinal);
        mounted.Ccwfs("add", "dasd,id=0.0.0009").Ok();
        Assert.Contains("has no program", mounted.Ccwfs("record", "0.0.0009", recording, "--last", "1").Refused(1), StringComparison.Ordinal);
        string image = _scratch.MakeImage("own.ckd");
        mounted.Ccwfs("add", $"dasd,image={image},id=0.0.0010").Ok();
        Assert.Contains("is the image of the device", mounted.Ccwfs("record", "0.0.0010", image).Refused(1), StringComparison.Ordinal);
    }

    [Fact]
    public void The_flight_recorder_can_be_recorded_with_its_data()
    {
        string recording = _scratch.At("recording");
        using MountedCcwfs mounted = new(["--device", "dasd,flight-data=all", "--device", "dasd"]);
        mounted.Python(Work + "\nran((0xe4, SLI, 40), dev='0.0.0001'); status, _ = run((0x05, SLI, b'12'), dev='0.0.0001')");
        Assert.Contains("recorded 2 programs of 0.0.0000", mounted.Ccwfs("record", "0.0.0000", recording, "--data", "--last", "2").Ok().Error,
            StringComparison.Ordinal);
        Assert.Equal("2 programs were answered as recorded.\n", mounted.Ccwfs("replay", recording, "--on", "0.0.0000").Ok().Output);
        mounted.Ccwfs("record", "0.0.0001", recording, "--last", "2").Ok();
        mounted.Ccwfs("record", "0.0.0001", recording + "1", "--last", "1").Ok();
        Assert.Equal("1 program was answered as recorded, 1 left out (1: it was recorded without the data that it wrote).\n",
            mounted.Ccwfs("replay", recording, "--on", "0.0.0001").Ok().Output);
        Assert.Contains("no program of the recording could be run", mounted.Ccwfs("replay", recording + "1", "--on", "0.0.0001").Failed(1),
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_recording_is_refused_in_one_line()
    {
        string recording = _scratch.At("recording"), bad = _scratch.At("bad");
        using MountedCcwfs mounted = new();
        Record(mounted, recording, "for n in range(200): ran((0xe4, SLI, 40))", ["--data", "--count", "200"]);
        byte[] good = File.ReadAllBytes(recording);
        byte[] plain = Unpacked(good);
        (byte[] Bytes, string Line)[] all =
        [
            ([], "it does not begin with what it is of"), ("no recording"u8.ToArray(), "it is no recording, for it is no pcapng file"),
            ([0x1F, 0x8B, .. new byte[60]], "its compressed data is damaged"),
            ([.. plain[..4], 0xFF, 0xFF, 0xFF, 0x7F, .. plain[8..]], "a block says that it has"),
            ([.. plain[..28]], "it does not begin with what it is of"),
            (Packed(plain[..^3][28..]), "it is no pcapng file"),
        ];
        foreach ((byte[] bytes, string line) in all)
        {
            File.WriteAllBytes(bad, bytes);
            Assert.Contains(line, mounted.Ccwfs("replay", bad, "--on", "0.0.0000").Refused(1), StringComparison.Ordinal);
            mounted.Ccwfs("add", "replay,file=" + bad).Refused(1);
        }
        foreach (int length in (int[])[good.Length / 2, good.Length - 9]) // who recorded was killed: what is whole counts
        {
            File.WriteAllBytes(bad, good[..length]);
            Assert.Contains("were answered as recorded", mounted.Ccwfs("replay", bad, "--on", "0.0.0000").Ok().Output, StringComparison.Ordinal);
        }
        var random = new Random(13);
        for (int round = 0; round < 20; round++) // lies anywhere
        {
            byte[] wrong = [.. plain];
            for (int n = 0; n < 20; n++)
                wrong[random.Next(wrong.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(bad, wrong);
            Assert.InRange(mounted.Ccwfs("replay", bad, "--on", "0.0.0000", "--continue").Status, 0, 1);
            mounted.Ccwfs("add", "replay,file=" + bad + ",id=0.0.0007");
            mounted.Python("if os.path.exists(f'{D}/0.0.0007'): run((0xe4, SLI, 40), dev='0.0.0007')");
            mounted.Ccwfs("remove", "0.0.0007");
        }
        Assert.True(mounted.IsRunning);
        Assert.DoesNotContain("   at CcwFs", mounted.Log, StringComparison.Ordinal);
        Assert.Contains("replay needs", mounted.Ccwfs("add", "replay").Refused(2).Replace("a replay device needs", "replay needs", StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.Contains("make a recording", mounted.Ccwfs("add", "replay,file=/none").Refused(1), StringComparison.Ordinal);
        Assert.Contains("is a directory", mounted.Ccwfs("add", "replay,file=/tmp").Refused(1), StringComparison.Ordinal);
        Assert.Contains("did you mean 'status'", mounted.Ccwfs("replay", recording, "--on", "0.0.0000", "--ignore", "statu").Refused(2),
            StringComparison.Ordinal);
        Assert.Contains("there is no subchannel 0.0.9999", mounted.Ccwfs("record", "0.0.9999", bad).Refused(1), StringComparison.Ordinal);
    }

    private const string Change = """
        format_track(30, 12, 4096, dev='1.0.0001')
        blocks = [bytes([n]) * 4096 if n != 5 else b'\x05' * 100 + b'\xff' + b'\x05' * 3995 for n in range(1, 13)]
        write_records(30, 1, blocks, dev='1.0.0001')
        """;

    /// <summary>Records what a script does, which the recording ends with.</summary>
    private static void Record(MountedCcwfs mounted, string recording, string script, string[] options)
    {
        using Process record = Child.Start("/", null, Places.Program,
            ["record", "0.0.0000", recording, .. options.Where(option => option.Length > 0), "--mount", mounted.MountPoint]);
        string? line;
        while ((line = record.StandardError.ReadLineAsync().WaitAsync(Child.Patience).GetAwaiter().GetResult()) is { } said
            && !said.StartsWith("recording;", StringComparison.Ordinal))
        {
        }
        Assert.NotNull(line);
        mounted.Python(script);
        Child.Finish(record).Ok();
    }

    private (string One, string Two) Volumes() => (_scratch.MakeImage("one.ckd", cylinders: 40), _scratch.MakeImage("two.ckd", cylinders: 40));

    private static MountedCcwfs Over(MountedCcwfs kernel) => new(["--device", $"vfio,device={kernel.MountPoint}/0.0.0000/device"]);

    private static byte[] Unpacked(byte[] gzip)
    {
        using var all = new MemoryStream();
        using (var stream = new GZipStream(new MemoryStream(gzip), CompressionMode.Decompress))
            stream.CopyTo(all);
        return all.ToArray();
    }

    private static byte[] Packed(byte[] bytes)
    {
        using var all = new MemoryStream();
        using (var stream = new GZipStream(all, CompressionLevel.Fastest))
            stream.Write(bytes);
        return all.ToArray();
    }
}
