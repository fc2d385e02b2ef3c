using System.Collections.Concurrent;
using System.Globalization;
using CcwFs.Linux;

namespace CcwFs.Fuse;

/// <summary>A process that keeps a mount busy.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Command">Its command name.</param>
/// <param name="What">What it holds: a path, "working directory" and the like.</param>
public sealed record MountHolder(int Pid, string Command, string What)
{
    private const int PathOnly = (int)OpenOptions.PathOnly;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3); // arbitrary: all mappings of a machine are looked at in less

    /// <summary>An open file, which the server of the file system knows of; else a place in it, as a working directory.</summary>
    public bool IsOpen { get; init; }

    /// <summary>By which mount an open file was opened (<see cref="MountTable.IdsOf"/>); 0 where that is not known.</summary>
    public int MountId { get; init; }

    /// <summary>Who keeps a file system busy, the first thing that each process holds. See <see cref="FindAll"/>.</summary>
    public static IReadOnlyList<MountHolder> Find(MountEntry mount) => [.. FindAll(mount).DistinctBy(holder => holder.Pid)];

    /// <summary>
    /// Everything that keeps a file system busy, wherever it is mounted or was, without ourselves. It is known by its device: no path of it is looked
    /// at, which would ask the file system that is being unmounted. Processes that we may not look into are left out, and mappings when it takes too
    /// long to look at them.
    /// </summary>
    public static IReadOnlyList<MountHolder> FindAll(MountEntry mount)
    {
        ulong device = MountTable.DeviceNumber(mount);
        List<MountHolder> holders = [];
        foreach ((int pid, string directory) in Processes())
            holders.AddRange(Look(pid, directory, () => HeldBy(directory, device)));
        holders.AddRange(FindMappings(device));
        return holders;
    }

    private static IReadOnlyList<MountHolder> Look(int pid, string directory, Func<IEnumerable<(string What, bool IsOpen, int MountId)>> look)
    {
        try
        {
            string command = CommandOf(directory);
            return [.. look().Select(held => new MountHolder(pid, command, held.What) { IsOpen = held.IsOpen, MountId = held.MountId })];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return []; // it ended meanwhile, or is another user's
        }
    }

    /// <summary>
    /// Who maps files of it. A process whose memory does not answer may keep the thread that looks at its mappings for ever: then that is left alone.
    /// </summary>
    private static MountHolder[] FindMappings(ulong device)
    {
        var found = new ConcurrentQueue<MountHolder>();
        var looker = new Thread(() =>
        {
            foreach ((int pid, string directory) in Processes())
            {
                foreach (MountHolder holder in Look(pid, directory, () => MappedBy(directory, device)))
                    found.Enqueue(holder);
            }
        })
        { IsBackground = true, Name = "mappings" };
        try
        {
            looker.Start();
            looker.Join(s_patience);
        }
        catch (OutOfMemoryException)
        {
            // The system has no thread to give.
        }
        return found.ToArray();
    }

    /// <summary>The processes that can be seen, with their directories in /proc, without ourselves; none where /proc cannot be read.</summary>
    internal static IEnumerable<(int Pid, string Directory)> Processes()
    {
        string[] directories = [];
        try
        {
            directories = Directory.GetDirectories("/proc");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // No descriptor is left to look with.
        }
        foreach (string directory in directories)
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && pid != Environment.ProcessId)
                yield return (pid, directory);
        }
    }

    internal static string CommandOf(string process) => File.ReadAllText(process + "/comm").TrimEnd('\n');

    /// <summary>
    /// What a process has open: the link of each, and the file that tells about it, whose names are the same. To list the links, .NET would ask for
    /// the attributes of what each leads to, and of a FUSE server that hangs it would wait for them for ever.
    /// </summary>
    internal static IEnumerable<(string Link, string Information)> OpenFiles(string process) =>
        Directory.EnumerateFiles(process + "/fdinfo").Select(information => ($"{process}/fd/{Path.GetFileName(information)}", information));

    private static IEnumerable<(string What, bool IsOpen, int MountId)> HeldBy(string process, ulong device)
    {
        foreach ((string name, string what) in ((string, string)[])[("cwd", "working directory"), ("root", "root directory"), ("exe", "program")])
        {
            if (IsOn($"{process}/{name}", device))
                yield return (what, false, 0);
        }
        foreach ((string file, string information) in OpenFiles(process))
        {
            if (!IsOn(file, device) || FileSystems.ReadLink(file, out string path) < 0)
                continue;
            (bool isOpen, int mount) = Opened(information);
            yield return (path, isOpen, mount);
        }
    }

    private static IEnumerable<(string What, bool IsOpen, int MountId)> MappedBy(string process, ulong device)
    {
        // address perms offset dev inode path
        string area = string.Create(CultureInfo.InvariantCulture, $" {device >> 32:x2}:{device & uint.MaxValue:x2} ");
        string maps = File.ReadAllText(process + "/maps"); // thousands of lines, of which hardly ever one is wanted
        if (maps.IndexOf(area, StringComparison.Ordinal) is >= 0 and var at)
            yield return ("mapping of " + maps[(at + area.Length)..].Split('\n')[0].TrimStart("0123456789 ".ToCharArray()), false, 0);
    }

    private static bool IsOn(string link, ulong device) => FileSystems.DeviceOf(link, out ulong found) == 0 && found == device;

    private static (bool IsOpen, int MountId) Opened(string information)
    {
        (bool isOpen, int mount) = (true, 0);
        foreach (string line in File.ReadLines(information))
        {
            string value = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            if (line.StartsWith("flags:", StringComparison.Ordinal))
                isOpen = (Convert.ToInt64(value, 8) & PathOnly) == 0;
            else if (line.StartsWith("mnt_id:", StringComparison.Ordinal))
                _ = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out mount);
        }
        return (isOpen, mount);
    }
}
