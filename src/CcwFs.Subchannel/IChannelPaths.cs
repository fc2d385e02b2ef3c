namespace CcwFs.Subchannel;

/// <summary>Channel paths that can be taken away and brought back: those of emulated devices. A real path is the host's to vary.</summary>
public interface IChannelPaths
{
    /// <summary>Takes a channel path away or brings it back. False: the subchannel has no such path.</summary>
    bool SetPath(byte chpid, bool available);
}
