using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// Who has a device, if anybody has: a VFIO client, in whose address space its programs run, and what was asked of it. All members under the device's
/// gate, but <see cref="Client"/>, which may be read without. <paramref name="watch"/> is told who comes and goes.
/// </summary>
internal sealed class ClientLease(IDeviceWatch? watch)
{
    /// <summary>The space of a client that has attached none.</summary>
    internal static readonly AddressSpace Nothing = new(new IovaMap(), Errno.ENOENT);

    private volatile IDeviceClient? _client;
    private Timer? _removal;   // asks the client again and again
    private Action? _returned; // what to do when the client has let go

    /// <summary>Who is told what happens to the device; null: nobody.</summary>
    internal IDeviceWatch? Watch => watch;

    /// <summary>The client; null: nobody has the device.</summary>
    internal IDeviceClient? Client => _client;

    /// <summary>The address space of its programs; null while nobody has the device.</summary>
    internal AddressSpace? Space { get; private set; }

    /// <summary>The device is to be given back: no other client gets it.</summary>
    internal bool IsEnding => _returned is not null;

    /// <summary>A client takes the device.</summary>
    internal void Begin(IDeviceClient client)
    {
        (_client, Space) = (client, Nothing);
        watch?.ClientTook();
    }

    /// <summary>The client has attached another address space, with what is mapped in it.</summary>
    internal void Attach(AddressSpace space)
    {
        Space = space;
        foreach (Mapping mapping in watch is null ? [] : space.Map.Snapshot())
            watch!.Mapped(mapping.Start, mapping.Last - mapping.Start + 1);
    }

    /// <summary>
    /// The client is to be asked by <paramref name="ask"/>, now and then, until it lets go; then <paramref name="returned"/> is called.
    /// </summary>
    internal void AskBack(TimerCallback ask, TimeSpan interval, Action returned) =>
        (_returned, _removal) = (returned, new Timer(ask, null, TimeSpan.Zero, interval));

    /// <summary>The client has let go. Gives what is to be done now, without the gate.</summary>
    internal Action? End()
    {
        Action? returned = _returned;
        Dispose();
        (_client, Space, _returned, _removal) = (null, null, null, null);
        watch?.ClientGaveBack();
        return returned;
    }

    /// <summary>Asks nobody any more.</summary>
    internal void Dispose() => _removal?.Dispose();
}
