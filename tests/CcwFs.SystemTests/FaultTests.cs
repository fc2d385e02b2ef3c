using System.Text.Json;

namespace CcwFs.SystemTests;

/// <summary>Faults that are injected into the devices of a mount: the verb, the SPEC, the configuration, and what is seen of them.</summary>
public sealed class FaultTests : IDisposable
{
    private const string Sense = "ccwfs() { \"$CCWFS\" \"$@\" --mount \"$D\"; }; sense() { ccwfs run 0.0.0000 'SENSE_ID sli count=40' >\"$S/out\"; }; ";

    private readonly MountedCcwfs _mounted = new(["--device", "dasd,chpids=40.41", "--device", "fba", "-v"]);

    public void Dispose() => _mounted.Dispose();

    [Fact]
    public void A_rule_is_added_acts_is_listed_and_goes()
    {
        Assert.Equal("added 1\n", _mounted.Ccwfs("fault", "0.0.0000", "add", "SENSE_ID nth=2 -> check equipment_check").Ok().Output);
        Assert.Equal("added 2\n", _mounted.Ccwfs("fault", "0.0.0000", "add", "data_check", "times=3").Ok().Output);
        Outcome run = _mounted.Bash(Sense + "sense; sense || echo failed; cat \"$S/out\"; sense");
        Assert.Contains("failed", run.Ok().Output, StringComparison.Ordinal);
        Assert.Contains("equipment check", run.Output, StringComparison.Ordinal);
        Assert.Matches(
            @"^N    Seen      Injected  Rule\n1    3         1         SENSE_ID nth=2 -> check equipment_check\n2    0         0         data_check: read\.write times=3 -> check data_check\n$",
            _mounted.Ccwfs("fault", "0.0.0000").Ok().Output);
        Assert.Contains("2 rules, 1 injected, last: SENSE_ID nth=2 -> check equipment_check", _mounted.Ccwfs("info", "0.0.0000").Ok().Output,
            StringComparison.Ordinal);
        Assert.Contains("#2 injected SENSE_ID nth=2 -> check equipment_check", _mounted.Bash("cat \"$D/0.0.0000/flight\"").Ok().Output,
            StringComparison.Ordinal);
        _mounted.Logged("0.0.0000: injected: SENSE_ID nth=2 -> check equipment_check");
        Assert.Equal("removed 1\n", _mounted.Ccwfs("fault", "0.0.0000", "remove", "1").Ok().Output);
        using JsonDocument rows = JsonDocument.Parse(_mounted.Ccwfs("fault", "0.0.0000", "list", "--json").Ok().Output);
        JsonElement row = Assert.Single(rows.RootElement.EnumerateArray());
        Assert.Equal((2, "data_check"), (row.GetProperty("number").GetInt32(), row.GetProperty("preset").GetString()));
        _mounted.Ccwfs("fault", "0.0.0000", "remove", "all").Ok();
        Assert.Equal("[]\n", _mounted.Ccwfs("fault", "0.0.0000", "list", "--json").Ok().Output);
        Assert.Matches(@"(?m)^faults +none, 1 injected", _mounted.Ccwfs("info", "0.0.0000").Ok().Output);
    }

    [Fact]
    public void The_trace_tells_of_a_fault_in_every_form()
    {
        string[] lines = _mounted.Bash(
            Sense + "exec 3<\"$D/0.0.0000/trace.json\"; ccwfs fault 0.0.0000 add 'SENSE_ID once -> channel interface' >\"$S/said\"; sense || true; "
            + "head -n 4 <&3; ccwfs trace 0.0.0000 --last 1 --pcapng \"$S/t.pcapng\"; \"$CCWFS\" trace --read \"$S/t.pcapng\"").Ok().Output.Split('\n');
        JsonElement injected = lines.Take(4).Select(line => JsonDocument.Parse(line).RootElement)
            .Single(e => e.GetProperty("event").GetString() == "injected");
        Assert.Equal("SENSE_ID once -> channel interface", injected.GetProperty("rule").GetString());
        Assert.Contains(lines, line => line.EndsWith("#1 injected SENSE_ID once -> channel interface", StringComparison.Ordinal));
    }

