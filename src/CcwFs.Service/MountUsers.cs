using CcwFs.ChannelIo.Text;
using CcwFs.Fuse;

namespace CcwFs.Service;

/// <summary>
/// The processes that keep a file system alive, in words. A process chooses its own name, so that this stands in quotes after the number.
/// </summary>
internal static class MountUsers
{
    /// <summary>The processes that hold something of it, each with the first thing that it holds.</summary>
    internal static string Of(IEnumerable<MountHolder> holders)
    {
        string[] words = [.. holders.DistinctBy(h => h.Pid).Select(h => $"pid {h.Pid} ({VisibleText.Quoted(h.Command)}: {Held(h.What)})")];
        return words.Length == 0 ? "a process that cannot be seen from here" : string.Join(", ", words);
    }

    /// <summary>The other mount namespaces that have it.</summary>
    internal static string Of(IEnumerable<MountPlace> places) =>
        string.Join(", ",
            places.Select(p => $"in the mount namespace of pid {p.Pid} ({VisibleText.Quoted(p.Command)}) at {VisibleText.Quoted(p.Path)}"));

    /// <summary>A path, which another user may have chosen, or words of ours.</summary>
    private static string Held(string what) => what.Contains('/', StringComparison.Ordinal) ? VisibleText.Quoted(what) : what;
}
