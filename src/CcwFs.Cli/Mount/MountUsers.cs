using CcwFs.ChannelIo.Text;
using CcwFs.Fuse;

namespace CcwFs.Cli.Mount;

/// <summary>Those who keep a file system alive, in words; what they are called they chose themselves.</summary>
internal static class MountUsers
{
    /// <summary>The processes that hold something of it, each with the first thing that it holds.</summary>
    internal static string Of(IEnumerable<MountHolder> holders)
    {
        string[] words = [.. holders.DistinctBy(h => h.Pid).Select(h => VisibleText.Of($"{h.Command} (pid {h.Pid}: {h.What})"))];
        return words.Length == 0 ? "a process that cannot be seen from here" : string.Join(", ", words);
    }

    /// <summary>The other mount namespaces that have it.</summary>
    internal static string Of(IEnumerable<MountPlace> places) =>
        string.Join(", ", places.Select(place => VisibleText.Of($"at {place.Path} in the mount namespace of {place.Command} (pid {place.Pid})")));
}
