using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>A place where a file system is mounted in another mount namespace than ours.</summary>
/// <param name="Pid">A process in that namespace.</param>
/// <param name="Command">Its command name.</param>
/// <param name="Path">The mount point, as that process sees it.</param>
public sealed record MountPlace(int Pid, string Command, string Path)
{
    /// <summary>One place in each namespace that has it and whose processes we may look into.</summary>
    public static IReadOnlyList<MountPlace> FindElsewhere(MountEntry mount)
    {
        ArgumentNullException.ThrowIfNull(mount);
        HashSet<string> seen = [NamespaceOf("/proc/self")];
        List<MountPlace> places = [];
        foreach ((int pid, string directory) in MountHolder.Processes())
        {
            try
            {
                // A process with a root of its own sees less of its namespace than others.
                string space = NamespaceOf(directory);
                if (seen.Contains(space) || FileSystems.ReadLink(directory + "/root", out string root) < 0 || !seen.Add($"{space} {root}"))
                    continue;
                if (MountTable.Parse(File.ReadLines(directory + "/mountinfo")).FirstOrDefault(entry => entry.Device == mount.Device) is not { } found)
                    continue;
                places.Add(new MountPlace(pid, MountHolder.CommandOf(directory), found.MountPoint));
                seen.Add(space);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is another user's.
            }
        }
        return places;
    }

    /// <summary>The kernel's name for the mount namespace of a process of /proc.</summary>
    public static string NamespaceOf(string process) =>
        FileSystems.ReadLink(process + "/ns/mnt", out string space) < 0 ? "" : space;
}
