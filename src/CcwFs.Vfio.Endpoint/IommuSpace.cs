using System.Numerics;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>What one MAP made; it is unmapped as a whole.</summary>
internal sealed record MappedRange(ulong Iova, ulong Last, ClientRange Memory);

/// <summary>
/// One IOAS: the map that devices see, and the ranges it was made of. The map alone says what is free; all members are guarded by the gate of
/// the client, but the map itself, which <see cref="IovaMap.Unmap"/> changes without it.
/// </summary>
internal sealed class IommuSpace
{
    /// <summary>out_iova_alignment. An iommufd asks for whole pages once a device is attached; here it always does.</summary>
    internal const ulong Alignment = IovaMap.PageSize;

    /// <summary>What devices get.</summary>
    public AddressSpace Space { get; } = new(new IovaMap(), Errno.ENOENT);

    /// <summary>What is mapped and not being unmapped.</summary>
    public List<MappedRange> Ranges { get; } = [];

    /// <summary>Devices that hold it.</summary>
    public int Attached { get; set; }

    /// <summary>Those among them that reach memory with an address in this process alone (<see cref="IMemoryBound.NeedsAddresses"/>).</summary>
    public int AttachedByAddress { get; set; }

    /// <summary>Checks an iova that the client chose: 0, or -EINVAL (alignment), -EOVERFLOW (wraps), -EEXIST.</summary>
    public int Check(ulong iova, ulong length)
    {
        if (iova % Alignment != 0)
            return -(int)Errno.EINVAL;
        ulong last = unchecked(iova + length - 1);
        if (last < iova)
            return -(int)Errno.EOVERFLOW;
        foreach (Mapping mapping in Space.Map.Snapshot())
        {
            if (mapping.Start <= last && mapping.Last >= iova)
                return -(int)Errno.EEXIST;
        }
        return 0;
    }

    /// <summary>
    /// Chooses an iova: the lowest hole, never 0, as well aligned as <paramref name="hint"/> and the length are (iopt_alloc_iova in
    /// drivers/iommu/iommufd/io_pagetable.c). 0, or -EOVERFLOW, -EINVAL, -ENOSPC.
    /// </summary>
    public int Choose(ulong hint, ulong length, out ulong iova)
    {
        iova = Alignment;
        if (length >= ulong.MaxValue / 2)
            return -(int)Errno.EOVERFLOW;
        ulong alignment = BitOperations.RoundUpToPowerOf2(length);
        if (hint != 0)
            alignment = Math.Min(alignment, 1UL << BitOperations.TrailingZeroCount(hint));
        if (alignment < Alignment)
            return -(int)Errno.EINVAL;
        iova = alignment;
        foreach (Mapping mapping in Space.Map.Snapshot())
        {
            if (mapping.Last < iova)
                continue;
            if (mapping.Start > iova && mapping.Start - iova >= length)
                return 0;
            iova = unchecked((mapping.Last | (alignment - 1)) + 1);
            if (iova == 0)
                return -(int)Errno.ENOSPC;
        }
        return ulong.MaxValue - Alignment - iova >= length - 1 ? 0 : -(int)Errno.ENOSPC;
    }

    /// <summary>
    /// Takes the ranges that lie in [first, last] off the list, for the caller to unmap: 0, or -ENOENT when there are none or one sticks out, and
    /// then none is taken.
    /// </summary>
    public int Claim(ulong first, ulong last, List<MappedRange> claimed)
    {
        foreach (MappedRange range in Ranges)
        {
            if (range.Iova > last || range.Last < first)
                continue;
            if (range.Iova < first || range.Last > last)
                return -(int)Errno.ENOENT;
            claimed.Add(range);
        }
        Ranges.RemoveAll(range => range.Iova >= first && range.Last <= last);
        return claimed.Count > 0 ? 0 : -(int)Errno.ENOENT;
    }
}
