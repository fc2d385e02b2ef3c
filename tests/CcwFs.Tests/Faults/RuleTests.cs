using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Faults.Rules;

namespace CcwFs.Tests.Faults;

/// <summary>What rules are read as, and what is said of wrong ones.</summary>
public sealed class RuleTests
{
    private static readonly FaultTarget s_disk = new(Families.Eckd, IsEmulated: true);

    public static TheoryData<string> Presets => [.. FaultWords.Presets.Select(preset => preset.Word)];

    [Theory]
    [InlineData("write at=100/0-200/14 nth=3 once -> check data_check")]
    [InlineData("read.write chance=0.5% seed=7 -> channel interface+control")]
    [InlineData("READ_DATA.86 every=2 from=4 -> status busy")]
    [InlineData("start times=3 -> deferred 1 set=later")]
    [InlineData("halt -> cc 2")]
    [InlineData("clear once -> delay 500ms")]
    [InlineData("now -> unsolicited attention+device_end+exception")]
    [InlineData("now -> unsolicited unit_check sense=service_message")]
    [InlineData("any for=10s while=/tmp/x state=!later -> lose unset=later")]
    [InlineData("start -> await 0.0.0001:start")]
    [InlineData("write -> check data_check after")]
    [InlineData("read -> torn 512 corrupt")]
    [InlineData("read -> data 3:00ff corrupt")]
    [InlineData("sense -> check 100000000000000000000000000000000000000000000000")]
    public void A_rule_keeps_its_words(string text)
    {
        Assert.Null(FaultRule.TryParse($"  {text.Replace(" ", "   ", StringComparison.Ordinal)} ", s_disk, out IReadOnlyList<FaultRule> rules));
        Assert.Equal(text, Assert.Single(rules).Text);
    }

    [Theory]
    [InlineData("", "a rule is missing")]
    [InlineData("write nth=3 check x", "arrow")]
    [InlineData("data_chek", "unknown preset 'data_chek': did you mean 'data_check'?")]
    [InlineData("-> lose", "begins with what it looks at")]
    [InlineData("wriet -> lose", "did you mean 'write'?")]
    [InlineData("REED_DATA -> lose", "the 3990 has no command 'REED_DATA': did you mean 'READ_DATA'?")]
    [InlineData("DIAGNOSTIC_CONTROL -> lose", "has no command")]
    [InlineData("77 -> lose", "has no command '77'")]
    [InlineData("TIC -> lose", "has no command")]
    [InlineData("read.start -> lose", "has no command 'start'")]
    [InlineData("read nht=3 -> lose", "unknown trigger 'nht': did you mean 'nth'?")]
    [InlineData("read nth -> lose", "nth needs a value: nth=N")]
    [InlineData("read nth=0 -> lose", "'0' is no number from 1 to")]
    [InlineData("read nth=2 nth=3 -> lose", "given twice")]
    [InlineData("read once=1 -> lose", "once takes no value")]
    [InlineData("read nth=3 every=2 -> lose", "never meets")]
    [InlineData("sense at=1-2 -> lose", "sense has no place")]
    [InlineData("start at=1-2 -> lose", "start has no place")]
    [InlineData("read at=1/15 -> lose", "at: '1/15' is no range of tracks")]
    [InlineData("read chance=101% -> lose", "no probability")]
    [InlineData("read chance=5 -> lose", "no probability")]
    [InlineData("read chance=5%% -> lose", "no probability")]
    [InlineData("read chance=% -> lose", "no probability")]
    [InlineData("read for=5 -> lose", "no time")]
    [InlineData("read for=2h -> lose", "no time")]
    [InlineData("read for=99999999999999999999s -> lose", "no time")]
    [InlineData("read while=x -> lose", "no absolute path")]
    [InlineData("read state=A -> lose", "no name of a state")]
    [InlineData("read ->", "an action is missing")]
    [InlineData("read -> chek data_check", "unknown action 'chek': did you mean 'check'?")]
    [InlineData("read -> check", "check needs a value: check SENSE")]
    [InlineData("read -> check data_chek", "unknown sense 'data_chek': did you mean 'data_check'?")]
    [InlineData("read -> check 1000", "24 or 32 bytes in hex")]
    [InlineData("read -> channel interfaces", "did you mean 'interface'?")]
    [InlineData("read -> status buzy", "did you mean 'busy'?")]
    [InlineData("read -> deferred 2", "it is 1 or 3")]
    [InlineData("read -> cc 0", "no number from 1 to 3")]
    [InlineData("read -> await 0.0.1", "is no subchannel")]
    [InlineData("read -> crw 0", "is no channel report")]
    [InlineData("read -> path_off 400", "no channel-path id")]
    [InlineData("read -> flip 1", "flip damages data: say corrupt behind it")]
    [InlineData("read -> lose corrupt", "leave corrupt out")]
    [InlineData("read -> lose after", "after is for check, channel, status and deferred")]
    [InlineData("read -> data 1:xx corrupt", "bytes in hex")]
    [InlineData("read -> torn 0 corrupt", "no number from 1")]
    [InlineData("write -> stale corrupt", "write stores nothing: stale is for commands that read")]
    [InlineData("NO_OPERATION -> flip 1 corrupt", "NO_OPERATION moves no data")]
    [InlineData("read -> lose soon", "unknown option 'soon'")]
    [InlineData("halt -> check data_check", "check is not for halt")]
    [InlineData("now -> lose", "lose is not for now")]
    [InlineData("now once -> path_off 40", "takes no trigger")]
    public void A_wrong_rule_is_refused_in_one_line(string text, string says)
    {
        string? wrong = FaultRule.TryParse(text, s_disk, out IReadOnlyList<FaultRule> rules);
        Assert.NotNull(wrong);
        Assert.Contains(says, wrong, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong);
        Assert.Empty(rules);
    }

