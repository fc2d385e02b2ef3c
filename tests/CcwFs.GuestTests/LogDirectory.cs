using System.Globalization;

namespace CcwFs.GuestTests;

/// <summary>Where consoles and logs of guests stay to be read after a failure; those of yesterday go.</summary>
internal static class LogDirectory
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1); // arbitrary
    private static int s_count;

    internal static string Path { get; } = Prepare();

    /// <summary>A path for a new log; the name says which test asks.</summary>
    internal static string NewFile(string kind) =>
        System.IO.Path.Combine(Path,
            string.Create(CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:HHmmss}-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}.{kind}"));

    /// <summary>The last lines of a file that another process may be writing.</summary>
    internal static string Tail(string path, int lines)
    {
        try
        {
            return string.Join('\n', File.ReadLines(path).TakeLast(lines));
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private static string Prepare()
    {
        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"ccwfs-guests-{Environment.UserName}");
        Directory.CreateDirectory(path);
        foreach (string old in Directory.GetFiles(path).Where(f => DateTime.UtcNow - File.GetLastWriteTimeUtc(f) > Kept))
            File.Delete(old);
        return path;
    }
}
