namespace CcwFs.Tests.Layout;

/// <summary>A kind of device is its folders and a row. What else names it must stay little, or the next kind costs much.</summary>
public sealed class KindLinesTests
{
    private const int Most = 5; // its row, and a line for each of: family, program text, policies, faults

    [Fact]
    public void A_kind_is_named_outside_of_its_own_files_in_few_lines()
    {
        string source = Path.Combine(LayoutTests.FindRoot(), "src");
        string[] lines =
        [
            .. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(source, path))
                .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" || part.StartsWith("Fba", StringComparison.Ordinal)))
                .SelectMany(path => File.ReadLines(Path.Combine(source, path)).Where(line => line.Contains("Fba", StringComparison.Ordinal))
                    .Select(line => $"{path}: {line.Trim()}")),
        ];
        Assert.True(lines.Length <= Most, string.Join("\n", lines));
    }
}
