using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>What a real subchannel is besides its device.</summary>
/// <param name="Id">Bus id here.</param>
/// <param name="Device">The device's bus id here.</param>
/// <param name="Timeout">How long to wait for an interrupt before the device is reset; null: for ever.</param>
public sealed record VfioOptions(SubchannelId Id, DeviceId Device, TimeSpan? Timeout = null);

/// <summary>
/// A subchannel over a vfio-ccw device of the kernel, which it owns. The translated program goes into memory that the kernel has mapped and is
/// started through the device's io region; a thread of its own waits for the device's eventfds. Thread-safe. Lock order: the caller's gate, then
/// ours; events leave without ours.
/// </summary>
public sealed partial class VfioSubchannel : ISubchannel, IMemoryBound
{
    private readonly Lock _gate = new();
    private readonly VfioDevice _device;
    private readonly VfioOptions _options;
    private readonly ILogger _logger;
    private readonly ILogger _refusals, _programs, _timeouts; // each kind that a program can cause as often as it is started has a limit of its own
    private readonly List<LogLimit> _limits = [];
    private readonly ProgramArena _arena = new();
    private readonly DmaMaps _maps;
    private readonly ReadData _read = new(); // serialized by _gate, but for its thread
    private readonly Queue<Irb> _pending = new(); // guarded by _gate: read, and not yet taken
    private ISubchannelEvents? _events; // null until Connect
    private FunctionControl _expects;  // guarded by _gate: functions that the kernel took and has not ended
    private long? _waitsSince;         // guarded by _gate: the last sign of life of what is expected, in milliseconds; null: nothing is to come
    private Orb _orb;                  // guarded by _gate: of the last start
    private volatile bool _closed;     // changed under _gate: unplugged, or given up
    private bool _joinsBlocks;         // guarded by _gate: the kernel takes no 2K blocks, and 4K blocks made of them
    private bool _saidSmallBlocks;     // guarded by _gate
    private int _vanished;             // 1: said so

    /// <summary>Takes over <paramref name="device"/>, on failure too.</summary>
    /// <exception cref="VfioException">The kernel does not map the arena, or gives no interrupts.</exception>
    public VfioSubchannel(VfioDevice device, VfioOptions options, ILogger logger)
    {
        (_device, _options, _logger, _maps) = (device, options, logger, new DmaMaps(device.Space));
        Identity = new SubchannelIdentity(
            options.Id, options.Device, Backend: "vfio", FetchesByItself: false, DeviceType: "", ControlUnitType: "", Families.Basic);
        _refusals = Limited("what the kernel refuses");
        _programs = Limited("programs that the kernel does not take");
        _timeouts = Limited("interrupts that did not come");
        try
        {
            VfioException.Check(
                device.Space.Map(HostArena.Base, _arena.Address, HostArena.Window), $"{device.Space.Name} does not map memory of ccwfs",
                    "if it may lock too little memory, raise ulimit -l");
            _wake = NewEvent(null);
            _io = NewEvent(DeviceInterrupt.Io);
            _crw = NewEvent(DeviceInterrupt.Crw);
            _request = NewEvent(DeviceInterrupt.Request);
        }
        catch
        {
            EndEvents();
            device.Dispose();
            _arena.Dispose();
            throw;
        }
    }

    private LimitedLogger Limited(string what)
    {
        _limits.Add(new LogLimit(TimeProvider.System, count => BackendLog.LeftOut(_logger, Id, count, what)));
        return new LimitedLogger(_logger, _limits[^1]);
    }

    /// <inheritdoc/>
    public SubchannelIdentity Identity { get; private set; }

    /// <inheritdoc/>
    public IMemoryBound? Memory => this;

    /// <inheritdoc/>
    public IChannelPaths? Paths => null;

    /// <inheritdoc/>
    public bool NeedsAddresses => true;

    private SubchannelId Id => _options.Id;

    /// <inheritdoc/>
    public void Connect(ISubchannelEvents events)
    {
        _events = events;
        if (_vanished != 0)
            SayVanished(); // nobody was there to hear it
        StartThread();
    }

    /// <inheritdoc/>
    /// <remarks>The kernel's schib region; where it has none, what is known: one path, and whether a program runs.</remarks>
    public bool Store(out Schib schib)
    {
        schib = default;
        if (_closed)
            return false;
        if (!_device.Has(RegionIndex.Schib))
        {
            const byte OnePath = 0x80;
            var pmcw =
                new Pmcw(0, Pmcw.Enabled | Pmcw.DeviceNumberValid, _options.Device.Number, Lpm: OnePath, Pnom: 0, Lpum: 0, Pim: OnePath, Pom: 0xFF,
                Pam: OnePath, 0);
            lock (_gate)
                schib = new Schib(pmcw, _expects == 0 ? default
                    : Scsw.Build(0, _expects, ActivityControl.SubchannelActive, StatusControl.None, 0, 0, 0, 0));
            return true;
        }
        Span<byte> bytes = stackalloc byte[RegionLayout.SchibSize];
        int result = ReadRegion(RegionIndex.Schib, bytes);
        if (KernelErrors.IsGone(result))
            Lose();
        if (result < 0)
            return false;
        schib = Schib.Read(bytes);
        return true;
    }

