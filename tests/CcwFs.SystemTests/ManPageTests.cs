using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>The manual pages: made by the program from what it knows, without a warning of groff's, with every verb, option and key.</summary>
public sealed partial class ManPageTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public ManPageTests() => Child.Ccwfs("docs", "man", _scratch.Path).Ok();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Groff_has_no_complaint_and_man_finds_the_names()
    {
        string[] pages = Directory.GetFiles(_scratch.Path, "*", SearchOption.AllDirectories);
        Assert.True(pages.Length > 10);
        Outcome groff = Child.Run("groff", ["-man", "-Tutf8", "-Kutf8", "-ww", "-z", .. pages]);
        Assert.Equal("", groff.Ok().Output + groff.Error);
        Assert.All(pages, page => Assert.Contains(" - ", Child.Run("lexgrog", page).Ok().Output, StringComparison.Ordinal));
    }

    [Fact]
    public void The_page_of_run_has_the_language_of_channel_programs()
    {
        string page = Rendered("man1/ccwfs-run.1");
        Assert.Matches(@"(?s)\n       LOCATE_RECORD\n +47, storage to device\. Words: op=, orient=, seek=,", page);
        Assert.Matches(@"(?s)\n       NO_OPERATION\n +03, no data\. Also NOP\.", page);
    }

    [Fact]
    public void Every_sentence_ends_with_one_full_stop()
    {
        foreach (string page in Directory.GetFiles(_scratch.Path, "*", SearchOption.AllDirectories))
        {
            string text = File.ReadAllText(page);
            Assert.DoesNotContain("..", text.Replace("...", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.All(Terms().Matches(text), term => Assert.True(term.Value.TrimEnd().EndsWith('.'), $"{page}: {term.Value}"));
            Assert.Equal("", Child.Finish(Child.Start("/", new Dictionary<string, string> { ["LC_ALL"] = "C.UTF-8" }, "man", "--warnings", "-l", page)).Ok().Error);
        }
    }

    [Fact]
    public void Help_texts_and_descriptions_are_written_alike()
    {
        foreach (string[] verb in (string[][])[["mount"], ["dasd"], ["dasd", "create"], ["dasd", "info"], ["translate"], ["qemu"], ["config"]])
            Assert.DoesNotMatch(@"(?m)[a-z]\.( \[default.*)?$", Child.Ccwfs([.. verb, "--help"]).Ok().Output);
    }

    [Fact]
    public void Every_verb_has_a_page_with_every_option_of_its_help()
    {
        string[] verbs = [.. Commands().Matches(Child.Ccwfs("--help").Ok().Output.Split("Commands:")[1]).Select(m => m.Groups[1].Value)];
        Assert.Contains("mount", verbs);
        Assert.DoesNotContain("docs", verbs);
        string overview = Rendered("man1/ccwfs.1");
        foreach (string verb in verbs)
        {
            Assert.Contains($"ccwfs-{verb}(1)", overview, StringComparison.Ordinal);
            string page = Rendered($"man1/ccwfs-{verb}.1");
            foreach (Match option in Options().Matches(Child.Ccwfs(verb, "--help").Ok().Output))
                Assert.Contains($" {option.Groups[1].Value}", page.Replace('\n', ' '), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_key_of_the_configuration_and_of_SPECs_is_in_its_page()
    {
        string page = Rendered("man5/ccwfs.json.5");
        string[] keys = [.. Keys().Matches(Child.Ccwfs("config", "keys").Ok().Output).Select(m => m.Groups[1].Value)];
        Assert.Contains("log-level", keys);
        Assert.Contains("chpids", keys);
        Assert.All(keys, key => Assert.Matches($"(?m)^       {key}[ =\n]", page));
    }

    [Fact]
    public void The_same_program_writes_the_same_pages()
    {
        string again = _scratch.MakeDirectory("again");
        Child.Ccwfs("docs", "man", again).Ok();
        Child.Run("diff", "-r", again + "/man1", _scratch.At("man1")).Ok();
    }

    private string Rendered(string page) => Child.Finish(Child.Start(
        "/", new Dictionary<string, string> { ["MANWIDTH"] = "1000", ["LC_ALL"] = "C.UTF-8" }, "man", "-l", _scratch.At(page))).Ok().Output.Replace('‐', '-');

    [GeneratedRegex("(?m)^  ([a-z]+)")]
    private static partial Regex Commands();

    [GeneratedRegex("(?m)^  (?:-., )?(--(?!help|version)[a-z-]+)")]
    private static partial Regex Options();

    [GeneratedRegex("(?m)^  ([a-z-]+)")]
    private static partial Regex Keys();

    /// <summary>A term, and what it means.</summary>
    [GeneratedRegex("(?m)^\\.TP\n.*\n.*$")]
    private static partial Regex Terms();
}
