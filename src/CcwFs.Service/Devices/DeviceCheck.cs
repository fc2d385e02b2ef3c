using CcwFs.Control;
using CcwFs.FileSystem;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Subchannel;

namespace CcwFs.Service.Devices;

/// <summary>
/// What can be told about devices before any of them is made. Files are looked at, without locks; nothing is changed, no device is opened.
/// </summary>
internal static class DeviceCheck
{
    /// <summary>
    /// What is wrong with <paramref name="specs"/> as the devices of a mount of their own, a line each. <paramref name="directory"/>: what a relative
    /// path starts from.
    /// </summary>
    internal static IEnumerable<string> Problems(IReadOnlyList<DeviceSpec> specs, string directory)
    {
        var places = new DevicePlaces(new SubchannelTable());
        return specs.SelectMany(spec => Problems(spec, places, directory).Select(problem => $"{spec.Origin ?? $"device '{spec}'"}: {problem}"));
    }

    /// <summary>Throws the first thing that is wrong with the images or the real device of a SPEC.</summary>
    internal static void RefuseWrongFiles(DeviceSpec spec, string directory)
    {
        foreach (Action check in spec.Kind.FileChecks(spec, directory))
            check();
    }

    private static IEnumerable<string> Problems(DeviceSpec spec, DevicePlaces places, string directory)
    {
        if (spec.Conflict is { } conflict)
        {
            yield return conflict;
            yield break;
        }
        foreach (Action check in spec.Kind.FileChecks(spec, directory).Prepend(() => Place(spec, places, directory)))
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

    /// <summary>
    /// Takes ids and device numbers as a mount would. A device's own are known only where this host has it; what is wrong with it, its files' checks
    /// say.
    /// </summary>
    private static void Place(DeviceSpec spec, DevicePlaces places, string directory)
    {
        HashSet<VfioCcwDevice> none = [];
        KindTarget? found = null;
        if (Problem(() => found = spec.Kind.Find(spec, directory, own: null)) is not null)
            found = null;
        if (spec.Kind.HasOwnIds && spec.Id is null && found?.Id is null)
            return;
        int from = 0;
        for (int i = 0; i < spec.Count; i++)
        {
            DevicePlace place = places.Take(spec, i, found?.Id, from, none);
            from = place.Id.Number + 1;
            if (!spec.Kind.HasOwnIds || spec.Device is not null || found?.Device is not null)
                places.TakeNumber(place, spec, i, found?.Device, none);
        }
    }
}
