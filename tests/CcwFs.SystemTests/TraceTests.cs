using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>What a person sees of channel programs: the files of a mount, and the verb trace.</summary>
public sealed class TraceTests : IDisposable
{
    private const string Sense = "ccwfs() { \"$CCWFS\" \"$@\" --mount \"$D\"; }; sense() { ccwfs run 0.0.0000 'SENSE_ID sli count=40' >\"$S/out\"; }; "
        + "fail() { ccwfs run 0.0.0000 'WRITE_DATA data=00' >\"$S/out\" || true; }; ";

    private readonly MountedCcwfs _mounted = new(["--device", "dasd", "--device", "fba", "--device", "dasd,flight=0"]);

    public void Dispose() => _mounted.Dispose();

    [Fact]
    public void Cat_shows_what_runs_from_the_open_on()
    {
        string[] lines = Lines(_mounted.Bash(Sense + "sense; exec 3<\"$D/0.0.0000/trace\"; fail; head -n 4 <&3"));
        Assert.Contains(" 0.0.0000 #2 START    program at 00000000", lines[0], StringComparison.Ordinal);
        Assert.Contains(" #2 ccw      00000000 WRITE_DATA count=1 address=00000008", lines[1], StringComparison.Ordinal);
        Assert.Contains(" #2 done     00000000 WRITE_DATA: channel end, device end, unit check", lines[2], StringComparison.Ordinal);
        Assert.Contains("command reject", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_programs_are_shown_afterwards()
    {
        string[] lines = Lines(_mounted.Bash(Sense + "sense; sense; fail; ccwfs trace 0.0.0000 --last 2"));
        Assert.Equal(["#2", "#3"], lines.Select(line => line.Split(' ')[2]).Distinct());
        Assert.Equal(
            Lines(_mounted.Bash(Sense + "cat \"$D/0.0.0000/flight\"")).TakeLast(lines.Length), lines);
        Assert.Empty(Lines(_mounted.Bash(Sense + "ccwfs run 0.0.0002 'SENSE_ID sli count=40' >\"$S/out\"; cat \"$D/0.0.0002/flight\"")));
    }

    [Fact]
    public void JSON_is_an_object_on_each_line()
    {
        string[] lines = Lines(_mounted.Bash(Sense + "exec 3<\"$D/0.0.0001/trace.json\"; ccwfs run 0.0.0001 'DEFINE_EXTENT begin=0 end=9' 'LOCATE at=3' "
            + "'READ count=512' >\"$S/out\"; head -n 8 <&3"));
        JsonElement[] events = [.. lines.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(
            ["start", "ccw", "ccw", "ccw", "command", "command", "command", "status"], events.Select(e => e.GetProperty("event").GetString()));
        Assert.Equal(3, events[6].GetProperty("block").GetInt32());
        Assert.Equal(["0.0.0001"], events.Select(e => e.GetProperty("subchannel").GetString()).Distinct());
    }

    [Fact]
    public void A_trace_ends_after_so_many_programs_or_at_the_first_error()
    {
        string[] both = Lines(_mounted.Bash(
            Sense + "\"$CCWFS\" trace 0.0.0000 --mount \"$D\" --count 2 >\"$S/two\" & two=$!; "
            + "\"$CCWFS\" trace 0.0.0000 --mount \"$D\" --until-error --filter errors >\"$S/bad\" & bad=$!; "
            + "while kill -0 $two 2>\"$S/gone\"; do sense; done; while kill -0 $bad 2>\"$S/gone\"; do fail; done; wait $two; wait $bad; "
            + "grep -c STATUS \"$S/two\"; grep -c STATUS \"$S/bad\"; grep -c 'unit check' \"$S/bad\""));
        Assert.Equal(["2", "1", "2"], both);
    }

    [Fact]
    public void A_stored_trace_is_shown_again_and_filtered()
    {
        string[] counts = Lines(_mounted.Bash(
            Sense + "sense; fail; sense; ccwfs trace 0.0.0000 --last 9 --pcapng \"$S/t.pcapng\"; \"$CCWFS\" trace --read \"$S/t.pcapng\" | grep -c START; "
            + "\"$CCWFS\" trace --read \"$S/t.pcapng\" --filter command=WRITE_DATA,errors | grep -c START; "
            + "\"$CCWFS\" trace --read \"$S/t.pcapng\" --perfetto - | grep -c 'program #'"));
        Assert.Equal(["3", "1", "3"], counts);
    }

    [Fact]
    public void Wireshark_shows_a_stored_trace_as_it_is()
    {
        string dissector = Path.Combine(Places.Repository, "scripts/package.d/wireshark/ccwfs.lua");
        string[] shown = Lines(_mounted.Bash(
            Sense + "sense; ccwfs run 0.0.0000 'SEEK to=3/4' 'WRITE_DATA data=00' >\"$S/out\" || true; "
            + $"ccwfs trace 0.0.0000 --last 9 --pcapng \"$S/t.pcapng\"; tshark -X lua_script:{dissector} -r \"$S/t.pcapng\" -T fields -e ccwfs.event "
            + "-e ccwfs.subchannel -e ccwfs.program -e ccwfs.ccw.command -e ccwfs.ccw.count -e ccwfs.device_status -e ccwfs.sense 2>\"$S/said\"; "
            + "\"$CCWFS\" trace --read \"$S/t.pcapng\" --json"));
        string[] packets = [.. shown.TakeWhile(line => !line.StartsWith('{'))];
        JsonElement[] events = [.. shown.Skip(packets.Length).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["1", "2", "5", "1", "2", "2", "3", "5"], packets.Select(packet => packet.Split('\t')[0]));
        Assert.Equal(events.Length, packets.Length);
        foreach ((string packet, JsonElement shownAs) in packets.Zip(events))
        {
            string[] fields = packet.Split('\t');
            Assert.Equal(("0.0.0000", shownAs.GetProperty("program").GetInt64().ToString()), (fields[1], fields[2]));
            if (shownAs.TryGetProperty("code", out JsonElement code))
                Assert.Equal(($"0x{code.GetInt32():x2}", shownAs.GetProperty("count").GetInt32().ToString()), (fields[3], fields[4]));
            if (shownAs.TryGetProperty("device_status", out JsonElement status))
                Assert.Equal($"0x{status.GetInt32():x2}", fields[5]);
            if (shownAs.TryGetProperty("sense", out JsonElement sense))
                Assert.Equal(sense.GetString(), fields[6].Replace(":", "", StringComparison.Ordinal), ignoreCase: true);
        }
    }

    [Fact]
    public void Wireshark_lists_subchannels_as_interfaces_and_captures_them()
    {
        string dissector = Path.Combine(Places.Repository, "scripts/package.d/wireshark/ccwfs.lua");
        string[] shown = Lines(_mounted.Bash(
            Sense + $$"""
            mkdir -p "$S/extcap"; export HOME="$S"
            sed "s:/usr/bin/ccwfs trace:$CCWFS trace --mount $D:" {{Places.Repository}}/scripts/package.d/wireshark/ccwfs >"$S/extcap/ccwfs"
            chmod +x "$S/extcap/ccwfs"
            cat >"$S/script" <<'END'
            ccwfs() { "$CCWFS" "$@" --mount "$D"; }
            mount --bind "$S/extcap" "$(tshark -G folders 2>/dev/null | sed -n 's/^Extcap path:[[:space:]]*//p')"
            tshark -D 2>/dev/null | grep -E ' ccwfs-0\.0\.000[0-9] ' | sed 's/^[0-9]*\. //'
            tshark -i ccwfs-0.0.0000 -L 2>&1 | grep -i user0 | tr -s ' '
            "$CCWFS" trace 0.0.0000 --json --mount "$D" >"$S/json" & json=$!
            tshark -X lua_script:{{dissector}} -i ccwfs-0.0.0000 -c 3 -T fields -e ccwfs.event -e ccwfs.subchannel -e ccwfs.program >"$S/seen" 2>"$S/said" &
            capture=$!
            while kill -0 $capture 2>/dev/null; do ccwfs run 0.0.0000 'SENSE_ID sli count=40' >"$S/out"; done
            wait $capture || { cat "$S/said"; exit 1; }
            kill $json; wait $json || true
            cat "$S/seen"; cat "$S/json"
            END
            unshare -m bash -euo pipefail "$S/script"
            """));
        Assert.Equal(["ccwfs-0.0.0000", "ccwfs-0.0.0001", "ccwfs-0.0.0002"], shown[..3].Select(line => line.Split(' ')[0]));
        Assert.All(shown[..3], line => Assert.Contains("Channel programs of 0.0.000", line, StringComparison.Ordinal));
        Assert.Contains("USER0", shown[3], StringComparison.OrdinalIgnoreCase);
        string[][] packets = [.. shown[4..7].Select(line => line.Split('\t'))];
        JsonElement[] events = [.. shown[7..].Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.All(packets, packet => Assert.Equal("0.0.0000", packet[1]));
        string[] names = ["", "start", "ccw", "command", "data", "status"];
        (string, string)[] of = [.. packets.Select(packet => (names[int.Parse(packet[0])], packet[2]))];
        (string, string)[] all = [.. events.Where(e => e.TryGetProperty("program", out _))
            .Select(e => (e.GetProperty("event").GetString()!, e.GetProperty("program").GetInt64().ToString()))];
        Assert.Contains(Enumerable.Range(0, all.Length - 2), at => all.AsSpan(at, 3).SequenceEqual(of));
    }

    [Theory]
    [InlineData("--capture --fifo /dev/null --extcap-interface ccwfs-0.0.0009", 1, "there is no interface ccwfs-0.0.0009")]
    [InlineData("--capture --fifo /dev/null --extcap-interface eth0", 2, "--extcap-interface takes a name like ccwfs-0.0.0000")]
    [InlineData("--capture --extcap-interface ccwfs-0.0.0000", 2, "--capture needs --fifo FILE")]
    [InlineData("--extcap-interface ccwfs-0.0.0000 --extcap-capture-filter colour=red", 2, "is not one of command=WORD")]
    [InlineData("", 2, "--extcap is for Wireshark")]
    public void What_Wireshark_asks_wrongly_is_one_line(string words, int status, string said) => Assert.Contains(
        said, _mounted.Ccwfs("trace", ["--extcap", .. words.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).Refused(status), StringComparison.Ordinal);

    [Fact]
    public void A_trace_ends_when_its_reader_does() => Assert.Equal("1", _mounted.Bash(
        Sense + "ccwfs trace 0.0.0000 > >(head -n 1 >\"$S/head\") & trace=$!; while kill -0 $trace 2>/dev/null; do sense; done; wait $trace || true; "
        + "wc -l <\"$S/head\"").Ok().Output.Trim());

    [Fact]
    public void Interrupts_are_shown_when_they_are_given_and_taken()
    {
        string[] shown = _mounted.Python("""
            text, made = open(path('trace')), subprocess.Popen([CCWFS, 'trace', '0.0.0000', '--mount', D, '--perfetto', S + '/perfetto'])
            while '2 readers' not in open(path('info')).read():
                pass
            run((0x03, SLI, b'x'))
            print(''.join(line[16:] for line in (text.readline() for _ in range(6))), end='')
            while 'interrupt taken' not in open(S + '/perfetto').read():
                pass
            made.terminate()
            made.wait()
            """).Split('\n');
        Assert.Contains("0.0.0000 - given    io was signalled", shown[4], StringComparison.Ordinal);
        Assert.Contains("0.0.0000 - taken    io was read", shown[5], StringComparison.Ordinal);
    }

    [Fact]
    public void Data_is_shown_where_it_is_wanted()
    {
        string[] lines = Lines(_mounted.Bash(Sense + "exec 3<>\"$D/0.0.0000/trace\"; echo data=4 >&3; sense; head -n 6 <&3"));
        Assert.Contains(lines, line => line.EndsWith("00000000 SENSE_ID, to storage, the first 4 bytes", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("ff3990", StringComparison.Ordinal));
    }

    [Fact]
    public void A_trace_ends_with_its_device() => Assert.EndsWith(
        "the device has gone", Lines(_mounted.Bash(Sense + "exec 3<\"$D/0.0.0001/trace\"; ccwfs remove 0.0.0001 >\"$S/out\"; while IFS= read -r line; do echo \"$line\"; done <&3"))[^1],
        StringComparison.Ordinal);

    [Theory]
    [InlineData("trace 0.0.0009", "no subchannel 0.0.0009")]
    [InlineData("trace --filter command=REED_DATA", "did you mean 'READ_DATA'?")]
    [InlineData("trace --filter cylinder=9-1", "a range like 0-99")]
    [InlineData("trace --filter colour=red", "is not one of command=WORD")]
    [InlineData("trace --count 0", "--count 0: say a number from 1")]
    [InlineData("trace --data some", "--data takes a number of bytes or all")]
    [InlineData("trace --json --pcapng x", "do not go together")]
    [InlineData("trace --read /dev/null/x", "/dev/null/x")]
    public void What_is_wrong_is_one_line(string line, string said)
    {
        Outcome outcome = _mounted.Ccwfs(line.Split(' ')[0], line.Split(' ')[1..]);
        Assert.NotEqual(0, outcome.Status);
        Assert.Contains(said, outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void A_thousand_readers_that_never_read_slow_nobody_down()
    {
        Outcome outcome = _mounted.Bash(
            Sense + "python3 - \"$D\" <<'END'\nimport os, sys\nfiles = []\ntry:\n    for i in range(1000):\n"
            + "        files.append(os.open(sys.argv[1] + '/0.0.0000/trace', os.O_RDONLY))\nexcept OSError as e:\n    print(e.strerror)\n"
            + "os.system('\"$CCWFS\" run 0.0.0000 \"SENSE_ID sli count=40\" --mount \"$D\" >\"$S/out\"')\nprint(len(files) > 0)\nEND");
        Assert.EndsWith("True", outcome.Ok().Output.TrimEnd(), StringComparison.Ordinal);
    }

    private static string[] Lines(Outcome outcome) => outcome.Ok().Output.TrimEnd('\n').Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
