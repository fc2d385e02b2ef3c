using CcwFs.Control;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Service.Images;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices.Kinds;

/// <summary>An emulated device on an image, which devices may share, or on a volume in memory where a SPEC names none.</summary>
/// <typeparam name="TVolume">What devices on one image share.</typeparam>
internal abstract class ImageKind<TVolume> : DeviceKind
    where TVolume : class, ISharedVolume
{
    private const int MachineShare = 2; // one of so many is the most that one volume in memory may have (arbitrary)

    private static readonly long s_mostMemory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / MachineShare;

    /// <inheritdoc/>
    internal override IEnumerable<Func<WantedImage?>> FileChecks(DeviceSpec spec, string directory) => spec.Image is null
        ? [() => { RefuseTooLarge(spec); return null; }]
        : Each(spec, directory).Select<(string Path, IVolumeKind<TVolume> Kind), Func<WantedImage?>>(image => () =>
            image.Kind.Want(image.Path, IsReadOnly(spec)) is { } use
                ? new WantedImage(Volumes.Identify(image.Path, image.Kind), image.Path, use) : null);

    /// <inheritdoc/>
    internal override IEnumerable<FileIdentity> Files(DeviceSpec spec, string directory, ulong? own) =>
        Each(spec, directory).SelectMany(image => image.Kind.Paths(image.Path).Select(path => Volumes.Identify(path, image.Kind))).Distinct();

    /// <inheritdoc/>
    internal override string? Obstacle(DeviceSpec spec, OpenDevice open) =>
        open.File?.Volume is { } volume
            && Volumes.Obstacle(Images(spec, static path => path), volume, IsReadOnly(spec)) is { } obstacle ? obstacle.How + obstacle.Advice : null;

    /// <inheritdoc/>
    internal override OpenDevice Open(in DeviceOpening opening, DeviceParts parts)
    {
        DeviceOpening its = opening;
        DeviceSpec spec = its.Spec;
        its.TakeNumber(null);
        if (spec.ImageAt(its.Index, its.Directory) is not { } path)
        {
            RefuseTooLarge(spec);
            (VfioCcwDevice device, Func<Action, string?> closing) = InMemory(its, parts);
            return new OpenDevice(device, its.Place, $"{Name}, in memory", its.Logs.Device) { Closing = closing, Ended = its.Ended };
        }
        Prepare(its, path);
        OpenImage<IChannelDevice> opened = parts.Volumes.OpenImage(
            Images(spec, text => DeviceSpec.PathAt(text, its.Index, its.Directory)), path, IsReadOnly(spec), spec.Sync, its.Caller, its.Logs.Image,
            volume => Make(volume, its), its.Place.Shown, spec.IsTemporary);
        return new OpenDevice(Emulate(opened.Device, its, parts), its.Place, $"{Name}, image {path}", its.Logs.Device)
        {
            File = new DeviceFile(opened.File, opened.Volume, opened.SetSync) { All = opened.Files }, Closing = opened.Closing, Ended = its.Ended,
        };
    }

    /// <inheritdoc/>
    internal override DeviceMaker? Later(DeviceOpening like, DeviceParts parts) => like.Spec.Image is null && like.Spec.Faults.IsEmpty
        ? place => InMemory(like with { Place = place }, parts) : null;

    private (VfioCcwDevice Device, Func<Action, string?> Closing) InMemory(DeviceOpening opening, DeviceParts parts)
    {
        (IChannelDevice device, Func<Action, string?> closing) = parts.Volumes.InMemory(InMemory(opening.Spec), volume => Make(volume, opening));
        return (Emulate(device, opening, parts), closing);
    }

    /// <summary>Throws for a volume in memory that would take too much of it when all of it is written.</summary>
    private void RefuseTooLarge(DeviceSpec spec)
    {
        if (MemoryBytes(spec) > s_mostMemory)
            throw new CommandException(
                $"in memory it may have {s_mostMemory >> 20} MiB, half of what this machine has, and it has {MemoryBytes(spec) >> 20}; give fewer blocks, or image=PATH");
    }

    /// <summary>Makes what must be there before an image is opened.</summary>
    private protected virtual void Prepare(in DeviceOpening opening, string path)
    {
    }

    /// <summary>The images of a SPEC are opened to be read alone.</summary>
    private protected virtual bool IsReadOnly(DeviceSpec spec) => spec.IsReadOnly;

    /// <summary>The subchannel of a device; what stands between it and the layers that every device has is the kind's.</summary>
    private protected virtual VfioCcwDevice Emulate(IChannelDevice device, in DeviceOpening opening, DeviceParts parts) =>
        parts.Emulate(device, opening);

    /// <summary>The images of all devices, each once, and how they are opened.</summary>
    private IEnumerable<(string Path, IVolumeKind<TVolume> Kind)> Each(DeviceSpec spec, string directory) =>
        Enumerable.Range(0, spec.Count).DistinctBy(index => spec.ImageAt(index, directory)).Where(_ => spec.Image is not null).Select(index =>
            (spec.ImageAt(index, directory)!, Images(spec, text => DeviceSpec.PathAt(text, index, directory))));

    /// <summary>
    /// How the images of a SPEC are opened; <paramref name="pathOf"/>: the absolute path that a text of the SPEC is for the one that is opened.
    /// </summary>
    private protected abstract IVolumeKind<TVolume> Images(DeviceSpec spec, Func<string, string> pathOf);

    /// <summary>A volume in memory for a device of a SPEC, and what tells the bytes that it takes.</summary>
    private protected abstract (TVolume Volume, Func<long> Bytes) InMemory(DeviceSpec spec);

    /// <summary>The device over its volume.</summary>
    private protected abstract IChannelDevice Make(TVolume volume, in DeviceOpening opening);
}