    [Fact]
    public void A_rule_of_a_megabyte_is_refused_in_a_short_line()
    {
        string blanks = new(' ', 1 << 20), words = string.Concat(Enumerable.Repeat("a=b ", 1 << 18));
        foreach (string text in (string[])[new('x', 1 << 20), $"read {blanks}-> lose", words])
            Assert.InRange(FaultRule.TryParse(text, s_disk, out _)!.Length, 1, 100);
        foreach (string text in (string[])[new('x', 500), $"read {new string('x', 490)} -> lose", $"read -> check {new string('x', 490)}"])
            Assert.InRange(FaultRule.TryParse(text, s_disk, out _)!.Length, 1, 300);
    }

    [Fact]
    public void Any_text_is_a_rule_or_refused()
    {
        string[] words = [.. FaultWords.Subjects.Concat(FaultWords.Triggers).Concat(FaultWords.Actions).Concat(FaultWords.Options)
            .Select(word => word.Word), "->", "=", "1", "corrupt", "0:00", "40", "500ms", "data_check", "READ_DATA", "\u0007", "=="];
        var random = new Random(7);
        int good = 0;
        for (int i = 0; i < 50_000; i++)
        {
            string Word() => words[random.Next(words.Length)];
            IEnumerable<string> parts = Enumerable.Range(0, random.Next(7)).Select(_ => random.Next(4) == 0 ? $"{Word()}={Word()}" : Word());
            good += FaultRule.TryParse(string.Join(' ', parts), s_disk, out IReadOnlyList<FaultRule> rules) is null ? 1 : 0;
        }
        Assert.InRange(good, 10, 49_000);
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public void Every_preset_fits_an_emulated_disk(string preset)
    {
        Assert.Null(FaultRule.TryParse(preset, s_disk, out IReadOnlyList<FaultRule> rules));
        Assert.NotEmpty(rules);
        Assert.All(rules, rule => Assert.Equal(preset, rule.Preset));
    }

    [Fact]
    public void Words_behind_a_preset_take_the_place_of_its_own()
    {
        Assert.Null(FaultRule.TryParse("data_check times=3 at=1-2", s_disk, out IReadOnlyList<FaultRule> rules));
        Assert.Equal("read.write times=3 at=1-2 -> check data_check", Assert.Single(rules).Text);
    }

    [Fact]
    public void Each_family_has_its_own_commands_and_sense()
    {
        var blocks = new FaultTarget(Families.Fba, IsEmulated: true);
        Assert.Null(FaultRule.TryParse("write at=0-99.500 -> check data_check", blocks, out _));
        Assert.Contains("no command 'PREFIX'", FaultRule.TryParse("PREFIX -> lose", blocks, out _), StringComparison.Ordinal);
        Assert.Equal("the 9336 has no command of the class search", FaultRule.TryParse("search -> lose", blocks, out _));
        Assert.Contains("unknown sense", FaultRule.TryParse("read -> check action_busy", blocks, out _), StringComparison.Ordinal);
        Assert.Equal("the 9336 has 24 bytes of sense", FaultRule.TryParse($"read -> check {new string('1', 64)}", blocks, out _));
        var real = new FaultTarget(Families.Eckd, IsEmulated: false);
        Assert.Null(FaultRule.TryParse("DIAGNOSTIC_CONTROL.77 -> lose", real, out _));
        Assert.Contains("chchp", FaultRule.TryParse("now -> path_off 40", real, out _), StringComparison.Ordinal);
        Assert.Null(FaultRule.TryParse("any.B7 -> check overrun", new FaultTarget(Families.Basic, IsEmulated: false), out _));
    }

    [Theory]
    [InlineData("now -> path_off 77", "the device has no channel path 77; it has 40, 41")]
    [InlineData("path_flap", null)]
    [InlineData("read -> await 0.0.0005", "0.0.0005 is the device itself")]
    [InlineData("read -> await 0.0.0006", null)]
    [InlineData("read at=10/0-20/0 -> lose", "at: the volume has only 150 tracks")]
    [InlineData("read at=9/14-20/0 -> lose", null)]
    public void What_the_device_has_not_is_refused(string text, string? says)
    {
        FaultTarget target = s_disk with { Id = new SubchannelId(0, 0, 5), ChannelPaths = [0x40, 0x41], Places = 150 };
        string? wrong = FaultRule.TryParse(text, target, out _);
        if (says is null)
            Assert.Null(wrong);
        else
            Assert.Contains(says, wrong, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_word_says_what_it_does_in_a_sentence() =>
        Assert.All(
            FaultWords.Subjects.Concat(FaultWords.Triggers).Concat(FaultWords.Actions).Concat(FaultWords.Options).Concat(FaultWords.Senses)
                .Concat(FaultWords.Presets),
            word => Assert.Matches("^[A-Z].+\\.$", word.Help));
}
