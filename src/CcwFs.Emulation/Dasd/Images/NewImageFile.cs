using CcwFs.Emulation.Images;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// A volume's file in the making: it gets its name when it is whole and on stable storage, and never that of a file that is there. Disposed before
/// <see cref="Finish"/>, nothing of it is left. Faults are <see cref="ImageException"/>.
/// </summary>
internal sealed class NewImageFile : IDisposable
{
    private readonly NewFile _made;
    private readonly HostImageFile _file;

    private NewImageFile(string path, NewFile made) => (_made, _file) = (made, new HostImageFile(path, made.File));

    /// <summary>Makes one that is to be called <paramref name="path"/>.</summary>
    internal static NewImageFile Make(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using NamedPlace place = NamedPlace.Find(path, NamedFileRules.Output);
        if (!place.File.IsInvalid) // a broken symbolic link, too
            throw new ImageException($"{path}: exists already; an image is never overwritten");
        if (place is { IsFree: false, Errno: 0, Wrong: { } wrong })
            throw new ImageException($"{path}: {wrong}");
        Check(path, place.IsFree ? 0 : place.Errno);
        if (FileDescriptor.StatusAt(place.Directory, place.Name + IRedoPlace.Suffix, out _) == 0)
            throw new ImageException($"{path}{IRedoPlace.Suffix}: the redo file of another image is in the way; move it away");
        Check(path, NewFile.Make(place, NewFile.GroupsMode, out NewFile? made));
        return new NewImageFile(path, made!);
    }

    /// <summary>Gives it a length; what is not written is a hole.</summary>
    internal void SetLength(long length) => Check(_file.Path, _file.Descriptor.SetLength(length));

    /// <summary>Writes all of these bytes.</summary>
    internal void Write(long offset, ReadOnlySpan<byte> bytes) => Check(_file.Path, _file.WriteAt(offset, bytes));

    /// <summary>It is whole: brings it to stable storage, and gives it its name.</summary>
    internal void Finish()
    {
        Check(_file.Path, _made.File.Sync());
        Check(_file.Path, _made.Name()); // fails when the name has been taken meanwhile
        Check(_file.Path, _made.SyncName());
    }

    /// <inheritdoc/>
    public void Dispose() => _made.Dispose();

    private static void Check(string path, int result)
    {
        if (result == 0)
            return;
        string reason = result == -(int)Errno.ENOENT ? "its directory does not exist; make that first" : Problem.Of(result);
        throw new ImageException($"{path}: cannot be created: {reason}", -result);
    }
}
