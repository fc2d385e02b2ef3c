using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Fuzz;

/// <summary>Image files in memory, by their paths, to read alone. What is read and what is open is counted.</summary>
public sealed class MemoryImageFiles : IImageFiles
{
    /// <summary>The files.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>Bytes read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Files that are open now.</summary>
    public int OpenFiles { get; private set; }

    /// <summary>Memory that images have asked for.</summary>
    public long Taken { get; private set; }

    /// <inheritdoc/>
    public Guid BootId => Guid.Empty;

    /// <inheritdoc/>
    public IImageFile? Open(string path, bool write)
    {
        if (write)
            throw new ImageException("opened to write");
        return Files.TryGetValue(path, out byte[]? bytes) ? new Handle(this, path, bytes) : null;
    }

    /// <inheritdoc/>
    public IRedoPlace RedoOf(IImageFile image, string? path = null) => throw new ImageException("there are no redo files here");

    /// <inheritdoc/>
    public void TakeMemory(long bytes) => Taken += bytes;

    private sealed class Handle : IImageFile
    {
        private readonly MemoryImageFiles _files;
        private readonly byte[] _bytes;

        public Handle(MemoryImageFiles files, string path, byte[] bytes)
        {
            (_files, Path, _bytes) = (files, path, bytes);
            _files.OpenFiles++;
        }

        public string Path { get; }

        public int Status(out FileStatus status)
        {
            status = new FileStatus(1, 1, _bytes.Length, FileStatus.TypeRegular, 0, 0, (ulong)_bytes.Length / 512, 0) { Links = 1 };
            return 0;
        }

        public int ReadAt(long offset, Span<byte> buffer)
        {
            if (offset < 0)
                return -22; // EINVAL, as of pread
            int length = (int)Math.Clamp(_bytes.Length - offset, 0, buffer.Length);
            _bytes.AsSpan((int)Math.Min(offset, _bytes.Length), length).CopyTo(buffer);
            lock (_files)
                _files.BytesRead += length;
            return length;
        }

        public int WriteAt(long offset, ReadOnlySpan<byte> bytes) => throw new InvalidOperationException("a write to an image that is only read");

        public int Sync() => throw new InvalidOperationException("a sync of an image that is only read");

        public int Discard(long offset, long length) => throw new InvalidOperationException("a hole in an image that is only read");

        public long NextData(long offset) => offset;

        public void Dispose() => _files.OpenFiles--;
    }
}
