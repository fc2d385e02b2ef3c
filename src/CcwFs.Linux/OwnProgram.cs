using System.Reflection;

namespace CcwFs.Linux;

/// <summary>The program that this process runs, and how it is started again.</summary>
public static class OwnProgram
{
    /// <summary>This program's version, as the package has it.</summary>
    public static string Version => Started.GetName().Version?.ToString(3) ?? "";

    /// <summary>
    /// The program, or dotnet and the program's file: that is how it runs where .NET has no host for the architecture (the s390x package).
    /// </summary>
    public static string[] Words => Path.GetFileName(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, $"{Started.GetName().Name}.dll")]
        : [Environment.ProcessPath ?? "ccwfs"];

    private static Assembly Started => Assembly.GetEntryAssembly()!;
}
