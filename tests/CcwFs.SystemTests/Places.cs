namespace CcwFs.SystemTests;

/// <summary>Where the repository and the built program are.</summary>
internal static class Places
{
    /// <summary>The repository's top directory.</summary>
    internal static string Repository { get; } = FindRepository();

    /// <summary>
    /// The directory with the .deb, the tarball, and in <c>root</c> what was in it, of this source: scripts/test makes them, and has users' program
    /// tested. Null: the program that was built with these tests is tested, and packages are made where they are needed.
    /// </summary>
    internal static string? Packages { get; } = Environment.GetEnvironmentVariable("CCWFS_TEST_PACKAGES") is { Length: > 0 } made ? made : null;

    /// <summary>The directory of the program.</summary>
    internal static string ProgramDirectory { get; } = Packages is { } made ? made + "/root/usr/lib/ccwfs" : BuiltDirectory;

    /// <summary>The program.</summary>
    internal static string Program { get; } = ProgramDirectory + "/ccwfs";

    /// <summary>The program that was built with these tests, which runs on a shared .NET.</summary>
    internal static string BuiltProgram { get; } = BuiltDirectory + "/ccwfs";

    private static string BuiltDirectory => Repository + "/src/CcwFs.Cli/bin/" + Configuration + "/net10.0";

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
