using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Fuzz;

/// <summary>One file of bytes in memory, under every path, to be read.</summary>
internal sealed class BytesFiles(byte[] bytes) : IImageFiles
{
    /// <inheritdoc/>
    public Guid BootId => Guid.Empty;

    /// <inheritdoc/>
    public IImageFile? Open(string path, bool write) => new BytesFile(path, bytes);

    /// <inheritdoc/>
    public IRedoPlace RedoOf(IImageFile image, string? path = null) => throw new NotSupportedException();

    private sealed class BytesFile(string path, byte[] bytes) : IImageFile
    {
        public string Path => path;

        public int Status(out FileStatus status) => throw new NotSupportedException();

        public long Length() => bytes.Length;

        public int ReadAt(long offset, Span<byte> buffer)
        {
            int length = (int)Math.Clamp(bytes.Length - offset, 0, buffer.Length);
            bytes.AsSpan((int)Math.Min(offset, bytes.Length), length).CopyTo(buffer);
            return length;
        }

        public int WriteAt(long offset, ReadOnlySpan<byte> written) => throw new NotSupportedException();

        public int Sync() => throw new NotSupportedException();

        public int Discard(long offset, long length) => throw new NotSupportedException();

        public long NextData(long offset) => offset;

        public void Dispose()
        {
        }
    }
}
