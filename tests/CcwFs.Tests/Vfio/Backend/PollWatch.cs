using CcwFs.Linux;
using CcwFs.Tests.Subchannel;

namespace CcwFs.Tests.Vfio.Backend;

/// <summary>Knows when the thread that polls has nothing left to do.</summary>
internal sealed class PollWatch
{
    private readonly List<FileDescriptor> _events = []; // guarded by itself
    private volatile bool _idle;

    public FileDescriptor NewEvent()
    {
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: true, out FileDescriptor created));
        lock (_events)
            _events.Add(created);
        return created;
    }

    public int Poll(ReadOnlySpan<FileDescriptor> files, Span<short> ready, int timeoutMilliseconds)
    {
        int result = Descriptors.Poll(files, Descriptors.PollIn, ready, 0);
        if (result != 0)
            return result;
        _idle = true;
        result = Descriptors.Poll(files, Descriptors.PollIn, ready, timeoutMilliseconds);
        _idle = false;
        return result;
    }

    /// <summary>Everything that was signalled has been taken: the thread waits, and no eventfd has a count.</summary>
    public void Settle() => Assert.True(SpinWait.SpinUntil(IsQuiet, Machine.Patience), "the backend's thread does not come to rest");

    private bool IsQuiet()
    {
        if (!_idle)
            return false;
        lock (_events)
        {
            foreach (FileDescriptor eventFd in _events)
            {
                if (!eventFd.IsClosed && Descriptors.Poll(eventFd, Descriptors.PollIn, 0) != 0)
                    return false;
            }
        }
        return _idle;
    }
}
