using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Service.Devices;
using CcwFs.Service.Logs;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Service.Images;

/// <summary>A device on an image.</summary>
/// <param name="Device">What was made over the volume.</param>
/// <param name="File">The image.</param>
/// <param name="IsReadOnly">The image is open to read alone.</param>
/// <param name="Closing">
/// Ends the device by the action that it is given, the image with its last device; gives why what was written may be lost, or null.
/// </param>
internal sealed record OpenImage<T>(T Device, FileIdentity File, bool IsReadOnly, Func<Action, string?> Closing);

/// <summary>
/// The open volumes of this ccwfs: two devices on one image (device and inode of its first file) share one volume object. Thread-safe; who opens or closes an
/// image keeps nobody waiting but those of the same one.
/// </summary>
/// <param name="quota">Where files and memory of the images of users are counted.</param>
/// <param name="trim">What gives memory back to the system.</param>
internal sealed class Volumes(DeviceQuota quota, GarbageTrim trim)
{
    /// <summary>Cylinders of a volume in memory (arbitrary: small, and enough for a file system).</summary>
    internal const int MemoryCylinders = 100;

    private readonly Lock _gate = new(); // taken inside a slot's, or alone
    private readonly Dictionary<FileIdentity, Slot> _slots = []; // guarded by _gate

    /// <summary>
    /// Opens an image with the rights of <paramref name="caller"/> (null: our own), or finds it already open, and makes the device <paramref name="id"/> with
    /// <paramref name="make"/> over it. Who finds it open must have the same rights on it: then the device's policy is the caller's own affair, who could write
    /// the file without us. Of several devices on one image the strictest <paramref name="sync"/> counts. <paramref name="log"/>: of the caller.
    /// </summary>
    internal OpenImage<T> OpenImage<T>(
        string path, bool readOnly, ImageSync sync, CallerIdentity? caller, ILogger log, Func<EckdVolume, T> make, SubchannelId id = default)
    {
        FileIdentity file = caller is null ? Identify(path) : caller.Run(() => Identify(path, plain: true));
        Slot slot = Enter(file);
        try
        {
            lock (slot.Gate)
            {
                ImageUser user = slot.Users.Find(caller) ?? new ImageUser(caller, new DeviceCharge(quota, caller?.Uid), log);
                try
                {
                    if (slot.Volume is { } volume)
                        Join(slot, volume, path, readOnly, caller, user);
                    else
                        Open(slot, path, new ImageOptions(readOnly, sync, Say: line => MountLog.Image(slot.Users.Log, line)), caller, user);
                    slot.Volume!.SyncAtLeast(sync);
                    return Attach(slot, id, user, slot.Volume, make);
                }
                catch
                {
                    if (user.Devices == 0)
                        slot.Users.Remove(user);
                    throw;
                }
            }
        }
        catch
        {
            Leave(slot);
            throw;
        }
    }

    /// <summary>Bytes of a volume in memory when all of it is written, and of the tracks that are kept of it.</summary>
    internal static long MemoryBytes { get; } = BytesOf(CkdGeometry.Model3390(MemoryCylinders)) + KeptBytes(CkdGeometry.Model3390(MemoryCylinders));

    /// <summary>A small empty volume that lives in memory; the device that <paramref name="make"/> makes over it gives that memory back when it ends.</summary>
    internal (T Device, Func<Action, string?> Closing) InMemory<T>(Func<EckdVolume, T> make)
    {
        var store = new MemoryTrackStore(CkdGeometry.Model3390(MemoryCylinders));
        return (make(new EckdVolume(store)), end =>
        {
            long bytes = store.AllocatedBytes;
            end();
            trim.Add(bytes);
            return null;
        });
    }

    /// <summary>
    /// Which file an image is; throws where there is none, and for one inside a mounted ccwfs. With <paramref name="plain"/> for somebody else, whose path may
    /// not pass an open file of ours.
    /// </summary>
    internal static FileIdentity Identify(string path, bool plain = false)
    {
        FileStatus status = default;
        int result = OwnMounts.Open(path, plain, out FileDescriptor named);
        using (named)
            result = result < 0 ? result : named.Status(out status);
        if (plain && result == -(int)Errno.ELOOP)
            throw new CommandException($"{path}: {HostImageFiles.LinkOfProcess}");
        if (result < 0)
            throw new CommandException($"{path}: {Problem.Of(result)}");
        if (status.Type != FileStatus.TypeRegular)
            throw new CommandException($"{path} is {Kind(status.Type)}; a volume is kept in a file, which ccwfs dasd create FILE --model 3390-1 makes");
        return new FileIdentity(status.Device, status.Inode);
    }

    private static string Kind(uint type) => type switch
    {
        FileStatus.TypeDirectory => "a directory",
        FileStatus.TypeBlockDevice => "a block device",
        FileStatus.TypeCharacterDevice => "a character device",
        _ => "no regular file",
    };

