using CcwFs.Emulation.Images;
using CcwFs.FileSystem;
using CcwFs.Linux;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>A device that is open, in the tree or not yet; or that will be made when somebody uses it.</summary>
internal sealed class OpenDevice : MountedSubchannel
{
    private LaterDevices? _later; // changed while the device is not made
    private volatile bool _isLeaving;
    private bool _hasEnded; // changed by an interlocked operation
    private Func<Action, string?>? _closing;

    /// <summary>A device that is made.</summary>
    /// <param name="device">The device.</param>
    /// <param name="place">Its ids.</param>
    /// <param name="what">Kind and image or device, for the log.</param>
    /// <param name="log">Where its coming and going is told.</param>
    internal OpenDevice(VfioCcwDevice device, DevicePlace place, string what, ILogger log)
        : base(device) => (Place, What, Log) = (place, what, log);

    /// <summary>A device that <paramref name="later"/> makes.</summary>
    internal OpenDevice(LaterDevices later, DevicePlace place)
        : base(place.Shown, place.Id, place.ShownNumber, place.Number) =>
        (_later, Place, What, Log) = (later, place, later.What, later.Log);

    internal DevicePlace Place { get; }

    internal string What { get; }

    internal ILogger Log { get; }

    /// <summary>It is in the table. Guarded by the gate of <see cref="DeviceFactory"/>.</summary>
    internal bool IsShown { get; set; }

    /// <summary>The real device, or the volume's image; null: a volume in memory.</summary>
    internal DeviceFile? File { get; init; }

    /// <summary>The kernel has asked it back, or lost it. Set from any thread.</summary>
    internal bool IsLeaving
    {
        get => _isLeaving;
        set => _isLeaving = value;
    }

    /// <summary>Closes it, by the <see cref="IDisposable.Dispose"/> that it is given; null: that is all.</summary>
    internal Func<Action, string?>? Closing
    {
        init => _closing = value;
    }

    /// <summary>Is told once that it is closed.</summary>
    internal Action? Ended { get; init; }

    /// <summary>What will make it; null: it is made.</summary>
    internal LaterDevices? Later => Made is null ? _later : null;

    /// <inheritdoc/>
    protected override RestingDevice AtRest => _later!.AtRest;

    /// <inheritdoc/>
    protected override bool IsGone => _hasEnded;

    /// <summary>Has it made by <paramref name="later"/>, if it is not made yet; false: it is.</summary>
    internal bool TryAlter(LaterDevices later) => WhileNotMade(() => _later = later);

    /// <summary>
    /// Ends the device; whatever it shares with others stays as long as they do. Gives why what was written may be lost, which the log has too, or
    /// null.
    /// </summary>
    internal string? End()
    {
        if (WhileNotMade(() => _hasEnded = true)) // who makes it now, for a file that he found before, gets one that is unplugged
        {
            Ended?.Invoke();
            return null;
        }
        try
        {
            if (_closing is { } closing)
                return closing(Device.Dispose);
            Device.Dispose();
            return null;
        }
        finally
        {
            if (!Interlocked.Exchange(ref _hasEnded, true))
                Ended?.Invoke();
        }
    }

    /// <inheritdoc/>
    protected override VfioCcwDevice Make()
    {
        (VfioCcwDevice device, _closing) = _later!.Make(Place);
        if (_hasEnded)
            _closing(device.Dispose);
        return device;
    }
}

/// <summary>A file that a device has open, alone or together with others.</summary>
/// <param name="Id">Which file.</param>
/// <param name="Volume">What they share; null: it is none of an image.</param>
/// <param name="SetSync">Says when the device's writes go to stable storage; gives what counts for the image. Null: they go nowhere else.</param>
internal sealed record DeviceFile(FileIdentity Id, ISharedVolume? Volume = null, Func<ImageSync, ImageSync>? SetSync = null)
{
    /// <summary>All files of the volume: that one, and those beside or below it.</summary>
    internal IReadOnlyList<FileIdentity> All { get; init; } = [Id];
}
