namespace CcwFs.SystemTests;

/// <summary>Where the repository and the built program are.</summary>
internal static class Places
{
    /// <summary>The repository's top directory.</summary>
    internal static string Repository { get; } = FindRepository();

    /// <summary>The directory of the program that was built with these tests.</summary>
    internal static string ProgramDirectory { get; } = Repository + "/src/CcwFs.Cli/bin/" + Configuration + "/net10.0";

    /// <summary>The program.</summary>
    internal static string Program { get; } = ProgramDirectory + "/ccwfs";

    // …/bin/CONFIGURATION/net10.0/
    private static string Configuration => Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;

    private static string FindRepository()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(at + "/CcwFs.sln"))
            at = Path.GetDirectoryName(at);
        return at ?? throw new InvalidOperationException("the tests run outside of the repository");
    }
}
