using System.Globalization;
using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>A process that keeps a mount busy.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Command">Its command name.</param>
/// <param name="What">What it holds: a path, "working directory" and the like.</param>
public sealed record MountHolder(int Pid, string Command, string What)
{
    /// <summary>
    /// Who keeps the mount at an absolute path busy, one line a process, without ourselves. Links are read, never followed, and no file is
    /// looked at: each of those would ask the file system that is being unmounted. Processes that we may not look into are left out.
    /// </summary>
    public static IReadOnlyList<MountHolder> Find(string mountPoint)
    {
        List<MountHolder> holders = [];
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            string name = Path.GetFileName(directory);
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) || pid == Environment.ProcessId)
                continue;
            try
            {
                if (WhatOf(directory, mountPoint) is { } what)
                    holders.Add(new MountHolder(pid, File.ReadAllText(directory + "/comm").TrimEnd('\n'), what));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is another user's.
            }
        }
        return holders;
    }

    private static string? WhatOf(string process, string mountPoint)
    {
        if (IsUnder(LinkOf(process + "/cwd"), mountPoint))
            return "working directory";
        if (IsUnder(LinkOf(process + "/root"), mountPoint))
            return "root directory";
        if (IsUnder(LinkOf(process + "/exe"), mountPoint))
            return "program";
        foreach (string name in Directory.EnumerateFileSystemEntries(process + "/fd").Select(entry => Path.GetFileName(entry)))
        {
            string target = LinkOf($"{process}/fd/{name}");
            if (IsUnder(target, mountPoint))
                return target;
        }

        // address perms offset dev inode path
        foreach (string line in File.ReadLines(process + "/maps"))
        {
            int path = line.IndexOf('/', StringComparison.Ordinal);
            if (path >= 0 && IsUnder(line[path..], mountPoint))
                return "mapping of " + line[path..];
        }
        return null;
    }

    private static string LinkOf(string path) => FileSystems.ReadLink(path, out string target) == 0 ? target : "";

    private static bool IsUnder(string path, string mountPoint) =>
        path.StartsWith(mountPoint, StringComparison.Ordinal)
        && (path.Length == mountPoint.Length || path[mountPoint.Length] is '/' or ' ');
}
