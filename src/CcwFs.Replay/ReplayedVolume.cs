using CcwFs.Emulation.Images;

namespace CcwFs.Replay;

/// <summary>A recording as the devices that replay it share it. Immutable but for what a volume of images has to have.</summary>
/// <param name="recording">The recording.</param>
/// <param name="name">Where it is, for a person.</param>
/// <param name="file">The file, which stays open as long as this.</param>
public sealed class ReplayedVolume(Recording recording, string name, IDisposable file) : ISharedVolume
{
    /// <summary>What it holds.</summary>
    public Recording Recording { get; } = recording;

    /// <summary>Where it is, for a person.</summary>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public bool IsReadOnly => true;

    /// <inheritdoc/>
    public string? CloseFault => null;

    /// <inheritdoc/>
    public long BufferBytes => Recording.Bytes;

    /// <inheritdoc/>
    public void SetSync(ImageSync sync)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
