using CcwFs.Linux;

namespace CcwFs.Emulation.Images;

/// <summary>
/// An open file of a volume: an image file or its redo file. Calls give 0 (a read: the bytes read) or a negative errno, and no errno is lost on the
/// way. Its opener disposes it; that frees the lock.
/// </summary>
public interface IImageFile : IDisposable
{
    /// <summary>Where it is, for a person.</summary>
    string Path { get; }

    /// <summary>Length, inode, owner, time of the last change.</summary>
    int Status(out FileStatus status);

    /// <summary>Bytes of it, of a block device too.</summary>
    long Length() => Status(out FileStatus status) is < 0 and var result ? result : status.Size;

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    int ReadAt(long offset, Span<byte> buffer);

    /// <summary>Writes all of it; with an error some of it may be written.</summary>
    int WriteAt(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>The bytes written so far are on stable storage.</summary>
    int Sync();

    /// <summary>Makes a range a hole, which reads as zeros; -EOPNOTSUPP where the file system has none.</summary>
    int Discard(long offset, long length);

    /// <summary>The first offset from <paramref name="offset"/> on that may hold a byte other than zero; -ENXIO after the last one.</summary>
    long NextData(long offset);
}

/// <summary>
/// The one name beside an image where its redo file is. Everything happens in the directory that held the image when it was opened, no symbolic link
/// is followed, and a file is used only when the image's own writers alone can have made it. The caller disposes it.
/// </summary>
public interface IRedoPlace : IDisposable
{
    /// <summary>What a redo file's name adds to the (first) image file's.</summary>
    const string Suffix = ".redo";

    /// <summary>Where the redo file is, for a person.</summary>
    string Path { get; }

    /// <summary>
    /// The redo file to read; null when there is none. One that is not to be trusted is an <see cref="ImageException"/> that says why.
    /// </summary>
    IImageFile? Open();

    /// <summary>
    /// Makes the redo file to write, with the image's owner and mode; <see cref="ImageException"/> with the reason, no path, when it cannot be made
    /// or the name is taken.
    /// </summary>
    IImageFile Create();

    /// <summary>Whether the name still leads to the file that <see cref="Create"/> made last: it may have been removed or replaced.</summary>
    bool Holds();

    /// <summary>Removes the redo file; 0, or a negative errno.</summary>
    int Remove();

    /// <summary>
    /// Looks for a redo file of the same image beside another name of it, in the same directory, that is to be trusted and of which
    /// <paramref name="isOurs"/> says yes (an <see cref="ImageException"/> of it is no); its path, or null. Not every name of a large directory is
    /// looked at.
    /// </summary>
    string? FindOther(Func<IImageFile, bool> isOurs);

    /// <summary>The directory is on stable storage: a new name is there after a power cut, a removed one is not.</summary>
    int SyncName();
}

/// <summary>
/// Opens the files of a volume. The one place that knows whose rights and which lock: <see cref="HostImageFiles"/> opens paths with this
/// process's; another one may open them with another user's rights.
/// </summary>
public interface IImageFiles
{
    /// <summary>
    /// The run of the kernel that this is (/proc/sys/kernel/random/boot_id): another one later means that its memory, and what was not synced, is
    /// gone.
    /// </summary>
    Guid BootId { get; }

    /// <summary>What is open is locked: no other ccwfs changes it meanwhile.</summary>
    bool Locks => true;

    /// <summary>
    /// Opens an image file, a regular one, and locks it: a writer excludes all others, a reader excludes writers. Null when it does not exist; other
    /// faults are <see cref="ImageException"/> with the reason and no path.
    /// </summary>
    IImageFile? Open(string path, bool write);

    /// <summary>
    /// As <see cref="Open"/>; the file may also be empty, or a block device, which is to write for nobody else on this machine, its file systems too.
    /// </summary>
    IImageFile? OpenDisk(string path, bool write) => Open(path, write);

    /// <summary>
    /// The place of the redo file of an image that <see cref="Open"/> opened; <paramref name="path"/>: the file that was asked for, null: the one
    /// beside the image.
    /// </summary>
    IRedoPlace RedoOf(IImageFile image, string? path = null);

    /// <summary>
    /// Reads the first bytes of a file or block device, without a lock; gives their number. Faults are <see cref="ImageException"/> with the reason
    /// and no path.
    /// </summary>
    int ReadStart(string path, Span<byte> start)
    {
        using IImageFile? file = OpenDisk(path, write: false);
        return file is null ? 0 : ImageException.Check(file.ReadAt(0, start));
    }

    /// <summary>
    /// Makes a file without a name, where temporary files are; an <see cref="ImageException"/> says why there can be none.
    /// </summary>
    IImageFile CreateUnnamed() => throw new NotSupportedException();

    /// <summary>
    /// The image may keep so many bytes of memory until it is closed; asked before it takes any. Throws where no user answers for them.
    /// </summary>
    void TakeMemory(long bytes)
    {
    }
}
