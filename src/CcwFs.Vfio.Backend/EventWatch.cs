using CcwFs.Linux;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>Who is told what comes from a device. Called on the thread of its <see cref="EventWatch"/>, without locks.</summary>
internal interface IEventTaker
{
    /// <summary>An interrupt was signalled.</summary>
    void Take(DeviceInterrupt interrupt);

    /// <summary>It is time to look after the device: <see cref="EventWatch.LookInterval"/> has passed.</summary>
    void Look();

    /// <summary>The watch has ended by itself: poll(2) gave this negative errno, or there was a defect, and then it is 0.</summary>
    void Fail(int error, Exception? defect);
}

/// <summary>
/// Waits for the eventfds that the kernel signals for a device, on a thread of its own. Owns the eventfds: one that ends the thread, and one for each
/// interrupt that the kernel has. It has no lock: the eventfds stay the same from the constructor to the end of the thread.
/// </summary>
internal sealed class EventWatch : IDisposable
{
    /// <summary>How often a device is looked after (arbitrary): whether it is still there, and whether a person's patience is over.</summary>
    internal static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2); // of an end, for the thread (arbitrary)

    private readonly VfioDevice _device;
    private readonly List<FileDescriptor> _eventFds = []; // the end's, that of io, and others that are there
    private readonly List<DeviceInterrupt> _interrupts = []; // of the eventfds after the first
    private Thread? _thread; // null until Start
    private volatile bool _ending;

    /// <summary>Has the kernel signal what <paramref name="device"/>, which stays the caller's, has.</summary>
    /// <exception cref="VfioException">There are no eventfds to be had, or the kernel does not take one.</exception>
    internal EventWatch(VfioDevice device)
    {
        _device = device;
        try
        {
            Add();
            foreach (DeviceInterrupt interrupt in Enum.GetValues<DeviceInterrupt>())
            {
                bool isThere = device.HasInterrupt(interrupt) && (interrupt != DeviceInterrupt.Crw || device.Has(RegionIndex.Crw));
                if (isThere || interrupt == DeviceInterrupt.Io) // every device has that: one that says now that it has not fails below
                    Add(interrupt);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Begins to tell what comes.</summary>
    internal void Start(IEventTaker taker, string name)
    {
        _thread = new Thread(() => Run(taker)) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>
    /// Waits for an interrupt of io and takes it, before <see cref="Start"/>: 1. 0: none has come until then; or the negative errno that made it
    /// impossible to wait.
    /// </summary>
    /// <param name="until">When to give up, in milliseconds (<see cref="Environment.TickCount64"/>).</param>
    internal int AwaitIo(long until)
    {
        FileDescriptor[] io = [_eventFds[1]];
        short[] ready = new short[1];
        Span<byte> count = stackalloc byte[sizeof(ulong)];
        while (until - Environment.TickCount64 is var left && left > 0)
        {
            int result = _device.System.Poll(io, ready, (int)left);
            if (result > 0)
                result = _device.System.Read(io[0], count);
            if (result > 0)
                return 1;
            if (result < 0 && result is not (-(int)Errno.EINTR or -(int)Errno.EAGAIN))
                return result;
        }
        return 0;
    }

    /// <summary>
    /// Ends the thread and waits for it, on another one. A kernel that does not answer keeps the thread and the eventfds, and these alone.
    /// </summary>
    public void Dispose()
    {
        _ending = true;
        if (_eventFds.Count > 0 && !_eventFds[0].IsClosed)
            _device.System.Signal(_eventFds[0]);
        if (_thread is null || _thread.Join(s_patience))
            _eventFds.ForEach(eventFd => eventFd.Dispose());
    }

    private void Add()
    {
        VfioException.Check(_device.System.EventFd(out FileDescriptor created), "no eventfd");
        _eventFds.Add(created);
    }

    private void Add(DeviceInterrupt interrupt)
    {
        Add();
        _interrupts.Add(interrupt);
        VfioException.Check(_device.SetEvent(interrupt, _eventFds[^1]), $"{_device.Target.Path}: its {interrupt} interrupt");
    }

    private void Run(IEventTaker taker)
    {
        try
        {
            int result = Watch(taker);
            if (result < 0)
                taker.Fail(result, null);
        }
        catch (Exception defect)
        {
            if (!_ending) // else what it meets has been closed
                taker.Fail(0, defect);
        }
    }

    /// <summary>0 at the end, or the negative errno that made it impossible to go on.</summary>
    private int Watch(IEventTaker taker)
    {
        FileDescriptor[] watched = [.. _eventFds];
        short[] ready = new short[watched.Length];
        Span<byte> count = stackalloc byte[sizeof(ulong)];
        long look = Environment.TickCount64 + (long)LookInterval.TotalMilliseconds;
        while (!_ending)
        {
            int result = _device.System.Poll(watched, ready, (int)LookInterval.TotalMilliseconds);
            if (result < 0 && result != -(int)Errno.EINTR)
                return result;
            if (Environment.TickCount64 is var now && now >= look)
            {
                taker.Look();
                look = now + (long)LookInterval.TotalMilliseconds;
            }
            for (int i = 0; i < watched.Length && result > 0 && !_ending; i++)
            {
                if (ready[i] != 0 && _device.System.Read(watched[i], count) > 0 && i > 0)
                    taker.Take(_interrupts[i - 1]);
            }
        }
        return 0;
    }
}
