namespace CcwFs.Emulation.Images;

/// <summary>What devices of a kind share that have one image open, tracks or blocks. The last device that is disposed disposes it.</summary>
public interface ISharedVolume : IDisposable
{
    /// <summary>Writes are refused: the image is open to read alone.</summary>
    bool IsReadOnly { get; }

    /// <summary>After the last device went: why what was written may not be on stable storage, one line; null when it is.</summary>
    string? CloseFault { get; }

    /// <summary>Bytes of buffers that are garbage once it is disposed.</summary>
    long BufferBytes { get; }

    /// <summary>
    /// From now on writes go to stable storage as <paramref name="sync"/> says. Where that is stricter, what was written so far is there when this
    /// returns; throws <see cref="ImageException"/> where it cannot be brought there.
    /// </summary>
    void SetSync(ImageSync sync);
}
