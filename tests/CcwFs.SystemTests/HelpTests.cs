using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary><c>ccwfs help</c>: every manual page on the terminal, without the manual; and the commands in the pages work.</summary>
public sealed partial class HelpTests
{
    private const int Plain = 80, Widest = 100;

    private static string[] Topics => [.. Names().Matches(Child.Ccwfs("help").Ok().Output).Select(m => m.Groups[1].Value)];

    [Fact]
    public void Every_topic_and_verb_that_is_listed_has_a_page_of_plain_lines()
    {
        Assert.Contains("policy", Topics);
        Assert.Contains("attach", Topics);
        Assert.All(Topics.AsParallel().Select(topic => (topic, Child.Ccwfs("help", topic).Ok().Output)).ToArray(), page =>
        {
            Assert.StartsWith("NAME\n    ccwfs", page.Output, StringComparison.Ordinal);
            Assert.Contains(page.topic, page.Output.Split('\n')[1], StringComparison.Ordinal);
            Assert.DoesNotContain('\e', page.Output);
            Assert.All(page.Output.Split('\n'), line => Assert.True(
                // examples stay as they are
                line.Length <= (line.StartsWith("        ", StringComparison.Ordinal) ? Widest : Plain), $"{page.topic}: {line}"));
        });
    }

    [Fact]
    public void A_verb_and_a_topic_of_one_name_are_both_shown_and_each_by_its_section()
    {
        string[] pages = [.. ((string[])["qemu", "ccwfs-qemu(1)", "qemu.7"]).Select(word => Child.Ccwfs("help", word).Ok().Output)];
        (string both, string verb, string topic) = (pages[0], pages[1], pages[2]);
        Assert.Equal(both, $"{verb}\n{topic}");
        Assert.Contains("--private-memory", verb, StringComparison.Ordinal);
        Assert.Contains("unknown", topic, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_terminal_words_are_bold_and_lines_as_wide_as_it_up_to_a_hundred_columns()
    {
        string[] lines = OnTerminal("xterm", 120).Split('\n');
        Assert.Contains(lines, line => line.Contains("\e[1mNAME\e[0m", StringComparison.Ordinal));
        int longest = lines.Max(line => Styles().Replace(line, "").TrimEnd('\r').Length);
        Assert.InRange(longest, Plain + 1, Widest);
        Assert.DoesNotContain('\e', OnTerminal("dumb", 120));
    }

    [Fact]
    public void Every_error_number_of_the_files_has_a_row()
    {
        string page = Child.Ccwfs("help", "files").Ok().Output;
        foreach ((string file, string[] rows) in (ReadOnlySpan<(string, string[])>)
        [
            ("io", ["EINVAL", "EBUSY", "EAGAIN", "EOPNOTSUPP", "EIO", "ENODEV", "EACCES", "EPERM", "EFAULT"]),
            ("cmd", ["EINVAL", "EBUSY", "EAGAIN", "ENODEV", "EIO"]),
            ("schib", ["ENODEV", "EINVAL"]),
            ("crw", ["EINVAL"]),
            ("irq/io, irq/crw, irq/req", ["EINVAL", "EAGAIN", "EINTR", "ENODEV", "ENOMEM", "EINVAL", "EAGAIN"]),
            ("memory", ["ENOSPC", "EIO"]),
            ("control", ["ENFILE", "EPERM", "EBUSY", "EFBIG", "EAGAIN", "ENOMEM", "EIO"]),
        ])
        {
            string chapter = Headings().Split(page.Split($"\n  {file}\n")[1])[0];
            Assert.Equal(rows, Rows().Matches(chapter).Select(m => m.Groups[1].Value));
        }
    }

    [Fact]
    public void Every_command_of_the_pages_works_as_it_stands()
    {
        string[] pages = Directory.GetFiles(Places.Repository + "/src/CcwFs.Cli/Docs/Topics", "*.md");
        Assert.True(pages.Length > 10);
        string[] blocks = [.. pages.Order(StringComparer.Ordinal).SelectMany(page => TypedCommands.Of(File.ReadAllText(page)))];
        Outcome outcome = TypedCommands.Run("ccwfs mount", blocks, Child.Patience);
        Assert.Contains("ended well: channel end, device end", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("VOL1VOL1CCWFS1", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("-device vfio-ccw,fd=", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("04 06 00 41", outcome.Output, StringComparison.Ordinal); // the channel report of path 41
    }

    /// <summary>The page on files, as a terminal gets it.</summary>
    private static string OnTerminal(string terminal, int columns) => Child.Finish(Child.Start(
        "/", new Dictionary<string, string> { ["TERM"] = terminal, ["NO_COLOR"] = "" },
        "script", "-qec", $"stty cols {columns}; {Places.Program} help files", "/dev/null")).Ok().Output;

    [GeneratedRegex("(?m)^  ([a-z.]+)  ")]
    private static partial Regex Names();

    [GeneratedRegex(@"\n\n(?:  )?\S")]
    private static partial Regex Headings();

    [GeneratedRegex("(?m)^    (?:open|read|write|read, write) +(E[A-Z]+) ")]
    private static partial Regex Rows();

    [GeneratedRegex(@"\e(?:\[[?\d]*[a-z]|=)")]
    private static partial Regex Styles();
}
