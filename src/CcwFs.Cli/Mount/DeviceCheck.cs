using CcwFs.ChannelIo;

namespace CcwFs.Cli.Mount;

/// <summary>What can be told about devices before any of them is made, so that a wrong configuration changes nothing.</summary>
internal static class DeviceCheck
{
    /// <summary>
    /// What is wrong with <paramref name="specs"/>, a line each. <paramref name="isTaken"/>: ids that others have; <paramref name="directory"/>: what a
    /// relative image path starts from.
    /// </summary>
    internal static IReadOnlyList<string> Problems(IReadOnlyList<DeviceSpec> specs, Func<SubchannelId, bool> isTaken, string directory)
    {
        HashSet<SubchannelId> used = [];
        List<string> problems = [];
        foreach (DeviceSpec spec in specs)
        {
            try
            {
                Check(spec, id => !used.Add(id) || isTaken(id), directory);
            }
            catch (Exception wrong) when (Program.IsExpected(wrong))
            {
                problems.Add($"{spec.Origin ?? $"device '{spec}'"}: {wrong.Message}");
            }
        }
        return problems;
    }

    private static void Check(DeviceSpec spec, Func<SubchannelId, bool> isTaken, string directory)
    {
        if (spec.Conflict is { } conflict)
            throw new CommandException(conflict);
        for (int i = 0; i < spec.Count; i++)
        {
            if (spec.Id is not null && isTaken(spec.Shown(spec.IdAt(i))))
                throw new CommandException($"another device has the id {spec.Shown(spec.IdAt(i))}; give another one");
            if (spec.ImageAt(i, directory) is not { } path)
                continue;
            OwnMounts.Refuse(path);
            Volumes.Identify(path);
        }
    }
}
