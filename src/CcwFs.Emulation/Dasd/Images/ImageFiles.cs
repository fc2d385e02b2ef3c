using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>What a file beside a volume is opened for.</summary>
public enum ImageFileUse
{
    /// <summary>An image file, to read; others may read it too.</summary>
    Read,

    /// <summary>An image file, to read and write; no one else may have it.</summary>
    ReadWrite,

    /// <summary>The redo file, to look whether a change is pending; it need not exist.</summary>
    ReadRedo,

    /// <summary>The redo file, to write; made when it does not exist.</summary>
    WriteRedo,
}

/// <summary>
/// Opens the files of a volume. The one place that knows whose rights and which lock: <see cref="HostImageFiles"/> opens paths with this
/// process's; another one may open them as somebody else.
/// </summary>
public interface IImageFiles
{
    /// <summary>
    /// Opens a regular file. The caller owns and disposes the handle. Null when it does not exist.
    /// Faults are IOException or UnauthorizedAccessException.
    /// </summary>
    SafeFileHandle? Open(string path, ImageFileUse use);

    /// <summary>Removes the redo file; no fault when it cannot be.</summary>
    void DeleteRedo(string path);

    /// <summary>Makes a range of an open file a hole, which reads as zeros. False when that cannot be done here: zeros are to be written.</summary>
    bool Discard(SafeFileHandle file, long offset, long length) => false;

    /// <summary>Bytes of the disk that an open file takes; its length where that cannot be told.</summary>
    long AllocatedBytes(SafeFileHandle file) => RandomAccess.GetLength(file);
}

/// <summary>
/// Files of this process's own rights. A writer holds an exclusive flock on every image file, a reader a shared one, both
/// for as long as the handle is open; the kernel frees them with the process.
/// </summary>
public sealed class HostImageFiles : IImageFiles
{
    /// <summary>The one object: it has no state.</summary>
    public static HostImageFiles Instance { get; } = new();

    /// <inheritdoc/>
    public SafeFileHandle? Open(string path, ImageFileUse use)
    {
        var file = new FileInfo(path);
        bool redo = use is ImageFileUse.ReadRedo or ImageFileUse.WriteRedo;
        if (Directory.Exists(path))
            throw new IOException("it is a directory");
        // The redo file is made by us: a link there is someone's trap or mistake.
        if (redo && file.LinkTarget is not null)
            throw new IOException("it is a symbolic link; move it away");
        if (!file.Exists && use != ImageFileUse.WriteRedo)
            return null;
        // Opening a FIFO would wait for a writer; FIFOs and devices have the size 0.
        if (!redo && file.ResolveLinkTarget(returnFinalTarget: true) is var target && (target as FileInfo ?? file).Length == 0)
            throw new IOException("it is empty or no regular file");
        if (use == ImageFileUse.ReadRedo && file.Length == 0)
            return null;
        (FileMode mode, FileAccess access, FileShare share) = use switch
        {
            ImageFileUse.Read => (FileMode.Open, FileAccess.Read, FileShare.Read),
            ImageFileUse.ReadWrite => (FileMode.Open, FileAccess.ReadWrite, FileShare.None),
            ImageFileUse.ReadRedo => (FileMode.Open, FileAccess.Read, FileShare.ReadWrite),
            ImageFileUse.WriteRedo => (FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None),
            _ => throw new ArgumentOutOfRangeException(nameof(use)),
        };
        try
        {
            return File.OpenHandle(path, mode, access, share);
        }
        catch (IOException error) when (error is not FileNotFoundException and not DirectoryNotFoundException && IsLocked(error))
        {
            throw new IOException("another process has it in use", error);
        }
    }

    /// <inheritdoc/>
    [SuppressMessage("Design", "CA1031", Justification = "An old redo file is void; leaving it is no fault.")]
    public void DeleteRedo(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }

    // .NET reports a refused flock as EWOULDBLOCK (11 on Linux) in HResult.
    private static bool IsLocked(IOException error) => error.HResult == 11;
}
