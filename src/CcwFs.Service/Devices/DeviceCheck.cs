using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Images;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices;

/// <summary>
/// What can be told about devices before any of them is made. Files are looked at, without locks; nothing is changed, no device is opened.
/// </summary>
/// <param name="directory">What a relative path starts from.</param>
internal sealed class DeviceCheck(string directory)
{
    private static readonly HashSet<OpenDevice> s_none = [];

    private readonly DevicePlaces _places = new(new SubchannelTable());
    private readonly Dictionary<FileIdentity, (ImageUse Use, List<Holder> Holders)> _images = [];

    /// <summary>
    /// What is wrong with <paramref name="specs"/> as the devices of a mount of their own, a line each. <paramref name="directory"/>: what a relative
    /// path starts from.
    /// </summary>
    internal static IEnumerable<string> Problems(IReadOnlyList<DeviceSpec> specs, string directory)
    {
        var check = new DeviceCheck(directory);
        return specs.SelectMany(spec => check.Problems(spec).Select(problem => $"{spec.Origin ?? $"device '{spec}'"}: {problem}"));
    }

    /// <summary>Throws the first thing that is wrong with the images or the real device of a SPEC.</summary>
    internal static void RefuseWrongFiles(DeviceSpec spec, string directory)
    {
        foreach (Func<WantedImage?> check in spec.Kind.FileChecks(spec, directory))
            check();
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

    private IEnumerable<string> Problems(DeviceSpec spec)
    {
        if (spec.Conflict is { } conflict)
        {
            yield return conflict;
            yield break;
        }
        List<SubchannelId> ids = [];
        foreach (Action check in spec.Kind.FileChecks(spec, directory).Select<Func<WantedImage?>, Action>(file => () => Share(spec, file(), ids))
            .Prepend(() => Place(spec, ids)))
        {
            if (Problem(check) is { } problem)
                yield return problem;
        }
    }

    /// <summary>
    /// Takes ids and device numbers as a mount would. A device's own are known only where this host has it; what is wrong with it, its files' checks
    /// say. <paramref name="ids"/>: as which its devices are shown.
    /// </summary>
    private void Place(DeviceSpec spec, List<SubchannelId> ids)
    {
        KindTarget? found = null;
        if (Problem(() => found = spec.Kind.Find(spec, directory, own: null)) is not null)
            found = null;
        if (spec.Kind.IsReal && spec.Id is null && found?.Id is null)
            return;
        int from = 0;
        for (int i = 0; i < spec.Count; i++)
        {
            DevicePlace place = _places.Take(spec, i, found?.Id, from, s_none);
            from = place.Id.Number + 1;
            ids.Add(place.Shown);
            if (!spec.Kind.IsReal || spec.Device is not null || found?.Device is not null)
                _places.TakeNumber(place, spec, i, found?.Device, s_none);
        }
    }

    /// <summary>Opens an image as a mount would that has those before it open.</summary>
    private void Share(DeviceSpec spec, WantedImage? image, List<SubchannelId> ids)
    {
        if (image is null)
            return;
        if (!_images.TryGetValue(image.File, out (ImageUse Use, List<Holder> Holders) open))
            _images.Add(image.File, open = (image.Use, []));
        else if (open.Use.Obstacle(image.Use) is { } obstacle)
            throw obstacle.Refusal(image.Path, open.Holders.SelectMany(holder => holder.Ids(directory)));
        open.Holders.Add(new Holder(spec, image.Path, ids));
    }

    /// <summary>The devices of a SPEC that would have an image open by a path.</summary>
    private sealed record Holder(DeviceSpec Spec, string Path, IReadOnlyList<SubchannelId> Shown)
    {
        internal IEnumerable<SubchannelId> Ids(string directory) => Shown.Where((_, index) => Spec.ImageAt(index, directory) == Path);
    }
}
