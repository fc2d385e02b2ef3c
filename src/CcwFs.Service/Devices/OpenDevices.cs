using CcwFs.Control;

namespace CcwFs.Service.Devices;

/// <summary>
/// The devices of one SPEC, open and not in the tree yet. Dispose gives up those that never came there, by <paramref name="giveUp"/>.
/// </summary>
internal sealed class OpenDevices(Action<IReadOnlyList<OpenDevice>> giveUp) : IDisposable
{
    /// <summary>In the order of the SPEC.</summary>
    internal List<OpenDevice> Devices { get; } = [];

    /// <summary>They are in the tree: <see cref="DeviceFactory"/> has them.</summary>
    internal bool AreShown { get; set; }

    /// <summary>Throws when one of them is gone by now.</summary>
    internal void RefuseGone()
    {
        if (Devices.Find(d => d.IsLeaving) is { } gone)
            throw new CommandException($"{gone.Id} ({gone.What}) went away while it was added");
    }

    public void Dispose()
    {
        if (!AreShown)
            giveUp(Devices);
        AreShown = true;
    }
}
