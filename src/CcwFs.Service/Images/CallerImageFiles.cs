using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using Mono.Unix.Native;

namespace CcwFs.Service.Images;

/// <summary>
/// A volume's files with the rights of the user who asked for it first; the redo file, which is made at the first write, long after the request, in a
/// directory that a user may have filled with traps for root, with those of a user in <paramref name="users"/>, the image's owner before all
/// others. What was opened is the file <paramref name="image"/>, and none of it is inside a mounted ccwfs.
/// </summary>
/// <param name="asker">Who asks, for as long as the volume is being opened (null: we).</param>
/// <param name="opener">In whose charge each file is counted.</param>
/// <param name="users">All who have devices on the volume, that one too.</param>
/// <param name="imagePath">Its path.</param>
/// <param name="image">Which file that is.</param>
internal sealed class CallerImageFiles(CallerIdentity? asker, ImageUser opener, ImageUsers users, string imagePath, FileIdentity image) : IImageFiles
{
    private const int RedoDescriptors = 2; // the redo file, which the first write makes, and its directory

    private readonly HostImageFiles _files = new(asker?.Uid ?? Descriptors.EffectiveUser, plain: asker is not null);
    private readonly List<HostImageFile> _images = [];

    /// <summary>How many files it keeps open, the redo file too.</summary>
    internal int OpenFiles => _images.Count + RedoDescriptors;

    /// <summary>Which files it has opened.</summary>
    internal IReadOnlyList<FileIdentity> Identities { get; private set; } = [];

    public Guid BootId => _files.BootId;

    public IImageFile? Open(string path, bool write) => Open(path, write, disk: false);

    public IImageFile? OpenDisk(string path, bool write) => Open(path, write, disk: true);

    private HostImageFile? Open(string path, bool write, bool disk)
    {
        HostImageFile? opened = ImageUsers.As(asker, () => _files.OpenHere(path, write, disk));
        if (opened is null)
            return null;
        try
        {
            opener.Charge.Take(DeviceResource.Descriptors, 1);
            Identities = [.. Identities, Judge(opened.Descriptor, path, write)];
        }
        catch
        {
            opened.Dispose();
            throw;
        }
        _images.Add(opened);
        return opened;
    }

    public IRedoPlace RedoOf(IImageFile image, string? path = null)
    {
        if (path is not null)
            RefuseOtherRoot(asker, path);
        opener.Charge.Take(DeviceResource.Descriptors, RedoDescriptors);
        return new Place(users, image, ImageUsers.As(asker, () =>
        {
            if (path is not null)
                OwnMounts.RefuseDirectoryOf(path, plain: asker is not null);
            return _files.RedoOf(image, path);
        }));
    }

    public int ReadStart(string path, Span<byte> start)
    {
        using HostImageFile? file = ImageUsers.As(asker, () => _files.OpenHere(path, write: false, disk: true));
        if (file is null)
            return 0;
        Judge(file.Descriptor, path, write: false);
        return ImageException.Check(file.ReadAt(0, start));
    }

    public IImageFile CreateUnnamed()
    {
        opener.Charge.Take(DeviceResource.Descriptors, 1);
        return ImageUsers.As(asker, HostImageFiles.CreateUnnamedHere);
    }

    public void TakeMemory(long bytes) => opener.Charge.Take(DeviceResource.Memory, bytes);

    /// <summary>
    /// Throws unless <paramref name="other"/> (null: we) could open the files of the image as well, for a second subchannel on it is as good as that.
    /// To write too where it is open for that, by <paramref name="holders"/>: even who only reads may reserve the volume from the others.
    /// </summary>
    internal void RefuseWithoutRights(CallerIdentity? other, bool write, IEnumerable<SubchannelId> holders)
    {
        foreach (HostImageFile file in _images.Where(file => !file.Descriptor.IsClosed))
        {
            bool writes = write && file.IsWritable; // the base of an overlay is only read
            int result = other is null ? FileDescriptor.MayReopen(file.Descriptor, writes)
                : other.Run(() => FileDescriptor.MayReopen(file.Descriptor, writes));
            if (result < 0)
            {
                string how = write ? $" to write, as it is by {string.Join(", ", holders)}" : "";
                throw new CommandException($"{imagePath}: cannot be opened{how}: {Problem.Of(result)}");
            }
        }
    }

    /// <summary>Throws unless the image is the same file for another user who names it by <paramref name="path"/>.</summary>
    internal void RefuseUnseenBy(CallerIdentity? other, string path, bool write) =>
        RefuseUnseen(other, path, image, write);

    private FileIdentity Judge(FileDescriptor file, string path, bool write)
    {
        OwnMounts.Refuse(file, path);
        if (file.Status(out FileStatus status) < 0 || (path == imagePath && FileIdentity.Of(status) != image))
            throw new ImageException("it was replaced while it was opened; try again", (int)Errno.ESTALE);
        RefuseUnseen(asker, path, FileIdentity.Of(status), write);
        return FileIdentity.Of(status);
    }

    /// <summary>Throws for a file that would be made where a caller with another root directory does not see it.</summary>
    internal static void RefuseOtherRoot(CallerIdentity? caller, string path)
    {
        if (caller?.Root is not null)
        {
            throw new CommandException($"{path}: who asks has another mount namespace or root directory than this ccwfs, and no file is made there for him; "
                + "ask from where ccwfs was mounted");
        }
    }

    /// <summary>Throws for a file that a caller with another root directory (null: none) does not have by the same path.</summary>
    internal static void RefuseUnseen(CallerIdentity? caller, string path, FileIdentity file, bool write)
    {
        if (caller?.Root is not null && caller.Run(() => caller.LeadsTo(path, file, write)) is < 0 and var result)
        {
            throw new CommandException($"{path}: who asks has another mount namespace or root directory than this ccwfs, and there it is "
                + $"{(result == -(int)Errno.ESTALE ? "another file" : $"not to be had ({Problem.Of(result)})")}; ask from where ccwfs was mounted");
        }
    }

    private sealed class Place(ImageUsers users, IImageFile image, IRedoPlace place) : IRedoPlace
    {
        private ImageUser? _maker;

        public string Path => place.Path;

        private uint? Owner => image.Status(out FileStatus status) < 0 ? null : status.Uid;

        public IImageFile? Open() => users.AsAny(Owner, _ => place.Open());

        public IImageFile Create() => users.AsAny(Owner, user =>
        {
            IImageFile made = place.Create();
            _maker = user;
            return made;
        });

        public bool Holds() => place.Holds();

        public string? FindOther(Func<IImageFile, bool> isOurs) => users.AsAny(Owner, _ => place.FindOther(isOurs));

        /// <summary>Who is left may not be allowed to: then it is done as who made it, to the file that he made alone.</summary>
        public int Remove()
        {
            int result = users.AsAnyErrno(Owner, place.Remove);
            return ImageUsers.IsRefusal(result) && _maker is { } maker && place.Holds() ? ImageUsers.AsErrno(maker.Caller, place.Remove) : result;
        }

        public int SyncName() => users.AsAnyErrno(Owner, place.SyncName);

        public void Dispose() => place.Dispose();
    }
}