    /// <inheritdoc/>
    public bool Test(out Irb irb)
    {
        lock (_gate)
            return _pending.TryDequeue(out irb);
    }

    /// <inheritdoc/>
    /// <remarks>VFIO_DEVICE_RESET, always a system reset.</remarks>
    public bool Reset(bool system)
    {
        lock (_gate)
        {
            (_expects, _waitsSince) = (FunctionControl.None, null);
            _pending.Clear();
            _read.End();
            if (_closed)
                return false;
            int result = _device.Reset();
            if (result < 0)
                Lose();
            ForgetStatus();
            return result >= 0;
        }
    }

    /// <inheritdoc/>
    public void Unmapped(ulong iova, ulong length)
    {
        lock (_gate)
        {
            if (!_closed)
                LetGo(_maps.Unmapped(iova, length));
        }
    }

    /// <inheritdoc/>
    public void LeaveSpace()
    {
        lock (_gate)
        {
            if (!_closed)
                LetGo(_maps.Clear());
        }
    }

    /// <inheritdoc/>
    public void Unplug()
    {
        lock (_gate)
        {
            if (_closed)
                return;
            (_expects, _waitsSince) = (FunctionControl.None, null);
            _pending.Clear();
            _read.End();
            _device.Reset();
            LetGo(_maps.Clear());
            if (!_closed)
                LetGo(_maps.Unmap(HostArena.Base, HostArena.Window));
            _closed = true;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Describe()
    {
        yield return new("kernel device", _device.Target.Uuid is { } uuid ? $"{uuid} of {_device.Target.Path}" : _device.Target.Path);
        yield return new("kernel iommu", _device.Space.Name);
        yield return new("kernel lacks", Lacks());
        yield return new("timeout", _options.Timeout is { } timeout ? $"{timeout.TotalSeconds} s" : "none");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unplug();
        EndEvents();
        _device.Dispose();
        _arena.Dispose();
        foreach (LogLimit limit in _limits)
            limit.Dispose();
    }

    private string Lacks()
    {
        List<string> missing = [];
        if (!_device.Has(RegionIndex.Cmd))
            missing.Add("cmd (halt and clear are not supported)");
        if (!_device.Has(RegionIndex.Schib))
            missing.Add("schib (paths and activity are not known)");
        if (!_device.Has(RegionIndex.Crw))
            missing.Add("crw (channel reports do not come)");
        return missing.Count == 0 ? "nothing" : string.Join(", ", missing);
    }

    /// <summary>What the kernel still shows belongs to what was reset: it is no news any more. Under the gate.</summary>
    private void ForgetStatus()
    {
        Irb shown = default;
        if (_device.ReadIrb(shown) >= 0)
            _last = shown;
    }

    private int ReadRegion(RegionIndex region, Span<byte> bytes)
    {
        try
        {
            return _device.Read(region, bytes);
        }
        catch (ObjectDisposedException)
        {
            return -(int)Errno.ENODEV;
        }
    }

    /// <summary>Asks the kernel whether the device is there, because of a result that may mean that it is not.</summary>
    private bool IsGone(int result)
    {
        if (!_device.Has(RegionIndex.Schib))
            return result == -(int)Errno.EIO || (KernelErrors.IsGone(result) && result != -(int)Errno.ENODEV);
        Span<byte> bytes = stackalloc byte[RegionLayout.SchibSize];
        return KernelErrors.IsGone(ReadRegion(RegionIndex.Schib, bytes));
    }

    private void LoseIfGone(int result)
    {
        if (KernelErrors.IsGone(result))
            Lose();
    }

    /// <summary>The device is no more. Said once, on a thread that holds nothing.</summary>
    private void Lose()
    {
        if (Interlocked.Exchange(ref _vanished, 1) != 0 || _closed)
            return;
        BackendLog.Gone(_logger, Id, _device.Target.Path);
        if (_events is not null)
            SayVanished();
    }

    private void SayVanished() => ThreadPool.UnsafeQueueUserWorkItem(static self => self._events!.Vanished(), this, preferLocal: false);

    /// <summary>
    /// Where the kernel does not let memory go, closing its files makes it: nothing of ours may stay mapped there when the memory is no more. Under
    /// the gate.
    /// </summary>
    private void LetGo(int result)
    {
        if (result >= 0)
            return;
        BackendLog.Holds(_logger, Id, Problem.Of(result));
        Lose();
        _closed = true;
        _device.Dispose();
    }
}
