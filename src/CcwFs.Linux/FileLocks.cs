using System.Globalization;

namespace CcwFs.Linux;

/// <summary>A lock of a file as a whole (flock(2)).</summary>
/// <param name="Process">Who locked it; that process may have ended and left the open file to others.</param>
/// <param name="Command">Its name, which it may have chosen itself; null: it has ended, or cannot be seen.</param>
public readonly record struct FileLock(int Process, string? Command);

/// <summary>Who locks files: what /proc/locks says.</summary>
public static class FileLocks
{
    private const int MostLines = 10_000; // that are looked at (arbitrary: more than a machine has)

    /// <summary>
    /// The first lock of an open file; null where there is none to be seen: it has gone, is another pid namespace's, or the file system numbers its
    /// files otherwise than the kernel (btrfs).
    /// </summary>
    public static FileLock? Find(FileDescriptor file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Status(out FileStatus status) < 0)
            return null;
        string name = string.Create(CultureInfo.InvariantCulture, $"{status.Device >> 32:x2}:{(uint)status.Device:x2}:{status.Inode}");
        try
        {
            foreach (string line in File.ReadLines("/proc/locks").Take(MostLines))
            {
                // "1: FLOCK  ADVISORY  READ  1234 fe:00:56 0 EOF"; who waits for one has "->" after the number (proc_locks(5)).
                if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "FLOCK", _, _, string process, string locked, ..] && locked == name
                    && int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                    return new FileLock(number, ProcessFiles.Name(number, out string command) < 0 ? null : command);
            }
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        return null;
    }
}
