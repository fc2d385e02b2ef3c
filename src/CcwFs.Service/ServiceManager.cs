using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using CcwFs.ChannelIo.Text;

namespace CcwFs.Service;

/// <summary>
/// What the service manager is told: sd_notify(3), one datagram a message to $NOTIFY_SOCKET; "@" begins an abstract name. Without that variable
/// nothing is said. A manager that does not listen is no reason to stop.
/// </summary>
internal sealed class ServiceManager : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _manager;

    /// <summary>Finds the manager in the environment.</summary>
    internal ServiceManager()
        : this(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"))
    {
    }

    /// <summary>A manager at an address as $NOTIFY_SOCKET has it; null: none.</summary>
    internal ServiceManager(string? address)
    {
        if (address is not ['/' or '@', _, ..])
            return;
        try
        {
            _manager = new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address);
            _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            // Too long an address: nobody can listen there.
        }
    }

    public void Dispose() => _socket?.Dispose();

    /// <summary>Up, or done with a reload.</summary>
    internal void Ready(string status) => Send($"READY=1\nSTATUS={VisibleText.Of(status)}");

    /// <summary>A reload begins. The time of the monotonic clock tells the manager that it follows its signal.</summary>
    internal void Reloading() =>
        Send(string.Create(CultureInfo.InvariantCulture,
        $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond}"));

    /// <summary>On the way out.</summary>
    internal void Stopping() => Send("STOPPING=1\nSTATUS=unmounting");

    private void Send(string message)
    {
        try
        {
            _socket?.SendTo(Encoding.UTF8.GetBytes(message), _manager!);
        }
        catch (SocketException)
        {
            // It is gone.
        }
    }
}
