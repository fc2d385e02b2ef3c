using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Vfio;

/// <summary>A device's view of an address space.</summary>
internal sealed class IommuSpaceProbe : IPinOwner
{
    private readonly AddressSpace _space;

    internal IommuSpaceProbe(IommuClient iommu, uint ioas)
    {
        Assert.Equal(0, iommu.Attach(ioas, out AddressSpace? space));
        _space = space!;
        _space.Map.AddOwner(this);
    }

    internal AddressSpace Space => _space;

    internal List<(ulong Iova, ulong Length)> Told { get; } = [];

    /// <summary>What a device does before the memory may go.</summary>
    internal Action WhenUnmapped { get; set; } = () => { };

    public void Unmapped(IovaMap map, ulong iova, ulong length)
    {
        WhenUnmapped();
        Told.Add((iova, length));
    }

    /// <summary>Reads as a channel program does; null when the memory is gone.</summary>
    internal byte[]? Read(ulong iova, int count)
    {
        byte[] bytes = new byte[count];
        MemoryFault fault = IovaMap.Read(_space.Map.Snapshot(), iova, bytes);
        Assert.True(fault is MemoryFault.None or MemoryFault.Gone, fault.ToString());
        return fault == MemoryFault.None ? bytes : null;
    }

    /// <summary>Writes; false when the memory is gone.</summary>
    internal bool Write(ulong iova, params byte[] bytes)
    {
        Mapping[] mappings = _space.Map.Snapshot();
        Mapping mapping = mappings[IovaMap.Find(mappings, iova, 0)];
        return mapping.Store.Write(mapping.Offset + (long)(iova - mapping.Start), bytes);
    }
}
