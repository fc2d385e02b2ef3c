namespace CcwFs.Cli;

/// <summary>How this program is started again.</summary>
internal static class OwnProgram
{
    /// <summary>This program's version, as the package has it.</summary>
    internal static string Version => typeof(OwnProgram).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>The program, or dotnet and the program's file: that is how it runs where .NET has no host for the architecture (the s390x package).</summary>
    internal static string[] Words => Path.GetFileName(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, typeof(OwnProgram).Assembly.Location]
        : [Environment.ProcessPath ?? "ccwfs"];
}
