namespace CcwFs.Cli.Docs;

/// <summary>
/// The texts beside this file that are built into the program: Topics are pages of their own, Verbs what the page of a verb says beyond its help
/// texts, Parts the page of the program and what several pages have.
/// </summary>
internal static class Texts
{
    /// <summary>The files of topics, "ccwfs-volumes.7.md" for one, in order.</summary>
    internal static IEnumerable<string> Topics =>
        typeof(Texts).Assembly.GetManifestResourceNames().Where(IsTopic).Order(StringComparer.Ordinal);

    /// <summary>The text of a verb.</summary>
    internal static string OfVerb(string verb) => Read(verb + ".md");

    /// <summary>The text of a file.</summary>
    internal static string Read(string file)
    {
        Stream stream = typeof(Texts).Assembly.GetManifestResourceStream(file) ?? throw new FileNotFoundException($"there is no text {file}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static bool IsTopic(string file) => file.StartsWith("ccwfs", StringComparison.Ordinal) && file.EndsWith(".md", StringComparison.Ordinal);
}
