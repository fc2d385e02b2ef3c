using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>The interrupts of a vfio-ccw device, in the order of their VFIO indices (linux/vfio.h, VFIO_CCW_*_IRQ_INDEX).</summary>
public enum DeviceInterrupt
{
    /// <summary>An IRB became visible.</summary>
    Io,

    /// <summary>A channel report waits.</summary>
    Crw,

    /// <summary>The device should be given back.</summary>
    Request,
}

/// <summary>Who has taken a device for itself: a VFIO client.</summary>
public interface IDeviceClient
{
    /// <summary>
    /// An interrupt is raised. Called from any thread, the hot path of every program among them, and possibly after the device was given back: it must not
    /// wait and not call the device.
    /// </summary>
    void Signal(DeviceInterrupt interrupt);

    /// <summary>
    /// Who runs the guest's code: "kvm", the processor itself; an emulator whose translations are dropped where its "plugin" has marked some, or for "all" pages that
    /// are written; or "unknown".
    /// </summary>
    string GuestCode { get; }
}

/// <content>
/// A client that takes the device: its programs run in its own address space, its signals go to it alone, and the region files of others neither
/// start anything nor take what is the client's.
/// </content>
public sealed partial class VfioCcwDevice
{
    private static readonly AddressSpace s_nothing = new(new IovaMap(), Errno.ENOENT); // a client that has attached none

    private volatile IDeviceClient? _client; // changed under _gate
    private volatile AddressSpace? _clientSpace; // changed under _gate; null while no client has the device
    private Timer? _removal;                 // guarded by _gate: asks the client again and again
    private Action? _returned;               // guarded by _gate: what to do when the client has let go

    /// <summary>How often a client is asked to give a removed device back (the kernel's vfio_unregister_group_dev: HZ * 10).</summary>
    public static readonly TimeSpan RequestInterval = TimeSpan.FromSeconds(10);

    /// <summary>Who runs the code of the client's guest (<see cref="IDeviceClient.GuestCode"/>); null: no client has the device.</summary>
    public string? GuestCode => _client?.GuestCode;

    /// <summary>A VFIO client has the device.</summary>
    public bool IsTaken => _client is not null;

    /// <summary>A write's result when it may have to wait for the client's memory: nothing was done, it is to be made again by a thread of the client's own.</summary>
    public const int MustWait = int.MinValue;

    /// <summary>
    /// Gives the device to <paramref name="client"/>: EINVAL when another one has it (the kernel's vfio_df_open), EBUSY while a program of a file user or
    /// of a private run is pending, ENODEV when it is gone or leaves.
    /// </summary>
    public Errno Take(IDeviceClient client)
    {
        lock (_gate)
        {
            if (_state == DeviceState.NotOperational || _returned is not null)
                return Errno.ENODEV;
            if (_client is not null)
                return Errno.EINVAL;
            if (_state != DeviceState.Idle)
                return Errno.EBUSY;
            _irbs.Clear(); // interrupts of earlier users are none of the client's
            (_client, _clientSpace) = (client, s_nothing);
            EnterSpace(s_nothing);
            return 0;
        }
    }

    /// <summary>
    /// The client lets go, or is dead: as a system reset its program ends, and what the device kept for it; on return none of its memory is touched any more, and the device is idle and free.
    /// Without effect for anybody else. Waits for a data transfer under way: on a thread that may wait for that client's memory.
    /// </summary>
    public void GiveBack(IDeviceClient client)
    {
        Action? returned;
        lock (_gate)
        {
            if (_client != client)
                return;
            if (_state != DeviceState.NotOperational)
                ResetProgram(system: true);
            _clientSpace!.Map.RemoveOwner(this);
            (_client, _clientSpace) = (null, null);
            EnterSpace(_space);
            _irbs.Clear();
            _removal?.Dispose();
            (returned, _returned, _removal) = (_returned, null, null);
        }
        returned?.Invoke();
    }

