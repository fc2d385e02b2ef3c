using System.Net.Sockets;
using System.Text;

namespace CcwFs.SystemTests;

/// <summary>A service manager's end of sd_notify(3): a datagram socket at a path or an abstract name.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
    {
        ReceiveTimeout = (int)Child.Patience.TotalMilliseconds,
    };

    /// <param name="address">As $NOTIFY_SOCKET has it: "@" begins an abstract name.</param>
    internal NotifySocket(string address)
    {
        Environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address };
        _socket.Bind(new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
    }

    /// <summary>What the service needs to find it.</summary>
    internal Dictionary<string, string> Environment { get; }

    public void Dispose() => _socket.Dispose();

    /// <summary>The next message, its lines by their names.</summary>
    internal Dictionary<string, string> Next()
    {
        var buffer = new byte[4096];
        int length = _socket.Receive(buffer);
        return Encoding.UTF8.GetString(buffer, 0, length).Split('\n').Select(line => line.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
    }

    /// <summary>The next message, which must be this one; gives its status line.</summary>
    internal string Expect(string line)
    {
        Dictionary<string, string> message = Next();
        string[] pair = line.Split('=');
        Assert.Equal(pair[1], message.GetValueOrDefault(pair[0]));
        return message.GetValueOrDefault("STATUS", "");
    }
}
