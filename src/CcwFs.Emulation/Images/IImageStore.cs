namespace CcwFs.Emulation.Images;

/// <summary>What a store of tracks and one of blocks have in common. Its faults are <see cref="ImageException"/>, one line for a person.</summary>
public interface IImageStore : IDisposable
{
    /// <summary>Writes are refused.</summary>
    bool IsReadOnly { get; }

    /// <summary>Where the bytes are, for a person: the path, or "memory".</summary>
    string Name { get; }

    /// <summary>
    /// After Dispose: why what was written may not be on stable storage, or what else a person must know, one line; null when all is well.
    /// </summary>
    string? CloseFault => null;

    /// <summary>When writes go to stable storage, for a person; null: the store has nothing to bring there.</summary>
    ImageSync? SyncPolicy => null;

    /// <summary>As <see cref="ISharedVolume.SetSync"/>.</summary>
    void SetSync(ImageSync sync)
    {
    }
}
