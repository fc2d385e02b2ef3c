using CcwFs.Emulation.Images;
using CcwFs.Linux;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;

namespace CcwFs.Service.Devices;

/// <summary>A device that is open, in the tree or not yet.</summary>
/// <param name="device">The device.</param>
/// <param name="place">Its ids.</param>
/// <param name="what">Kind and image or device, for the log.</param>
/// <param name="log">Where its coming and going is told.</param>
internal sealed class OpenDevice(VfioCcwDevice device, DevicePlace place, string what, ILogger log)
{
    private volatile bool _isLeaving;
    private bool _hasEnded; // changed by an interlocked operation

    internal VfioCcwDevice Device { get; } = device;

    internal DevicePlace Place { get; } = place;

    internal string What { get; } = what;

    internal ILogger Log { get; } = log;

    /// <summary>The real device, or the volume's image; null: a volume in memory.</summary>
    internal FileIdentity? File { get; init; }

    /// <summary>What it shares with others that have the image open; null: it is none of an image.</summary>
    internal ISharedVolume? Volume { get; init; }

    /// <summary>Says when its writes go to stable storage; gives what counts for the image. Null: they go nowhere else.</summary>
    internal Func<ImageSync, ImageSync>? SetSync { get; init; }

    /// <summary>The kernel has asked it back, or lost it. Set from any thread.</summary>
    internal bool IsLeaving
    {
        get => _isLeaving;
        set => _isLeaving = value;
    }

    /// <summary>Closes it, by the <see cref="IDisposable.Dispose"/> that it is given; null: that is all.</summary>
    internal Func<Action, string?>? Closing { get; init; }

    /// <summary>Is told once that it is closed.</summary>
    internal Action? Ended { get; init; }

    /// <summary>
    /// Ends the device; whatever it shares with others stays as long as they do. Gives why what was written may be lost, which the log has too, or
    /// null.
    /// </summary>
    internal string? End()
    {
        try
        {
            if (Closing is { } closing)
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
}