    /// <summary>Opens the volume of a slot, which nobody has open, for its first user.</summary>
    private void Open(Slot slot, string path, ImageOptions options, CallerIdentity? asker, ImageUser user)
    {
        slot.Users.Add(user);
        slot.Files = new CallerImageFiles(asker, user, slot.Users, path, slot.File);
        CkdImage image;
        using (var opening = new DeviceCharge(quota, asker?.Uid))
        {
            opening.Take(DeviceResource.Memory, CkdImage.OpeningBytes);
            try
            {
                image = CkdImage.Open(slot.Files, path, options);
            }
            catch
            {
                trim.Add(CkdImage.OpeningBytes);
                throw;
            }
        }
        try
        {
            user.Charge.Take(DeviceResource.Memory, KeptBytes(image.Geometry)); // the image took its own
            slot.KeptBytes = KeptBytes(image.Geometry) + image.KeptBytes;
            slot.Volume = new EckdVolume(image);
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>One more device on an open volume, for one of its users or a new one, who answers for it as if nobody else had it.</summary>
    private static void Join(Slot slot, EckdVolume volume, string path, bool readOnly, CallerIdentity? asker, ImageUser user)
    {
        slot.Files!.RefuseUnseenBy(asker, path, write: !volume.IsReadOnly);
        slot.Files.RefuseWithoutRights(asker, write: !volume.IsReadOnly, slot.Devices);
        if (volume.IsReadOnly && !readOnly)
        {
            string holders = string.Join(", ", slot.Devices);
            throw new CommandException($"{path} is already open read-only by {holders}; give readonly, or remove that first");
        }
        if (user.Devices > 0)
            return;
        user.Charge.Take(DeviceResource.Descriptors, slot.Files.OpenFiles);
        user.Charge.Take(DeviceResource.Memory, slot.KeptBytes);
        slot.Users.Add(user);
    }

    private static long BytesOf(in CkdGeometry geometry) => (long)geometry.Tracks * geometry.TrackSize;

    /// <summary>
    /// Bytes of the tracks that are kept of a volume, as they are and as they were before they were changed, of those that could not be written, and of a
    /// buffer.
    /// </summary>
    private static long KeptBytes(in CkdGeometry geometry) =>
        (2L * Math.Min(EckdVolume.CacheTracks, geometry.Tracks) + Math.Min(EckdVolume.DirtyLimit, geometry.Tracks) + 1) * geometry.TrackSize;

    private OpenImage<T> Attach<T>(Slot slot, SubchannelId id, ImageUser user, EckdVolume volume, Func<EckdVolume, T> make)
    {
        try
        {
            var made = new OpenImage<T>(make(volume), slot.File, volume.IsReadOnly, end => Close(slot, id, user, end));
            slot.Devices.Add(id);
            user.Devices++;
            return made;
        }
        catch
        {
            if (slot.Devices.Count == 0) // nobody else would close it
            {
                slot.Volume = null;
                volume.Dispose();
            }
            throw;
        }
    }

    /// <summary>The last device closes the volume in <paramref name="end"/>; nobody finds it closed. Gives why what was written may be lost, or null.</summary>
    private string? Close(Slot slot, SubchannelId id, ImageUser user, Action end)
    {
        lock (slot.Gate)
        {
            slot.Devices.Remove(id);
            EckdVolume? closed = slot.Devices.Count == 0 ? slot.Volume : null;
            long garbage = closed is null ? 0 : (long)closed.BuffersInUse * closed.Geometry.TrackSize;
            if (closed is not null)
                slot.Volume = null;
            try
            {
                end();
            }
            finally
            {
                if (--user.Devices == 0)
                    slot.Users.Remove(user);
                trim.Add(garbage);
                Leave(slot);
            }
            if (closed?.CloseFault is { } fault)
                MountLog.NotClosed(user.Log, fault);
            return closed?.CloseFault;
        }
    }

    private Slot Enter(FileIdentity file)
    {
        lock (_gate)
        {
            if (!_slots.TryGetValue(file, out Slot? slot))
                _slots.Add(file, slot = new Slot(file, new ImageUsers(quota)));
            slot.Holders++;
            return slot;
        }
    }

    private void Leave(Slot slot)
    {
        lock (_gate)
        {
            if (--slot.Holders == 0)
                _slots.Remove(slot.File);
        }
    }

    /// <summary>An image that is open, or is being opened or closed.</summary>
    private sealed class Slot(FileIdentity file, ImageUsers users)
    {
        internal FileIdentity File { get; } = file;

        internal Lock Gate { get; } = new();

        /// <summary>How many have it or wait for it; guarded by the volumes' gate.</summary>
        internal int Holders { get; set; }

        /// <summary>Whose devices are on it; changed under <see cref="Gate"/>.</summary>
        internal ImageUsers Users => users;

        /// <summary>Guarded by <see cref="Gate"/>, as are the devices on it.</summary>
        internal EckdVolume? Volume { get; set; }

        internal List<SubchannelId> Devices { get; } = [];

        /// <summary>Those of the volume; guarded by <see cref="Gate"/>.</summary>
        internal CallerImageFiles? Files { get; set; }

        /// <summary>Bytes that the volume may keep in memory; guarded by <see cref="Gate"/>.</summary>
        internal long KeptBytes { get; set; }
    }
}