    [Fact]
    public void A_lost_interrupt_is_waited_for_until_the_client_gives_up()
    {
        _mounted.Ccwfs("fault", "0.0.0001", "add", "lost_interrupt").Ok();
        Outcome lost = _mounted.Bash(
            "\"$CCWFS\" run 0.0.0001 'DEFINE_EXTENT begin=0 end=9' 'LOCATE at=3' 'READ count=512' --mount \"$D\" >\"$S/out\" 2>\"$S/err\" & run=$!; "
            + "until \"$CCWFS\" info 0.0.0001 --mount \"$D\" | grep -q '1 injected'; do :; done; "
            + "kill -0 $run; kill -TERM $run; wait $run || true; "
            + "until \"$CCWFS\" run 0.0.0001 'SENSE_ID sli count=7' --mount \"$D\" >\"$S/out\" 2>\"$S/err\"; do :; done; cat \"$S/out\"");
        Assert.Contains("ended well", lost.Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_go_and_come_by_a_rule()
    {
        _mounted.Ccwfs("fault", "0.0.0000", "add", "path_off").Ok();
        Assert.Matches(@"(?m)^pam +40$", _mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        Assert.Equal("done\n", _mounted.Ccwfs("fault", "0.0.0000", "add", "path_on").Ok().Output);
        Assert.Matches(@"(?m)^pam +c0$", _mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        Assert.Equal("040600400402004024020040", _mounted.Bash(
            "\"$CCWFS\" fault 0.0.0000 add report_overflow --mount \"$D\" >\"$S/out\"; "
            + "for i in 1 2 3; do dd if=\"$D/0.0.0000/crw\" bs=8 count=1 status=none | head -c 4 | od -An -tx1 | tr -d ' \\n'; done").Ok().Output);
    }

    [Fact]
    public void A_file_turns_a_rule_on_and_off()
    {
        string path = _mounted.Scratch.At("on");
        _mounted.Ccwfs("fault", "0.0.0000", "add", $"SENSE_ID while={path} -> check overrun").Ok();
        _mounted.Bash(Sense + "sense; touch \"$S/on\"; while sense; do :; done; rm \"$S/on\"; until sense; do :; done").Ok();
        Outcome inside = _mounted.Ccwfs("fault", "0.0.0000", "add", $"SENSE_ID while={_mounted.MountPoint}/control -> lose");
        Assert.Contains("is inside a mounted ccwfs", inside.Refused(2), StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_wait_for_each_other()
    {
        _mounted.Ccwfs("fault", "0.0.0000", "add", "SENSE_ID once -> await 0.0.0001").Ok();
        Assert.Equal("waits\nended well", _mounted.Bash(
            Sense + "sense & first=$!; until ccwfs info 0.0.0000 | grep -q '1 injected'; do :; done; kill -0 $first && echo waits; "
            + "ccwfs run 0.0.0001 'SENSE_ID sli count=7' >\"$S/other\"; wait $first; grep -o 'ended well' \"$S/out\" | head -n 1").Ok().Output.TrimEnd());
    }

    [Fact]
    public void A_SPEC_has_rules_and_a_seed()
    {
        Assert.Equal("added 0.0.0002\n", _mounted.Ccwfs("add", "dasd,fault=SENSE_ID -> check overrun,fault=data_check,hostile=7").Ok().Output);
        Assert.Matches(@"(?m)^faults +2 rules, hostile=7 \(0 programs\)$", _mounted.Ccwfs("info", "0.0.0002").Ok().Output);
        Assert.Contains("overrun", _mounted.Bash(
            "\"$CCWFS\" run 0.0.0002 'SENSE_ID sli count=7' --mount \"$D\" || true").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_has_rules_in_an_array()
    {
        using var scratch = new Scratch();
        string file = scratch.At("c.json"), mountPoint = scratch.MakeDirectory("m");
        void Write(string faults) => File.WriteAllText(file, $$"""
            { "mountpoint": "{{mountPoint}}", "devices": [ { "kind": "dasd", {{faults}} "id": "0.0.0000" } ] }
            """);
        Write("""
            "fault": [ "SENSE_ID nth=2 -> check overrun", "write -> check data_check" ], "hostile": 4,
            """);
        Child.Ccwfs("config", "check", file).Ok();
        Write("""
            "fault": [ "SENSE_ID -> chek overrun" ],
            """);
        Assert.Contains("did you mean 'check'?", Child.Ccwfs("config", "check", file).Refused(1), StringComparison.Ordinal);
        Write("""
            "flight": [ "1", "2" ],
            """);
        Assert.Contains("flight is given twice", Child.Ccwfs("config", "check", file).Refused(1), StringComparison.Ordinal);
    }

    [Fact]
    public void Presets_are_listed_with_a_line_each()
    {
        string[] lines = Child.Ccwfs("fault", "presets").Ok().Output.TrimEnd('\n').Split('\n');
        Assert.InRange(lines.Length, 50, 200);
        Assert.All(lines, line => Assert.Matches(@"^[a-z_]+ +[A-Z].+\.$", line));
        using JsonDocument presets = JsonDocument.Parse(Child.Ccwfs("fault", "presets", "--json").Ok().Output);
        Assert.Equal(lines.Length, presets.RootElement.EnumerateObject().Count());
    }

    [Theory]
    [InlineData(2, "REED_DATA -> lose", "did you mean 'READ_DATA'?")]
    [InlineData(2, "data_chek", "did you mean 'data_check'?")]
    [InlineData(2, "write -> flip 1", "say corrupt")]
    [InlineData(2, "", "add needs a rule")]
    public void A_wrong_rule_is_one_line(int status, string rule, string says)
    {
        string[] words = ["0.0.0000", "add", .. rule.Length == 0 ? (string[])[] : [rule]];
        Assert.Contains(says, _mounted.Ccwfs("fault", words).Refused(status), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "is no action", "0.0.0000", "ad")]
    [InlineData(2, "its number, or all", "0.0.0000", "remove", "x")]
    [InlineData(1, "there is no rule 7", "0.0.0000", "remove", "7")]
    [InlineData(1, "there is no subchannel 0.0.0009", "0.0.0009", "list")]
    [InlineData(2, "list takes no further word", "0.0.0000", "list", "x")]
    [InlineData(2, "presets takes no further word", "presets", "add")]
    public void A_wrong_command_line_is_one_line(int status, string says, params string[] words) =>
        Assert.Contains(says, _mounted.Ccwfs("fault", words).Refused(status), StringComparison.Ordinal);

    [Fact]
    public void A_rule_of_a_hundred_thousand_characters_is_refused_and_rules_are_limited()
    {
        string refusal = _mounted.Ccwfs("fault", "0.0.0000", "add", new string('x', 100_000)).Refused(2);
        Assert.InRange(refusal.Length, 1, 200);
        refusal = _mounted.Ccwfs("add", $"dasd,fault={new string('x', 100_000)}").Refused(2);
        Assert.InRange(refusal.Length, 1, 800);
        _mounted.Python("""
            fd = os.open(os.environ['D'] + '/control', os.O_RDWR)
            def ask(**request):
                os.write(fd, json.dumps(request).encode())
                reply = b''
                while data := os.read(fd, 65536): reply += data
                return json.loads(reply)
            for i in range(64):
                reply = ask(verb='fault', id='0.0.0000', action='add', rule='write -> lose')
                assert reply['faults'][0]['number'] == i + 1, reply
            assert 'at most 64 rules' in ask(verb='fault', id='0.0.0000', action='add', rule='write -> lose')['error']
            assert 'at most 512' in ask(verb='fault', id='0.0.0000', action='add', rule='x' * 60000)['error']
            assert 'is one of' in ask(verb='fault', id='0.0.0000', action='x')['error']
            assert 'a rule is missing' in ask(verb='fault', id='0.0.0000', action='add')['error']
            assert ask(verb='fault', id='0.0.0000', action='remove', rule='all') == {}
            """);
    }
}
