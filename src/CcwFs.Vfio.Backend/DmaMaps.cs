using CcwFs.Memory;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// Which of the programs' memory the kernel has mapped: guest address A of the space in use lies at <see cref="GuestBase"/> + A. Follows the maps of
/// that space, and lets go before their memory does. Serialized by the owner.
/// </summary>
internal sealed class DmaMaps(IDmaSpace space)
{
    /// <summary>Where guest address 0 lies: 4 GiB, above everything that a format-1 CCW can name, our arena of CCWs among it.</summary>
    internal const ulong GuestBase = 1UL << 32;

    private readonly List<Entry> _entries = [];
    private Mapping[]? _followed; // the maps that the entries are of; null: to be compared

    /// <summary>
    /// The kernel maps what these mappings say, and nothing else: 0, or the errno of the first map that it refused. Nothing is done for the same
    /// array as before. Only what can be pinned is mapped: memory with both rights, an address, and room above <see cref="GuestBase"/>.
    /// </summary>
    internal int Follow(Mapping[] mappings) => ReferenceEquals(mappings, _followed) ? 0 : Change(mappings);

    private int Change(Mapping[] mappings)
    {
        _followed = null;
        var wanted = new HashSet<Mapping>(mappings, ReferenceEqualityComparer.Instance);
        int result = Remove(entry => !wanted.Contains(entry.Source));
        var there = new HashSet<Mapping>(_entries.Select(entry => entry.Source), ReferenceEqualityComparer.Instance);
        foreach (Mapping mapping in mappings)
        {
            if (result == 0 && mapping.Rights == MemoryRights.ReadWrite && mapping.Last <= ulong.MaxValue - GuestBase && !there.Contains(mapping))
                result = Add(mapping);
        }
        if (result == 0)
            _followed = mappings;
        return result;
    }

    /// <summary>
    /// The kernel lets go of what overlaps [iova, iova + length) of the guest's addresses: 0, or an errno and then it may still hold it.
    /// </summary>
    internal int Unmapped(ulong iova, ulong length)
    {
        ulong last = iova + (length - 1);
        return Remove(entry => entry.Source.Start <= last && entry.Source.Last >= iova);
    }

    /// <summary>The kernel lets go of everything; the result as for <see cref="Unmapped"/>.</summary>
    internal int Clear() => Remove(_ => true);

    /// <summary>
    /// The kernel lets go of one map: 0, also when it has no such map any more (it is gone itself, as a FUSE file system that ended, or has dropped
    /// it), or an errno and then it may still hold it.
    /// </summary>
    internal int Unmap(ulong iova, ulong length)
    {
        int result = space.Unmap(iova, length);
        return result < 0 && (Errno)(-result) is Errno.ENOENT or Errno.ENODEV or Errno.ENOTCONN or Errno.ECONNABORTED ? 0 : result;
    }

    private int Add(Mapping mapping)
    {
        long offset = mapping.Offset;
        for (ulong at = mapping.Start, left = mapping.Last - mapping.Start + 1; left > 0;)
        {
            if (!mapping.Store.TryAddress(offset, out ulong address, out long run))
                return 0; // a program that names it is refused by the kernel
            ulong part = Math.Min(left, (ulong)run);
            int result = space.Map(GuestBase + at, address, part);
            if (result < 0)
            {
                Remove(entry => entry.Source == mapping); // mapped whole, or not at all
                return result;
            }
            _entries.Add(new Entry(GuestBase + at, part, mapping));
            (at, left, offset) = (at + part, left - part, offset + (long)part);
        }
        return 0;
    }

    private int Remove(Predicate<Entry> which)
    {
        int failed = 0;
        int removed = _entries.RemoveAll(entry =>
        {
            if (!which(entry))
                return false;
            int result = Unmap(entry.Iova, entry.Length);
            failed = result < 0 ? result : failed;
            return result >= 0; // what the kernel still holds is not forgotten
        });
        if (removed > 0)
            _followed = null;
        return failed;
    }

    private readonly record struct Entry(ulong Iova, ulong Length, Mapping Source);
}
