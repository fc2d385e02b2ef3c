using CcwFs.Control;
using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using Mono.Unix.Native;

namespace CcwFs.Service.Settings;

/// <summary>What can be told about a mount before it is made. Nothing is changed.</summary>
internal static class SettingsCheck
{
    private const string OurType = "fuse.ccwfs";

    /// <summary>Everything that is wrong with settings of the configuration <paramref name="file"/>, a line each with where it stands.</summary>
    internal static IEnumerable<string> Problems(MountSettings settings, string file)
    {
        foreach ((string key, Action<MountSettings> check) in ((string, Action<MountSettings>)[])
            [("mountpoint", RefuseWrongMountPoint), ("memory", RefuseWrongMemory), ("log", RefuseWrongLog)])
        {
            if (DeviceCheck.Problem(() => check(settings)) is { } problem)
                yield return $"{settings.Origins.GetValueOrDefault(key, file)}: {key}: {problem}";
        }
        foreach (string problem in DeviceCheck.Problems(settings.Devices ?? [], settings.Directory))
            yield return problem;
    }

    private static void RefuseWrongMountPoint(MountSettings settings)
    {
        string path = settings.MountPoint ?? Places.MountPoint;
        int result = FileDescriptor.Status(path, follow: true, out FileStatus status);
        if (result == -(int)Errno.ENOENT)
        {
            RefuseNoParent(settings, path);
            return;
        }
        if (MountTable.Find(path) is { } mounted)
        {
            if (mounted.Type != OurType) // ours may well run while its configuration is looked over
                throw new CommandException($"a {mounted.Type} is mounted at {path}; choose another directory");
            return;
        }
        if (result < 0)
            throw new CommandException($"{path}: {Problem.Of(result)}");
        if (status.Type != FileStatus.TypeDirectory)
            throw new CommandException($"{path} is not a directory; name an empty directory");
        if (Directory.EnumerateFileSystemEntries(path).Any())
            throw new CommandException($"{path} is not empty; name an empty directory");
    }

    /// <summary>The default mount point is made with all above it; of another one the directory above it must exist, as for mount(8).</summary>
    internal static void RefuseNoParent(MountSettings settings, string path)
    {
        if (settings.MountPoint is not null && !Directory.Exists(Path.GetDirectoryName(path)))
            throw new CommandException($"{path} does not exist; make it: mkdir -p {path}");
    }

    private static void RefuseWrongMemory(MountSettings settings)
    {
        if (settings.Memory is not { } memory || GuestStorage.WrongSize(memory) is not null) // told when it was read
            return;
        GuestStorage.Check(memory, settings.Uid);
        if (!GuestStorage.IsSize(memory) && settings.Devices?.Find(d => d.Kind.IsReal) is { } real)
            throw new CommandException($"a real device ({real}) needs guest storage that ccwfs maps itself; give a size like 256M in place of {memory}");
    }

    private static void RefuseWrongLog(MountSettings settings)
    {
        if (settings.Log is not { } log || !Path.IsPathRooted(log))
            return;
        if (StartStreams.NumberOf(log) is not null) // which one that is shows when it is mounted
            return;
        if (NamedFile.CheckWritable(log, NamedFileRules.Devices, out int errno) is { } wrong)
            throw new CommandException(errno == 0 ? $"{log}: {wrong}"
                : $"{log} cannot be written: {wrong}; name a file in a directory that exists and can be written");
    }
}
