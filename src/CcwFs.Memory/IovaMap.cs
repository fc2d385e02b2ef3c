namespace CcwFs.Memory;

/// <summary>What went wrong with a guest address; the border to the caller's errno is in CcwFs.Subchannel.</summary>
public enum MemoryFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>No mapping there.</summary>
    Unmapped,

    /// <summary>A mapping, without the right.</summary>
    Protected,

    /// <summary>A mapping whose memory is gone.</summary>
    Gone,
}

/// <summary>What the device may do with a mapping.</summary>
[Flags]
public enum MemoryRights
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The device may read it.</summary>
    Read = 1,

    /// <summary>The device may write it.</summary>
    Write = 2,

    /// <summary>Both, what pinning needs.</summary>
    ReadWrite = Read | Write,
}

/// <summary>The outcome of a change of the map (errno of type1 and iommufd: EINVAL, EEXIST, ENOENT).</summary>
public enum MapOutcome
{
    /// <summary>Done.</summary>
    Done,

    /// <summary>Unaligned, empty, wrapping, or outside the store.</summary>
    Invalid,

    /// <summary>Overlaps a mapping.</summary>
    Exists,

    /// <summary>Nothing there, or only a part of a mapping.</summary>
    NotFound,
}

/// <summary>One mapping: guest addresses <see cref="Start"/> to <see cref="Last"/>, page-aligned.</summary>
/// <param name="Start">First guest address.</param>
/// <param name="Last">Last guest address.</param>
/// <param name="Store">Where the bytes are.</param>
/// <param name="Offset">Offset of <see cref="Start"/> in the store.</param>
/// <param name="Rights">What the device may do.</param>
public sealed record Mapping(ulong Start, ulong Last, IMemoryStore Store, long Offset, MemoryRights Rights);

/// <summary>An owner of pinned pages of a map.</summary>
public interface IPinOwner
{
    /// <summary>These addresses were mapped in <paramref name="map"/>. Called without locks of the map; nothing depends on it.</summary>
    void Mapped(IovaMap map, ulong iova, ulong length)
    {
    }

    /// <summary>
    /// The mapping of these addresses is gone from <paramref name="map"/>; on return nothing touches its memory any more. Called without locks of the
    /// map, and so possibly after the owner was taken off its list, when it may have the same addresses of another map pinned.
    /// </summary>
    void Unmapped(IovaMap map, ulong iova, ulong length);
}

/// <summary>
/// One guest address space: guest addresses (IOVAs) to memory stores. Readers take a snapshot and need no lock; changes are
/// serialized. Page size 4096. All arithmetic is on 64 bits without wrap-around.
/// </summary>
public sealed class IovaMap
{
    /// <summary>Bytes of a page.</summary>
    public const int PageSize = 4096;

    private readonly Lock _gate = new();
    private volatile Mapping[] _mappings = []; // sorted by Start, replaced as a whole; changed under _gate
    private readonly HashSet<IPinOwner> _owners = new(ReferenceEqualityComparer.Instance); // guarded by _gate

    /// <summary>A map with all of <paramref name="store"/> at guest address 0: the address space of file users.</summary>
    public static IovaMap Identity(IMemoryStore store)
    {
        var map = new IovaMap();
        MapOutcome outcome = map.Map(0, (ulong)store.Length, store, 0, MemoryRights.ReadWrite);
        return outcome == MapOutcome.Done ? map : throw new ArgumentException($"{store.Length} bytes are not a number of pages", nameof(store));
    }

    /// <summary>Adds a mapping.</summary>
    public MapOutcome Map(ulong iova, ulong length, IMemoryStore store, long offset, MemoryRights rights)
    {
        if (!IsRange(iova, length) || rights == MemoryRights.None || offset < 0 || length > (ulong)store.Length
            || (ulong)offset > (ulong)store.Length - length)
            return MapOutcome.Invalid;
        ulong last = iova + (length - 1);
        IPinOwner[] owners;
        lock (_gate)
        {
            Mapping[] old = _mappings;
            int at = 0;
            while (at < old.Length && old[at].Last < iova)
                at++;
            if (at < old.Length && old[at].Start <= last)
                return MapOutcome.Exists;
            _mappings = [.. old[..at], new Mapping(iova, last, store, offset, rights), .. old[at..]];
            owners = [.. _owners];
        }
        foreach (IPinOwner owner in owners)
            owner.Mapped(this, iova, length);
        return MapOutcome.Done;
    }

