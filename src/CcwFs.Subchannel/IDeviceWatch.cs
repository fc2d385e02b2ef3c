using CcwFs.ChannelIo;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>
/// Who is told of what happens to a device without passing through its subchannel: the uppermost layer, where it wants to. The calls come under the
/// device's locks, where they do not say otherwise, so they are short and call nothing of it. A layer that watches hands them on to the one below it.
/// </summary>
public interface IDeviceWatch
{
    /// <summary>A START that could not be translated, and how it was answered.</summary>
    void NotTranslated(in Orb orb, Errno errno, string why)
    {
    }

    /// <summary>A VFIO client has taken the device.</summary>
    void ClientTook()
    {
    }

    /// <summary>The client has given it back, or is dead.</summary>
    void ClientGaveBack()
    {
    }

    /// <summary>Memory was mapped into the programs' address space, or a space with it was attached. Without locks.</summary>
    void Mapped(ulong iova, ulong length)
    {
    }

    /// <summary>Memory of the programs' address space was unmapped.</summary>
    void Unmapped(ulong iova, ulong length)
    {
    }

    /// <summary>An interrupt is being signalled: to the client's eventfd, or to the readers of the interrupt's file. Without locks.</summary>
    void InterruptGiven(DeviceInterrupt interrupt)
    {
    }

    /// <summary>The IRB, or the channel report, that an interrupt was for was read.</summary>
    void InterruptTaken(DeviceInterrupt interrupt)
    {
    }
}