    /// <summary>
    /// The address space of the client's programs from now on; null: none. A program that runs in the old one is ended, as the kernel does with pinned
    /// pages. False: the client does not have the device.
    /// </summary>
    public bool Attach(IDeviceClient client, AddressSpace? space)
    {
        lock (_gate)
        {
            if (_client != client)
                return false;
            space ??= s_nothing;
            if (space == _clientSpace)
                return true;
            if (_state is DeviceState.Pending or DeviceState.Processing)
                ResetProgram(system: false);
            if (_client != client)
                return false; // it was given back while the gate was left
            _clientSpace!.Map.RemoveOwner(this);
            _clientSpace = space;
            EnterSpace(space);
            if (space != s_nothing)
                space.Map.AddOwner(this);
            return true;
        }
    }

    /// <summary>
    /// Asks the client to give the device back, at once and every <see cref="RequestInterval"/>; it works until then. <paramref name="returned"/> is
    /// called once when it was given back, never from inside this call. False: no client has it, nothing is done.
    /// </summary>
    public bool RequestReturn(Action returned)
    {
        lock (_gate)
        {
            if (_client is null || _returned is not null)
                return false;
            _returned = returned;
            _removal = new Timer(_ => Raise(DeviceInterrupt.Request), null, TimeSpan.Zero, RequestInterval);
        }
        CloseLines();
        return true;
    }

    /// <summary>As <see cref="ReadRegion(RegionIndex, int, Span{byte})"/>, for the client; <paramref name="order"/> as <see cref="Permute"/>.</summary>
    public int ReadRegion(IDeviceClient client, RegionIndex region, int position, Span<byte> destination, ReadOnlySpan<byte> order) =>
        _client == client ? Read(region, position, destination, order, mayTake: true) : -(int)Errno.EINVAL;

    /// <summary>
    /// As <see cref="WriteRegion(RegionIndex, int, ReadOnlySpan{byte})"/>, for the client. Only with <paramref name="mayWait"/> it waits for the
    /// client's memory; else it is <see cref="MustWait"/> where it would.
    /// </summary>
    public int WriteRegion(
        IDeviceClient client, RegionIndex region, int position, ReadOnlySpan<byte> source, ReadOnlySpan<byte> order, bool mayWait) =>
        Write(client, region, position, source, order, mayWait);

    /// <summary>VFIO_DEVICE_RESET by the client; EINVAL for anybody else.</summary>
    public Errno Reset(IDeviceClient client) => _client == client ? Reset() : Errno.EINVAL;

    /// <summary>
    /// Where byte <paramref name="at"/> of an access lies in the region: the table of the region where there is one (a permutation that is its own inverse),
    /// the place itself for an empty one.
    /// </summary>
    private static int Permute(ReadOnlySpan<byte> order, int at) => order.IsEmpty ? at : order[at];

    private void Raise(DeviceInterrupt interrupt) => Raise(interrupt, _client);

    /// <summary>Without the gate; <paramref name="client"/>: who had the device when there was something to signal, for the next one is not to hear of it.</summary>
    private void Raise(DeviceInterrupt interrupt, IDeviceClient? client)
    {
        client?.Signal(interrupt);
        if (client is null || interrupt == DeviceInterrupt.Request)
            Line(interrupt).Signal();
    }

    /// <summary>Where an interrupt signals while no client has the device.</summary>
    public InterruptLine Line(DeviceInterrupt interrupt) => interrupt switch
    {
        DeviceInterrupt.Io => IoInterrupt,
        DeviceInterrupt.Crw => CrwInterrupt,
        DeviceInterrupt.Request => RequestInterrupt,
        _ => throw new ArgumentOutOfRangeException(nameof(interrupt)),
    };

    private void CloseLines()
    {
        IoInterrupt.Close();
        CrwInterrupt.Close();
        RequestInterrupt.Close();
    }
}