    /// <summary>
    /// Removes every mapping that lies wholly in the range; a range that cuts a mapping is <see cref="MapOutcome.Invalid"/> and changes nothing,
    /// an empty one is <see cref="MapOutcome.NotFound"/>. Owners of pins are told, and done, before this returns.
    /// </summary>
    public MapOutcome Unmap(ulong iova, ulong length, out ulong unmapped)
    {
        unmapped = 0;
        if (!IsRange(iova, length))
            return MapOutcome.Invalid;
        ulong last = iova + (length - 1);
        Mapping[] gone;
        IPinOwner[] owners;
        lock (_gate)
        {
            Mapping[] old = _mappings;
            gone = Array.FindAll(old, m => m.Start <= last && m.Last >= iova);
            if (gone.Length == 0)
                return MapOutcome.NotFound;
            if (Array.Exists(gone, m => m.Start < iova || m.Last > last))
                return MapOutcome.Invalid;
            _mappings = Array.FindAll(old, m => m.Last < iova || m.Start > last);
            owners = [.. _owners];
        }
        foreach (Mapping mapping in gone)
        {
            unmapped += mapping.Last - mapping.Start + 1;
            foreach (IPinOwner owner in owners)
                owner.Unmapped(this, mapping.Start, mapping.Last - mapping.Start + 1);
        }
        return MapOutcome.Done;
    }

    /// <summary>Whole pages, some, that do not wrap.</summary>
    private static bool IsRange(ulong iova, ulong length) => length != 0 && (iova | length) % PageSize == 0 && iova + (length - 1) >= iova;

    /// <summary>Adds an owner to be told of unmapping.</summary>
    public void AddOwner(IPinOwner owner)
    {
        lock (_gate)
            _owners.Add(owner);
    }

    /// <summary>Takes an owner off the list.</summary>
    public void RemoveOwner(IPinOwner owner)
    {
        lock (_gate)
            _owners.Remove(owner);
    }

    /// <summary>A consistent view for many look-ups.</summary>
    public Mapping[] Snapshot() => _mappings;

    /// <summary>A copy from or to one of these mappings may wait for its owner (<see cref="IMemoryStore.MayWait"/>).</summary>
    public static bool MayWait(Mapping[] mappings) => Array.Exists(mappings, static mapping => mapping.Store.MayWait);

    /// <summary>All memory of these mappings that may be pinned has addresses in this process (<see cref="IMemoryStore.TryAddress"/>).</summary>
    public static bool HaveAddresses(Mapping[] mappings) => Array.TrueForAll(
        mappings, m => m.Rights != MemoryRights.ReadWrite || HasAddresses(m.Store, m.Offset, (long)(m.Last - m.Start + 1)));

    /// <summary>A range of a store has addresses in this process, in one piece or several.</summary>
    public static bool HasAddresses(IMemoryStore store, long offset, long length)
    {
        ArgumentNullException.ThrowIfNull(store);
        long run = 0;
        for (long end = offset + length; offset < end; offset += run)
        {
            if (!store.TryAddress(offset, out _, out run))
                return false;
        }
        return true;
    }

    /// <summary>The index of the mapping that holds <paramref name="iova"/>, or -1. <paramref name="hint"/>: where it was last time.</summary>
    public static int Find(Mapping[] mappings, ulong iova, int hint)
    {
        if ((uint)hint < (uint)mappings.Length && mappings[hint].Start <= iova && mappings[hint].Last >= iova)
            return hint;
        int low = 0, high = mappings.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (mappings[middle].Last < iova)
                low = middle + 1;
            else if (mappings[middle].Start > iova)
                high = middle - 1;
            else
                return middle;
        }
        return -1;
    }

    /// <summary>
    /// Copies guest memory out, across mappings; nothing is promised about <paramref name="destination"/> on a fault. Addresses do not wrap.
    /// </summary>
    public static MemoryFault Read(Mapping[] mappings, ulong iova, Span<byte> destination)
    {
        int hint = 0;
        while (!destination.IsEmpty)
        {
            hint = Find(mappings, iova, hint);
            if (hint < 0)
                return MemoryFault.Unmapped;
            Mapping mapping = mappings[hint];
            if ((mapping.Rights & MemoryRights.Read) == 0)
                return MemoryFault.Protected;
            ulong offset = iova - mapping.Start;
            int part = (int)Math.Min((ulong)destination.Length, mapping.Last - iova + 1);
            if (!mapping.Store.Read(mapping.Offset + (long)offset, destination[..part]))
                return MemoryFault.Gone;
            destination = destination[part..];
            iova += (ulong)part;
            if (iova == 0 && !destination.IsEmpty)
                return MemoryFault.Unmapped;
        }
        return MemoryFault.None;
    }
}
