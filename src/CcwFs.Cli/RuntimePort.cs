using System.Globalization;

namespace CcwFs.Cli;

/// <summary>
/// The runtime's port for debuggers and profilers: a socket and two pipes in the temporary directory, which stay there when the process is killed.
/// They are made before our code runs, unless the environment says no, and then they are taken away.
/// </summary>
internal static class RuntimePort
{
    /// <summary>The runtime's own variable: 0 for no port; 1, and ours stays, for a debugger.</summary>
    internal const string Variable = "DOTNET_EnableDiagnostics";

    /// <summary>Closes it, unless a developer has asked for it.</summary>
    internal static void Close()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not null)
            return;
        const int StartTime = 22, First = 3; // proc_pid_stat(5); the fields after the name, which is in parentheses
        string status = File.ReadAllText("/proc/self/stat");
        string start = status[(status.LastIndexOf(')') + 2)..].Split(' ')[StartTime - First];
        string process = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{start}");
        foreach (string name in (string[])[$"clr-debug-pipe-{process}-in", $"clr-debug-pipe-{process}-out", $"dotnet-diagnostic-{process}-socket"])
        {
            try
            {
                File.Delete(Path.Combine(Path.GetTempPath(), name));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It is another user's, who made it in our place: not ours to delete.
            }
        }
    }
}
