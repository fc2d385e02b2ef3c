using CcwFs.Control;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Service.Images;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices;

/// <summary>What can be told about devices before any of them is made. Files are looked at, without locks; nothing is changed, no device is opened.</summary>
internal static class DeviceCheck
{
    /// <summary>
    /// What is wrong with <paramref name="specs"/> as the devices of a mount of their own, a line each. <paramref name="directory"/>: what a relative path
    /// starts from.
    /// </summary>
    internal static IEnumerable<string> Problems(IReadOnlyList<DeviceSpec> specs, string directory)
    {
        var places = new DevicePlaces(new SubchannelTable());
        return specs.SelectMany(spec => Problems(spec, places, directory).Select(problem => $"{spec.Origin ?? $"device '{spec}'"}: {problem}"));
    }

    /// <summary>Throws the first thing that is wrong with the images or the real device of a SPEC.</summary>
    internal static void RefuseWrongFiles(DeviceSpec spec, string directory)
    {
        foreach (Action check in FileChecks(spec, directory))
            check();
    }

    private static IEnumerable<string> Problems(DeviceSpec spec, DevicePlaces places, string directory)
    {
        if (spec.Conflict is { } conflict)
        {
            yield return conflict;
            yield break;
        }
        foreach (Action check in FileChecks(spec, directory).Prepend(() => Place(spec, places, directory)))
        {
            if (Problem(check) is { } problem)
                yield return problem;
        }
    }

    /// <summary>What a check throws, in words; null when it does not.</summary>
    internal static string? Problem(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (Exception wrong) when (Expected.Is(wrong))
        {
            return wrong.Message;
        }
    }

    private static IEnumerable<Action> FileChecks(DeviceSpec spec, string directory) => spec.Kind == DeviceKinds.Vfio
        ? [() => RefuseWrongDevice(spec, directory)]
        : spec.Images(directory).Select<string, Action>(path => () => RefuseWrongImage(path, spec.IsReadOnly));

    /// <summary>Takes ids and device numbers as a mount would. A real device's own are known only where this host has it.</summary>
    private static void Place(DeviceSpec spec, DevicePlaces places, string directory)
    {
        HashSet<VfioCcwDevice> none = [];
        RealTarget? real = spec.Kind == DeviceKinds.Vfio ? FindReal(spec, directory) : null;
        if (spec.Kind == DeviceKinds.Vfio && spec.Id is null && real?.Id is null)
            return;
        int from = 0;
        for (int i = 0; i < spec.Count; i++)
        {
            DevicePlace place = places.Take(spec, i, real?.Id, from, none);
            from = place.Id.Number + 1;
            if (spec.Kind == DeviceKinds.Dasd || spec.Device is not null || real?.Device is not null)
                places.TakeNumber(place, spec, i, real?.Device, none);
        }
    }

    /// <summary>What a real device is; null where that is wrong, which <see cref="RefuseWrongDevice"/> says.</summary>
    private static RealTarget? FindReal(DeviceSpec spec, string directory)
    {
        RealTarget? found = null;
        return Problem(() => found = RealDevices.Find(spec, directory, own: null)) is null ? found : null;
    }

    private static void RefuseWrongImage(string path, bool readOnly)
    {
        Volumes.Identify(path);
        using CkdImage image = CkdImage.Open(HostImageFiles.Unlocked, path, new ImageOptions(ReadOnly: true, IgnoreRedo: true));
        if (image.RedoProblem is { } problem)
            throw new CommandException(problem);
        foreach (string file in image.Files)
        {
            if (!readOnly && FileSystems.MayWrite(file, isDirectory: false) is < 0 and var result)
                throw new CommandException($"{file} cannot be written: {Linux.Problem.Of(result)}; give readonly, or change its permissions");
        }
    }

    private static void RefuseWrongDevice(DeviceSpec spec, string directory)
    {
        RealTarget found = RealDevices.Find(spec, directory, own: null);
        foreach (string path in (string[])[found.Target.Path, found.Target.IommuPath])
        {
            int result = FileDescriptor.Status(path, follow: true, out FileStatus status);
            if (result < 0)
                throw new CommandException($"{path}: {Linux.Problem.Of(result)}; see which devices there are: ccwfs list --all");
            if (status.Type != FileStatus.TypeCharacterDevice && !OwnMounts.IsInside(path))
                throw new CommandException($"{path} is no device; give /dev/vfio/devices/vfioN, or see: ccwfs list --all");
        }
    }
}
