using CcwFs.ChannelIo;
using CcwFs.Linux;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// Whether a device is still there: it is lost when the kernel says so, when it fails where it should not, or when it does not let memory go. The
/// first loss is told to the device's user, on a thread that holds nothing. Thread-safe, but for what the owner calls under its gate.
/// </summary>
internal sealed class DevicePresence(VfioDevice device, ILogger logger, SubchannelId id)
{
    private ISubchannelEvents? _events; // null until Connect
    private int _lost;                  // 1: said so
    private volatile bool _closed;

    /// <summary>Unplugged, or given up. Changes under the owner's gate.</summary>
    internal bool IsClosed => _closed;

    /// <summary>Who is told of a loss; of one before this too.</summary>
    internal void Connect(ISubchannelEvents events)
    {
        _events = events;
        if (_lost != 0)
            Tell();
    }

    /// <summary>It was unplugged. Under the owner's gate.</summary>
    internal void Close() => _closed = true;

    /// <summary>Reads a whole region as <see cref="VfioDevice.Read"/> does; -ENODEV when the device's files were closed meanwhile.</summary>
    internal int Read(RegionIndex region, Span<byte> bytes)
    {
        try
        {
            return device.Read(region, bytes);
        }
        catch (ObjectDisposedException)
        {
            return -(int)Errno.ENODEV;
        }
    }

    /// <summary>Asks the kernel whether the device is gone, because of a result that may mean that.</summary>
    internal bool IsGone(int result)
    {
        if (!device.Has(RegionIndex.Schib))
            return result == -(int)Errno.EIO || (KernelErrors.IsGone(result) && result != -(int)Errno.ENODEV);
        Span<byte> bytes = stackalloc byte[RegionLayout.SchibSize];
        return KernelErrors.IsGone(Read(RegionIndex.Schib, bytes));
    }

    /// <summary>The device is lost, if a result says so.</summary>
    internal void LoseIfGone(int result)
    {
        if (KernelErrors.IsGone(result))
            Lose();
    }

    /// <summary>The device is lost.</summary>
    internal void Lose()
    {
        if (Interlocked.Exchange(ref _lost, 1) != 0 || _closed)
            return;
        BackendLog.Gone(logger, id, device.Target.Path);
        if (_events is not null)
            Tell();
    }

    /// <summary>
    /// Takes the result of a map's end. Where the kernel does not let memory go, closing its files makes it: nothing of ours may stay mapped there
    /// when the memory is no more. Under the owner's gate.
    /// </summary>
    internal void LetGo(int result)
    {
        if (result >= 0)
            return;
        BackendLog.Holds(logger, id, Problem.Of(result));
        Lose();
        _closed = true;
        device.Dispose();
    }

    private void Tell() => ThreadPool.UnsafeQueueUserWorkItem(static self => self._events!.Vanished(), this, preferLocal: false);
}
