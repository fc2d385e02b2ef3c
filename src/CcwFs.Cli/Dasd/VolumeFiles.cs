using CcwFs.Emulation.Dasd.Formats;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Cli.Dasd;

/// <summary>How the verbs open a volume that they only read: the one place that knows which formats there are.</summary>
internal static class VolumeFiles
{
    /// <summary>
    /// A volume that does not change while it is open: others may read it, and nobody writes. What a redo file holds is shown as if in place. The
    /// format is found by the file's identifier, or given.
    /// </summary>
    internal static ITrackStore Open(string path, string? format = null) => TrackFormats.Open(HostImageFiles.Instance, path, format);

    /// <summary>A volume that others may be writing: for what a moment's change does not make wrong.</summary>
    internal static ITrackStore Peek(string path) => TrackFormats.Open(HostImageFiles.Unlocked, path);
}
