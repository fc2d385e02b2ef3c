using CcwFs.Linux;

namespace CcwFs.Emulation.Images;

/// <summary>
/// A volume's file that has no name and is gone with its last user, and its redo file, which is another one: nothing of them is left, whatever ends
/// this process. Memory is taken where <paramref name="files"/> take it.
/// </summary>
/// <param name="files">Where other files of the volume come from.</param>
/// <param name="redo">The file for the redo file, which the place of it owns.</param>
internal sealed class UnnamedFiles(IImageFiles files, IImageFile redo) : IImageFiles
{
    /// <inheritdoc/>
    public Guid BootId => files.BootId;

    /// <inheritdoc/>
    public IImageFile? Open(string path, bool write) => files.Open(path, write);

    /// <inheritdoc/>
    public IRedoPlace RedoOf(IImageFile image, string? path = null) => new Place(redo);

    /// <inheritdoc/>
    public void TakeMemory(long bytes) => files.TakeMemory(bytes);

    private sealed class Place(IImageFile redo) : IRedoPlace
    {
        public string Path => redo.Path;

        public IImageFile? Open() => null;

        /// <remarks>Who made it may dispose it and make it again, so what is given is not the file itself.</remarks>
        public IImageFile Create() => new Kept(redo);

        public bool Holds() => true;

        public int Remove() => 0;

        public string? FindOther(Func<IImageFile, bool> isOurs) => null;

        public int SyncName() => 0;

        public void Dispose() => redo.Dispose();
    }

    private sealed class Kept(IImageFile file) : IImageFile
    {
        public string Path => file.Path;

        public int Status(out FileStatus status) => file.Status(out status);

        public int ReadAt(long offset, Span<byte> buffer) => file.ReadAt(offset, buffer);

        public int WriteAt(long offset, ReadOnlySpan<byte> bytes) => file.WriteAt(offset, bytes);

        public int Sync() => file.Sync();

        public int Discard(long offset, long length) => file.Discard(offset, length);

        public long NextData(long offset) => file.NextData(offset);

        public void Dispose()
        {
        }
    }
}
