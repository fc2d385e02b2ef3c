using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// The channel paths of a subchannel, 1 to 8. In a mask of paths 80 is the first one. Under the subchannel's gate, but for <see cref="Available"/>.
/// </summary>
internal sealed class SubchannelPaths
{
    private readonly byte[] _chpids;
    private byte _available; // PAM

    /// <summary>Paths with these CHPIDs, all available.</summary>
    internal SubchannelPaths(ReadOnlySpan<byte> chpids)
    {
        ArgumentOutOfRangeException.ThrowIfZero(chpids.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chpids.Length, 8);
        _chpids = chpids.ToArray();
        _available = Installed;
    }

    /// <summary>Mask of those that are available.</summary>
    internal byte Available => Volatile.Read(ref _available);

    /// <summary>The path used last, as a mask.</summary>
    internal byte Last { get; set; }

    private byte Installed => (byte)(0xFF00 >> _chpids.Length);

    /// <summary>Which path it is; negative: none.</summary>
    internal int IndexOf(byte chpid) => Array.IndexOf(_chpids, chpid);

    /// <summary>A path comes or goes. False: it is so already.</summary>
    internal bool Set(int index, bool available)
    {
        byte mask = Mask(index);
        if ((_available & mask) != 0 == available)
            return false;
        _available = (byte)(available ? _available | mask : _available & ~mask);
        return true;
    }

    /// <summary>A path as a mask.</summary>
    internal static byte Mask(int index) => (byte)(0x80 >> index);

    /// <summary>The path-management-control word.</summary>
    internal Pmcw Pmcw(uint interruptionParameter, ushort deviceNumber)
    {
        ulong paths = 0;
        for (int i = 0; i < _chpids.Length; i++)
            paths |= (ulong)_chpids[i] << (56 - (8 * i));
        return new Pmcw(
            interruptionParameter, ChannelIo.Pmcw.Enabled | ChannelIo.Pmcw.DeviceNumberValid, deviceNumber,
            Lpm: Installed, Pnom: 0, Last, Pim: Installed, Pom: 0xFF, Pam: _available, paths);
    }
}
