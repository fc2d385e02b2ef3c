using System.Text.RegularExpressions;

namespace CcwFs.SystemTests;

/// <summary>The README: short, its commands work in their order, and what it names is there.</summary>
public sealed partial class ReadmeTests
{
    /// <summary>The two commands of which one builds and one would run these tests again.</summary>
    private const string Mount = "./scripts/run", Test = "./scripts/test";

    private const int MaxLines = 150, MaxColumns = 100;

    /// <summary>scripts/run may have to build first, and a guest boots.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    private static string Text => File.ReadAllText(Places.Repository + "/README.md");

    [Fact]
    public void Every_command_of_the_readme_works_as_it_stands()
    {
        string[] blocks = TypedCommands.Of(Text);
        Assert.Contains(Mount, blocks);
        Assert.Contains(Test, blocks);
        Assert.True(File.Exists(Places.Repository + "/scripts/test"));

        Outcome outcome = TypedCommands.Run(Mount, blocks.Where(block => block is not (Mount or Test)), s_patience);
        Assert.Contains("ended well: channel end, device end", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("VOL1VOL1CCWFS1", outcome.Output, StringComparison.Ordinal);
        Assert.Matches("(?m)^/dev/dasda1 .* /mnt$", outcome.Output); // the guest's file system
        Assert.Contains("-device vfio-ccw,fd=", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void It_can_be_read_in_a_few_minutes()
    {
        string[] lines = Text.TrimEnd('\n').Split('\n');
        Assert.True(lines.Length <= MaxLines, $"{lines.Length} lines");
        Assert.All(lines, line => Assert.True(line.Length <= MaxColumns, line));
    }

    [Fact]
    public void It_names_every_topic_of_help_and_links_to_what_is_there()
    {
        string[] topics =
            [.. Topics().Matches(Child.Ccwfs("help").Ok().Output.Split("\n\n")[1]).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal)];
        Assert.Contains("volumes", topics);
        Assert.Equal(topics, Rows().Matches(Text).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
        string[] links = [.. Links().Matches(Text).Select(m => m.Groups[1].Value)];
        Assert.Contains("scripts/picture.d/session.svg", links);
        Assert.All(links, link => Assert.True(File.Exists($"{Places.Repository}/{link}"), link));
    }

    /// <summary>A command line that no test runs names a verb that there is.</summary>
    [Fact]
    public void Its_other_commands_are_verbs_with_these_options()
    {
        string[] lines = [.. Examples().Matches(Text).SelectMany(m => m.Groups[1].Value.Trim().Split('\n'))];
        Assert.Contains("ccwfs attach 0.0.2b09 --dry-run", lines);
        Assert.All(lines, line =>
        {
            string[] words = line.Split(' ');
            string help = Child.Ccwfs(words[1], "--help").Ok().Output;
            Assert.All(
                words.Where(word => word.StartsWith("--", StringComparison.Ordinal)), option =>
                    Assert.Contains($"\n  {option} ", help, StringComparison.Ordinal));
        });
    }

    [GeneratedRegex("(?m)^  ([a-z.]+)  ")]
    private static partial Regex Topics();

    [GeneratedRegex(@"(?m)^\| `([a-z.]+)` \|")]
    private static partial Regex Rows();

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex("^```\n(ccwfs .*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Examples();
}
