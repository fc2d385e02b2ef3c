using System.Text;
using CcwFs.ChannelIo;

namespace CcwFs.Subchannel;

/// <summary>The uuid that a subchannel's mediated device has: one per subchannel, the same on this machine for ever.</summary>
public static class SubchannelUuid
{
    private const string MachineIdFile = "/etc/machine-id";

    private static readonly string s_machine = File.Exists(MachineIdFile) ? File.ReadAllText(MachineIdFile).Trim() : Environment.MachineName;

    /// <summary>The uuid in lower case, 36 characters (RFC 9562, version 8, variant 10).</summary>
    public static string Of(SubchannelId id) => Of(id, s_machine);

    /// <summary>That of a subchannel of another machine: the first half of a SHA-256.</summary>
    public static string Of(SubchannelId id, string machine)
    {
        byte[] hash = Sha256.Of(Encoding.UTF8.GetBytes($"ccwfs {machine} {id}"));
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true).ToString();
    }
}
