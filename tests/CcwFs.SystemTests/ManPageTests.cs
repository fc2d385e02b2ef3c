using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>
/// The manual pages: made by the program from what it knows and from texts, without a warning of groff's, with every verb, option and key.
/// </summary>
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
        Outcome groff = Child.Run("groff", ["-t", "-man", "-Tutf8", "-Kutf8", "-ww", "-z", .. pages]);
        Assert.Equal("", groff.Ok().Output + groff.Error);
        Assert.All(pages, page => Assert.Contains(" - ", Child.Run("lexgrog", page).Ok().Output, StringComparison.Ordinal));
    }

    [Fact]
    public void The_page_of_programs_has_every_command_with_its_words()
    {
        string page = Rendered("man7/ccwfs-programs.7");
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
            Assert.Equal("",
                Child.Finish(Child.Start("/", new Dictionary<string, string> { ["LC_ALL"] = "C.UTF-8" }, "man", "--warnings", "-l", page))
                .Ok().Error);
        }
    }

    [Fact]
    public void A_page_names_only_pages_that_there_are_and_not_itself()
    {
        string[] pages = Directory.GetFiles(_scratch.Path, "*", SearchOption.AllDirectories);
        string[] names = [.. pages.Select(page => Reference(page))];
        Assert.Contains("ccwfs-files(5)", names);
        Assert.All(pages, page =>
        {
            string own = Reference(page), text = File.ReadAllText(page).Replace("\\-", "-", StringComparison.Ordinal);
            string[] named = [.. References().Matches(text).Select(m => m.Value)];
            Assert.NotEmpty(named);
            Assert.Empty(named.Except(names));
            Assert.DoesNotContain(own, named);
            Assert.DoesNotContain($"man {own.Split('(')[0]}", text, StringComparison.Ordinal);
        });

        static string Reference(string page) => $"{Path.GetFileNameWithoutExtension(page)}({Path.GetExtension(page)[1..]})";
    }

    [Fact]
    public void Help_texts_are_whole_sentences()
    {
        foreach (string verb in (string[])[.. Verbs(), "dasd create", "dasd info", "dasd check", "dasd complete", "config check", "config keys"])
        {
            string help = Child.Ccwfs([.. verb.Split(' '), "--help"]).Ok().Output;
            string[] texts = [.. Descriptions().Matches(help).Select(m => m.Groups[1].Value)];
            Assert.NotEmpty(texts);
            Assert.All(texts, text => Assert.Matches(@"^['\p{Lu}].*\.$", text));
        }
    }

    [Fact]
    public void Help_shows_every_verb_in_a_group_and_the_first_three_commands()
    {
        string help = Child.Ccwfs("--help").Ok().Output;
        IEnumerable<string> pages = Directory.GetFiles(_scratch.At("man1"), "ccwfs-*").Select(page => Path.GetFileName(page)["ccwfs-".Length..^2]);
        Assert.Equal(pages.Order(StringComparer.Ordinal), Verbs().Order(StringComparer.Ordinal));
        string[] blocks = help.Split("\n\n");
        Assert.Equal(3, blocks[1].Split('\n').Count(line => line.StartsWith("  ccwfs ", StringComparison.Ordinal)));
        Assert.All(
            (string[])["Mount:\n  mount ", "Look:\n  list ", "Run channel programs:\n  run ", "Volumes:\n  dasd ", "Guests:\n  qemu ",
                "Real devices:\n  attach "],
            group => Assert.Contains("\n\n" + group, help, StringComparison.Ordinal));
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 100, line));
    }

    [Fact]
    public void Every_verb_has_a_page_with_every_option_of_its_help()
    {
        string[] verbs = Verbs();
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
        foreach (string section in (string[])["man1", "man5", "man7", "man8"])
            Child.Run("diff", "-r", $"{again}/{section}", _scratch.At(section)).Ok();
    }

    private string Rendered(string page) => Child.Finish(Child.Start(
        "/", new Dictionary<string, string> { ["MANWIDTH"] = "1000", ["LC_ALL"] = "C.UTF-8" }, "man", "-l", _scratch.At(page)))
            .Ok().Output.Replace('‐', '-');

    private static string[] Verbs() => [.. Commands().Matches(Child.Ccwfs("--help").Ok().Output).Select(m => m.Groups[1].Value)];

    /// <summary>A verb and what it does; not a command to type.</summary>
    [GeneratedRegex("(?m)^  ([a-z]+)  ")]
    private static partial Regex Commands();

    /// <summary>What stands behind an argument, an option or a verb of a help text; without the default that the parser adds.</summary>
    [GeneratedRegex(@"(?m)^  (?:<|-|[a-z]+ ).*?[^,]  +(\S.*?)(?: \[default: .*\])?$")]
    private static partial Regex Descriptions();

    [GeneratedRegex(@"ccwfs[a-z.-]*\(\d\)")]
    private static partial Regex References();

    [GeneratedRegex("(?m)^  (?:-., )?(--(?!help|version)[a-z-]+)")]
    private static partial Regex Options();

    [GeneratedRegex("(?m)^  ([a-z-]+)")]
    private static partial Regex Keys();

    /// <summary>A term, and what it means.</summary>
    [GeneratedRegex("(?m)^\\.TP\n.*\n.*$")]
    private static partial Regex Terms();
}
