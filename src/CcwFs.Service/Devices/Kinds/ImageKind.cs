using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Service.Images;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>An emulated device on an image, which devices may share, or on a volume in memory where a SPEC names none.</summary>
/// <typeparam name="TVolume">What devices on one image share.</typeparam>
internal abstract class ImageKind<TVolume> : DeviceKind
    where TVolume : class, ISharedVolume
{
    /// <inheritdoc/>
    internal override IEnumerable<Action> FileChecks(DeviceSpec spec, string directory) =>
        spec.Images(directory).Select<string, Action>(path => () => RefuseWrong(spec, path));

    /// <inheritdoc/>
    internal override IEnumerable<FileIdentity> FilesNeeded(DeviceSpec spec, string directory, ulong? own) =>
        spec.IsReadOnly ? [] : spec.Images(directory).Select(path => Volumes.Identify(path, Images(spec)));

    /// <inheritdoc/>
    internal override OpenDevice Open(in DeviceOpening opening, DeviceParts parts)
    {
        DeviceOpening its = opening;
        DeviceSpec spec = its.Spec;
        its.TakeNumber(null);
        IChannelDevice Over(TVolume volume) => Make(volume, its);
        if (spec.ImageAt(its.Index, its.Directory) is not { } path)
        {
            (IChannelDevice device, Func<Action, string?> closing) = parts.Volumes.InMemory(InMemory(spec), Over);
            return new OpenDevice(parts.Emulate(device, its), its.Place, $"{Name}, in memory", its.Logs.Device) { Closing = closing,
                Ended = its.Ended };
        }
        OpenImage<IChannelDevice> opened = parts.Volumes.OpenImage(
            Images(spec), path, spec.IsReadOnly, spec.Sync, its.Caller, its.Logs.Image, Over, its.Place.Shown);
        return new OpenDevice(parts.Emulate(opened.Device, its), its.Place, $"{Name}, image {path}", its.Logs.Device)
        {
            File = opened.File, KeepsFile = opened.IsReadOnly, Closing = opened.Closing, Ended = its.Ended,
        };
    }

    /// <summary>How the images of a SPEC are opened.</summary>
    private protected abstract IVolumeKind<TVolume> Images(DeviceSpec spec);

    /// <summary>A volume in memory for a device of a SPEC, and what tells the bytes that it takes.</summary>
    private protected abstract (TVolume Volume, Func<long> Bytes) InMemory(DeviceSpec spec);

    /// <summary>The device over its volume.</summary>
    private protected abstract IChannelDevice Make(TVolume volume, in DeviceOpening opening);

    /// <summary>Throws what is wrong with an image of a SPEC. Locks and changes nothing.</summary>
    private protected abstract void RefuseWrong(DeviceSpec spec, string path);
}
