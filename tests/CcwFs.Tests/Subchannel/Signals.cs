using CcwFs.Subchannel;

namespace CcwFs.Tests.Subchannel;

/// <summary>The interrupt lines of a device, for somebody who waits.</summary>
internal sealed class Signals : IDisposable
{
    private readonly ManualResetEventSlim _changed = new();

    public Signals(VfioCcwDevice device)
    {
        device.IoInterrupt.Changed += _changed.Set;
        device.CrwInterrupt.Changed += _changed.Set;
        device.RequestInterrupt.Changed += _changed.Set;
    }

    /// <summary>Waits for a signal and takes it.</summary>
    public ulong Await(InterruptLine line)
    {
        long deadline = Environment.TickCount64 + (long)Machine.Patience.TotalMilliseconds;
        while (true)
        {
            _changed.Reset();
            if (line.TryTake(out ulong count))
                return count;
            Assert.True(_changed.Wait((int)Math.Max(0, deadline - Environment.TickCount64)), "no signal");
        }
    }

    /// <summary>When the device is gone: nothing signals any more.</summary>
    public void Dispose() => _changed.Dispose();
}
