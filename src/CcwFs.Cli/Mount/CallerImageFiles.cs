using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Cli.Mount;

/// <summary>
/// A volume's files with the rights of the user who asked for it (null: our own), whenever they are opened: the redo file is made at the first write, long
/// after the request, in a directory that this user may have filled with traps for root. What was opened is the file <paramref name="image"/>, and none of it is
/// inside a mounted ccwfs.
/// </summary>
internal sealed class CallerImageFiles(CallerIdentity? caller, string imagePath, FileIdentity image) : IImageFiles
{
    private readonly HostImageFiles _files = new(caller?.Uid ?? Descriptors.EffectiveUser);
    private readonly List<HostImageFile> _images = [];

    public Guid BootId => _files.BootId;

    public IImageFile? Open(string path, bool write)
    {
        HostImageFile? opened = As(caller, () => _files.OpenHere(path, write));
        if (opened is null)
            return null;
        try
        {
            Judge(opened.Descriptor, path);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
        _images.Add(opened);
        return opened;
    }

    public IRedoPlace RedoOf(IImageFile image) => new Place(caller, As(caller, () => _files.RedoOf(image)));

    /// <summary>
    /// Throws unless <paramref name="other"/> (null: we) could open the files of the image as well, for a second subchannel on it is as good as that. To write
    /// too where it is open for that: even who only reads may reserve the volume from the others.
    /// </summary>
    internal void RefuseWithoutRights(CallerIdentity? other, bool write)
    {
        foreach (HostImageFile file in _images)
        {
            if (As(other, () => FileDescriptor.MayReopen(file.Descriptor, write)) is < 0 and var result)
                throw new CommandException($"{imagePath}: cannot be opened{(write ? " to write, as it is by another subchannel" : "")}: {Problem.Of(result)}");
        }
    }

    private static T As<T>(CallerIdentity? user, Func<T> action) => user is null ? action() : user.Run(action);

    private void Judge(FileDescriptor file, string path)
    {
        OwnMounts.Refuse(file, path);
        if (path == imagePath && (file.Status(out FileStatus status) < 0 || new FileIdentity(status.Device, status.Inode) != image))
            throw new ImageException("it was replaced while it was opened; try again", (int)Errno.ESTALE);
    }

    private sealed class Place(CallerIdentity? caller, IRedoPlace place) : IRedoPlace
    {
        public string Path => place.Path;

        public IImageFile? Open() => As(caller, place.Open);

        public IImageFile Create() => As(caller, place.Create);

        public bool Holds() => place.Holds();

        public string? FindOther(Func<IImageFile, bool> isOurs) => As(caller, () => place.FindOther(isOurs));

        public int Remove() => As(caller, place.Remove);

        public int SyncName() => As(caller, place.SyncName);

        public void Dispose() => place.Dispose();
    }
}
