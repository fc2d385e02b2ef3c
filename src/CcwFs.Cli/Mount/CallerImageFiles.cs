using CcwFs.ChannelIo;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;
using Mono.Unix.Native;

namespace CcwFs.Cli.Mount;

/// <summary>
/// A volume's files with the rights of the user who asked for it (null: our own), whenever they are opened: the redo file is made at the first write, long
/// after the request, in a directory that this user may have filled with traps for root. What was opened is the file <paramref name="image"/>, and none of it
/// is inside a mounted ccwfs. Each is counted in <paramref name="charge"/> (null: it is not counted).
/// </summary>
internal sealed class CallerImageFiles(CallerIdentity? caller, string imagePath, FileIdentity image, DeviceCharge? charge = null) : IImageFiles
{
    private const int RedoDescriptors = 2; // the redo file, which the first write makes, and its directory

    private readonly HostImageFiles _files = new(caller?.Uid ?? Descriptors.EffectiveUser, plain: caller is not null);
    private readonly List<HostImageFile> _images = [];

    public Guid BootId => _files.BootId;

    public IImageFile? Open(string path, bool write)
    {
        HostImageFile? opened = As(caller, () => _files.OpenHere(path, write));
        if (opened is null)
            return null;
        try
        {
            charge?.Take(DeviceResource.Descriptors, 1);
            Judge(opened.Descriptor, path, write);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
        _images.Add(opened);
        return opened;
    }

    public IRedoPlace RedoOf(IImageFile image)
    {
        charge?.Take(DeviceResource.Descriptors, RedoDescriptors);
        return new Place(caller, As(caller, () => _files.RedoOf(image)));
    }

    /// <summary>
    /// Throws unless <paramref name="other"/> (null: we) could open the files of the image as well, for a second subchannel on it is as good as that. To write
    /// too where it is open for that, by <paramref name="holders"/>: even who only reads may reserve the volume from the others.
    /// </summary>
    internal void RefuseWithoutRights(CallerIdentity? other, bool write, IEnumerable<SubchannelId> holders)
    {
        foreach (HostImageFile file in _images)
        {
            int result = other is null ? FileDescriptor.MayReopen(file.Descriptor, write) : other.Run(() => FileDescriptor.MayReopen(file.Descriptor, write));
            if (result < 0)
            {
                string how = write ? $" to write, as it is by {string.Join(", ", holders)}" : "";
                throw new CommandException($"{imagePath}: cannot be opened{how}: {Problem.Of(result)}");
            }
        }
    }

    /// <summary>Throws unless the image is the same file for somebody else who names it by <paramref name="path"/>.</summary>
    internal void RefuseUnseenBy(CallerIdentity? other, string path, bool write) =>
        RefuseUnseen(other, path, new FileStatus { Device = image.Device, Inode = image.Inode }, write);

    /// <summary>What keeps us from being that user is a fault of the image to its caller, who knows no other.</summary>
    private static T As<T>(CallerIdentity? user, Func<T> action)
    {
        try
        {
            return user is null ? action() : user.Run(action);
        }
        catch (IdentityException failure)
        {
            throw new ImageException(failure.Message, (int)failure.Errno);
        }
    }

    /// <summary>The same for what gives an errno.</summary>
    private static int AsErrno(CallerIdentity? user, Func<int> action)
    {
        try
        {
            return user is null ? action() : user.Run(action);
        }
        catch (IdentityException failure)
        {
            return -(int)failure.Errno;
        }
    }

    private void Judge(FileDescriptor file, string path, bool write)
    {
        OwnMounts.Refuse(file, path);
        if (file.Status(out FileStatus status) < 0 || (path == imagePath && new FileIdentity(status.Device, status.Inode) != image))
            throw new ImageException("it was replaced while it was opened; try again", (int)Errno.ESTALE);
        RefuseUnseen(caller, path, status, write);
    }

    /// <summary>Throws for a file that a caller with another root directory (null: none) does not have by the same path.</summary>
    internal static void RefuseUnseen(CallerIdentity? caller, string path, in FileStatus file, bool write)
    {
        FileStatus status = file;
        if (caller?.Root is not null && caller.Run(() => caller.LeadsTo(path, status, write)) is < 0 and var result)
        {
            throw new CommandException($"{path}: who asks has another mount namespace or root directory than this ccwfs, and there it is "
                + $"{(result == -(int)Errno.ESTALE ? "another file" : $"not to be had ({Problem.Of(result)})")}; ask from where ccwfs was mounted");
        }
    }

    private sealed class Place(CallerIdentity? caller, IRedoPlace place) : IRedoPlace
    {
        public string Path => place.Path;

        public IImageFile? Open() => As(caller, place.Open);

        public IImageFile Create() => As(caller, place.Create);

        public bool Holds() => place.Holds();

        public string? FindOther(Func<IImageFile, bool> isOurs) => As(caller, () => place.FindOther(isOurs));

        public int Remove() => AsErrno(caller, place.Remove);

        public int SyncName() => AsErrno(caller, place.SyncName);

        public void Dispose() => place.Dispose();
    }
}
