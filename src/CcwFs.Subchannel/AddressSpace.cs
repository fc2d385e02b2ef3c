using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Subchannel;

/// <summary>A guest address space as a device sees it.</summary>
/// <param name="Map">The mappings.</param>
/// <param name="Unmapped">The errno for an address without mapping: EINVAL (type1, the region files) or ENOENT (iommufd).</param>
public sealed record AddressSpace(IovaMap Map, Errno Unmapped = Errno.EINVAL);
