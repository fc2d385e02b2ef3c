using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Emulation.Images;
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
/// <param name="Files">All files of the volume, the image's too.</param>
/// <param name="Volume">What devices on it share.</param>
/// <param name="SetSync">Says when this device's writes go to stable storage; gives what counts, the strictest of all devices on the image.</param>
/// <param name="Closing">
/// Ends the device by the action that it is given, the image with its last device; gives why what was written may be lost, or null.
/// </param>
internal sealed record OpenImage<T>(
    T Device, FileIdentity File, IReadOnlyList<FileIdentity> Files, ISharedVolume Volume, Func<ImageSync, ImageSync> SetSync,
    Func<Action, string?> Closing);

/// <summary>
/// The open volumes of this ccwfs: two devices on one image (device and inode of its first file) share one volume object. Thread-safe; who opens or
/// closes an image keeps nobody waiting but those of the same one.
/// </summary>
/// <param name="quota">Where files and memory of the images of users are counted.</param>
/// <param name="trim">What gives memory back to the system.</param>
internal sealed class Volumes(DeviceQuota quota, GarbageTrim trim)
{
    private readonly Lock _gate = new(); // taken inside a slot's, or alone
    private readonly Dictionary<FileIdentity, Slot> _slots = []; // guarded by _gate

    /// <summary>
    /// Opens an image with the rights of <paramref name="caller"/> (null: our own), or finds it already open, and makes the device
    /// <paramref name="id"/> with <paramref name="make"/> over it. Who finds it open must have the same rights on it: then the device's policy is the
    /// caller's own affair, who could write the file without us. Of several devices on one image the strictest <paramref name="sync"/> counts.
    /// <paramref name="log"/>: of the caller. With <paramref name="isPrivate"/> no other device finds the volume.
    /// </summary>
    internal OpenImage<TDevice> OpenImage<TVolume, TDevice>(
        IVolumeKind<TVolume> kind, string path, bool readOnly, ImageSync sync, CallerIdentity? caller, ILogger log, Func<TVolume, TDevice> make,
        SubchannelId id = default, bool isPrivate = false)
        where TVolume : class, ISharedVolume
    {
        FileIdentity file = caller is null ? Identify(path, kind) : caller.Run(() => Identify(path, kind, plain: true));
        Slot slot = isPrivate ? new Slot(file, new ImageUsers(quota)) { Holders = 1 } : Enter(file);
        try
        {
            lock (slot.Gate)
            {
                ImageUser user = slot.Users.Find(caller) ?? new ImageUser(caller, new DeviceCharge(quota, caller?.Uid), log);
                try
                {
                    if (slot.Volume is { } volume)
                        Join(slot, kind, volume, path, readOnly, caller, user);
                    else
                        Open(slot, kind, path, new ImageOptions(readOnly, sync, Say: line => MountLog.Image(slot.Users.Log, line)), caller, user);
                    return Attach(slot, new SlotDevice(id, sync), user, (TVolume)slot.Volume!, make);
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

    /// <summary>
    /// A device over a volume that lives in memory, which it gives back when it ends. <paramref name="held"/>: the volume, and what tells the bytes
    /// that it takes.
    /// </summary>
    internal (TDevice Device, Func<Action, string?> Closing) InMemory<TVolume, TDevice>(
        (TVolume Volume, Func<long> Bytes) held, Func<TVolume, TDevice> make) => (make(held.Volume), end =>
        {
            long bytes = held.Bytes();
            end();
            trim.Add(bytes);
            return null;
        });

    /// <summary>Throws where an image that is not to be <paramref name="readOnly"/> may not be written.</summary>
    internal static void RefuseUnwritable(string path, bool readOnly)
    {
        if (!readOnly && FileSystems.MayWrite(path, isDirectory: false) is < 0 and var result)
            throw new CommandException($"{path} cannot be written: {Problem.Of(result)}; give readonly, or change its permissions");
    }

    /// <summary>
    /// Which file an image is; throws where there is none, and for one inside a mounted ccwfs. With <paramref name="plain"/> for another user, whose
    /// path may not pass an open file of ours.
    /// </summary>
    internal static FileIdentity Identify(string path, IImageKind kind, bool plain = false)
    {
        FileStatus status = default;
        int result = OwnMounts.Open(path, plain, out FileDescriptor named);
        using (named)
            result = result < 0 ? result : named.Status(out status);
        if (plain && result == -(int)Errno.ELOOP)
            throw new CommandException($"{path}: {HostImageFiles.LinkOfProcess}");
        if (result < 0)
            throw new CommandException($"{path}: {kind.Missing(path, result)}");
        if (kind.Wrong(status.Type) is { } wrong)
            throw new CommandException($"{path} {wrong}");
        return FileIdentity.Of(status);
    }

    /// <summary>Why an open volume cannot be had by a device of a kind, and to write unless <paramref name="readOnly"/>; null: it can.</summary>
    internal static ImageObstacle? Obstacle<TVolume>(IVolumeKind<TVolume> kind, ISharedVolume open, bool readOnly)
        where TVolume : class, ISharedVolume => open is TVolume volume
        ? new ImageUse(kind.Word, volume.IsReadOnly, kind.Shape(volume)).Obstacle(new ImageUse(kind.Word, readOnly, kind.ShapeWanted(volume)))
        : ImageObstacle.OtherKind(kind.Word);

    /// <summary>Opens the volume of a slot, which nobody has open, for its first user.</summary>
    private void Open<TVolume>(Slot slot, IVolumeKind<TVolume> kind, string path, ImageOptions options, CallerIdentity? asker, ImageUser user)
        where TVolume : class, ISharedVolume
    {
        slot.Users.Add(user);
        slot.Files = new CallerImageFiles(asker, user, slot.Users, path, slot.File);
        using var opening = new DeviceCharge(quota, asker?.Uid);
        opening.Take(DeviceResource.Memory, kind.OpeningBytes);
        try
        {
            // The opening's bytes are given back before those are taken that stay.
            (slot.Volume, slot.KeptBytes) = kind.Open(slot.Files, path, options, bytes =>
            {
                opening.Dispose();
                user.Charge.Take(DeviceResource.Memory, bytes);
            });
        }
        catch
        {
            trim.Add(kind.OpeningBytes);
            throw;
        }
    }

    /// <summary>One more device on an open volume, for one of its users or a new one, who answers for it as if nobody else had it.</summary>
    private static void Join<TVolume>(
        Slot slot, IVolumeKind<TVolume> kind, ISharedVolume open, string path, bool readOnly, CallerIdentity? asker, ImageUser user)
        where TVolume : class, ISharedVolume
    {
        slot.Files!.RefuseUnseenBy(asker, path, write: !open.IsReadOnly);
        slot.Files.RefuseWithoutRights(asker, write: !open.IsReadOnly, slot.Ids);
        if (Obstacle(kind, open, readOnly) is { } obstacle)
            throw obstacle.Refusal(path, slot.Ids);
        if (user.Devices > 0)
            return;
        user.Charge.Take(DeviceResource.Descriptors, slot.Files.OpenFiles);
        user.Charge.Take(DeviceResource.Memory, slot.KeptBytes);
        slot.Users.Add(user);
    }

    private OpenImage<TDevice> Attach<TVolume, TDevice>(Slot slot, SlotDevice device, ImageUser user, TVolume volume, Func<TVolume, TDevice> make)
        where TVolume : class, ISharedVolume
    {
        slot.Devices.Add(device);
        try
        {
            volume.SetSync(slot.Sync);
            var made =
                new OpenImage<TDevice>(make(volume), slot.File, slot.Files!.Identities, volume, sync => SetSync(slot, device, sync),
                    end => Close(slot, device, user, end));
            user.Devices++;
            return made;
        }
        catch
        {
            slot.Devices.Remove(device);
            if (slot.Devices.Count == 0) // nobody else would close it
            {
                slot.Volume = null;
                volume.Dispose();
            }
            else
            {
                volume.SetSync(slot.Sync);
            }
            throw;
        }
    }

    /// <summary>Throws, and leaves all as it was, when what is written cannot be brought to stable storage.</summary>
    private static ImageSync SetSync(Slot slot, SlotDevice device, ImageSync sync)
    {
        lock (slot.Gate)
        {
            ImageSync before = device.Sync;
            device.Sync = sync;
            try
            {
                slot.Volume?.SetSync(slot.Sync);
                return slot.Sync;
            }
            catch
            {
                device.Sync = before;
                throw;
            }
        }
    }

    /// <summary>
    /// The last device closes the volume in <paramref name="end"/>; nobody finds it closed. Gives why what was written may be lost, or null.
    /// </summary>
    private string? Close(Slot slot, SlotDevice device, ImageUser user, Action end)
    {
        lock (slot.Gate)
        {
            slot.Devices.Remove(device);
            ISharedVolume? closed = slot.Devices.Count == 0 ? slot.Volume : null;
            long garbage = closed?.BufferBytes ?? 0;
            if (closed is not null)
                slot.Volume = null;
            else
                slot.Volume?.SetSync(slot.Sync);
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
            if (--slot.Holders == 0 && _slots.TryGetValue(slot.File, out Slot? known) && known == slot)
                _slots.Remove(slot.File);
        }
    }

    /// <summary>A device on an image; guarded by the gate of its slot.</summary>
    private sealed class SlotDevice(SubchannelId id, ImageSync sync)
    {
        internal SubchannelId Id => id;

        internal ImageSync Sync { get; set; } = sync;
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
        internal ISharedVolume? Volume { get; set; }

        internal List<SlotDevice> Devices { get; } = [];

        /// <summary>Of the devices.</summary>
        internal IEnumerable<SubchannelId> Ids => Devices.Select(device => device.Id);

        /// <summary>The strictest of the devices'.</summary>
        internal ImageSync Sync => Devices.Aggregate(ImageSync.None, (strictest, device) => ImageSync.Stricter(strictest, device.Sync));

        /// <summary>Those of the volume; guarded by <see cref="Gate"/>.</summary>
        internal CallerImageFiles? Files { get; set; }

        /// <summary>Bytes that the volume may keep in memory; guarded by <see cref="Gate"/>.</summary>
        internal long KeptBytes { get; set; }
    }
}
