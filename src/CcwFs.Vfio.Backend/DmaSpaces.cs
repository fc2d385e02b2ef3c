using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Linux;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// The kernel's address space of one device: which memory of this process the device finds under which address. Owns its descriptors.
/// </summary>
internal interface IDmaSpace : IDisposable
{
    /// <summary>What it is, for people.</summary>
    string Name { get; }

    /// <summary>Maps memory of this process for reading and writing; all three are multiples of the page size. 0 or a negative errno.</summary>
    int Map(ulong iova, ulong address, ulong length);

    /// <summary>Unmaps what was mapped as one. 0 or a negative errno.</summary>
    int Unmap(ulong iova, ulong length);
}

/// <summary>An address space (IOAS) of an iommufd, /dev/iommu (Linux 6.6 on).</summary>
internal sealed class IommufdSpace(ISystemCalls system, FileDescriptor iommu, string path) : IDmaSpace
{
    /// <inheritdoc/>
    public string Name => path;

    /// <summary>The iommufd, for binding devices.</summary>
    internal int Number => iommu.Number;

    /// <summary>The IOAS.</summary>
    internal uint Id { get; private set; }

    /// <summary>IOMMU_IOAS_ALLOC.</summary>
    internal int Allocate()
    {
        IommuIoasAlloc structure = new() { Size = (uint)Unsafe.SizeOf<IommuIoasAlloc>() };
        int result = system.Control(iommu, (uint)IommufdIoctl.IoasAlloc, Bytes(ref structure));
        Id = structure.OutIoasId;
        return result;
    }

    /// <inheritdoc/>
    public int Map(ulong iova, ulong address, ulong length)
    {
        IommuIoasMap structure = new()
        {
            Size = (uint)Unsafe.SizeOf<IommuIoasMap>(), Flags = IoasMapFlags.FixedIova | IoasMapFlags.Readable | IoasMapFlags.Writeable, IoasId = Id,
            UserVa = address, Length = length, Iova = iova,
        };
        return system.Control(iommu, (uint)IommufdIoctl.IoasMap, Bytes(ref structure));
    }

    /// <inheritdoc/>
    public int Unmap(ulong iova, ulong length)
    {
        IommuIoasUnmap structure = new() { Size = (uint)Unsafe.SizeOf<IommuIoasUnmap>(), IoasId = Id, Iova = iova, Length = length };
        return system.Control(iommu, (uint)IommufdIoctl.IoasUnmap, Bytes(ref structure));
    }

    /// <inheritdoc/>
    public void Dispose() => iommu.Dispose();

    internal static Span<byte> Bytes<T>(ref T structure)
        where T : struct => MemoryMarshal.AsBytes(new Span<T>(ref structure));
}

/// <summary>A container with one group and a type-1 IOMMU, /dev/vfio/vfio: everywhere.</summary>
internal sealed class ContainerSpace(ISystemCalls system, FileDescriptor container, FileDescriptor group, string path) : IDmaSpace
{
    /// <inheritdoc/>
    public string Name => path;

    /// <inheritdoc/>
    public int Map(ulong iova, ulong address, ulong length)
    {
        VfioDmaMap structure = new()
        {
            ArgSz = (uint)Unsafe.SizeOf<VfioDmaMap>(), Flags = VfioDmaMap.FlagRead | VfioDmaMap.FlagWrite, Vaddr = address, Iova = iova,
                Size = length,
        };
        return system.Control(container, (uint)VfioContainerIoctl.MapDma, IommufdSpace.Bytes(ref structure));
    }

    /// <inheritdoc/>
    public int Unmap(ulong iova, ulong length)
    {
        VfioDmaUnmap structure = new() { ArgSz = (uint)Unsafe.SizeOf<VfioDmaUnmap>(), Iova = iova, Size = length };
        return system.Control(container, (uint)VfioContainerIoctl.UnmapDma, IommufdSpace.Bytes(ref structure));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        group.Dispose();
        container.Dispose();
    }
}
