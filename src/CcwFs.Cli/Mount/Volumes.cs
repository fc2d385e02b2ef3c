using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Linux;

namespace CcwFs.Cli.Mount;

/// <summary>
/// The open volumes of this ccwfs: two devices on one image (device and inode of its first file) share one volume object. Thread-safe.
/// </summary>
internal sealed class Volumes
{
    /// <summary>Cylinders of a volume in memory (arbitrary: small, and enough for a file system).</summary>
    internal const int MemoryCylinders = 100;

    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Device, ulong Inode), (EckdVolume Volume, int Users)> _open = []; // guarded by _gate

    /// <summary>
    /// Opens an image with the rights of <paramref name="caller"/> (null: our own), or finds it already open, and makes a device with
    /// <paramref name="make"/> over it. The image is closed with its last device.
    /// </summary>
    internal (T Device, Action Closed) OpenImage<T>(string path, bool readOnly, CallerIdentity? caller, Func<EckdVolume, T> make)
    {
        lock (_gate)
        {
            FileStatus status = caller is null ? Identify(path) : caller.Run(() => Identify(path));
            (ulong, ulong) key = (status.Device, status.Inode);
            if (_open.TryGetValue(key, out (EckdVolume Volume, int Users) known))
            {
                if (known.Volume.IsReadOnly && !readOnly)
                    throw new CommandException($"{path} is already open read-only; give readonly, or remove the other device first");
            }
            else
            {
                known = (new EckdVolume(CkdImage.Open(new CallerImageFiles(caller), path, new ImageOptions(ReadOnly: readOnly))), 0);
            }
            T device = make(known.Volume);
            _open[key] = (known.Volume, known.Users + 1);
            return (device, () => Close(key));
        }
    }

    /// <summary>A small empty volume that lives in memory.</summary>
    internal static EckdVolume InMemory() => new(new MemoryTrackStore(CkdGeometry.Model3390(MemoryCylinders)));

    /// <summary>The status of an image file; throws where there is none.</summary>
    internal static FileStatus Identify(string path)
    {
        int result = FileDescriptor.Status(path, follow: true, out FileStatus status);
        if (result < 0)
            throw new CommandException($"{path}: {Problem.Of(result)}");
        if (status.Type != FileStatus.TypeRegular)
            throw new CommandException($"{path} is not a file; make an image with: ccwfs dasd create {path} --model 3390-1");
        return status;
    }

    private void Close((ulong, ulong) key)
    {
        lock (_gate)
        {
            (EckdVolume volume, int users) = _open[key];
            if (users == 1)
                _open.Remove(key);
            else
                _open[key] = (volume, users - 1);
        }
    }
}
