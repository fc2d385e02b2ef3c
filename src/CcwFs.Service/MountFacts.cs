using System.Globalization;
using CcwFs.ChannelIo.Text;
using CcwFs.FileSystem;
using CcwFs.Fuse;
using CcwFs.Linux;

namespace CcwFs.Service;

/// <summary>What a person wants to know about a mount: key and value.</summary>
internal static class MountFacts
{
    /// <summary>The facts, in the order to show them. <paramref name="session"/>: serves it; null: nobody does yet.</summary>
    internal static IReadOnlyList<KeyValuePair<string, string>> Of(string path, SubchannelTable table, FuseTransport asked, FuseSession? session) =>
    [
        new("ccwfs", OwnProgram.Version),
        new("mountpoint", VisibleText.Of(path)),
        new("subchannels", table.Count.ToString(CultureInfo.InvariantCulture)),
        new("requests", session?.UsesRings == true ? "over io_uring" : "over /dev/fuse"),
        new("io_uring", session?.RingsProblem is not { } problem ? "used" : asked == FuseTransport.Classic ? NotAsked() : problem),
    ];

    private static string NotAsked() =>
        "not asked for by ccwfs mount --uring auto" + (FuseSession.WhyNoRings is { } why ? $"; {why}" : "");
}
