using System.Runtime.CompilerServices;

namespace CcwFs.Memory;

/// <summary>
/// The pages that one program has pinned, in the order of its IDAWs. Page i is known to the backend as the address
/// <see cref="WindowBase"/> + i * 4096: an IOVA of ours, never a pointer, and the only way to data. What is not pinned resolves to nothing.
/// One thread adds, then the executing thread resolves; the owner orders the two.
/// </summary>
public sealed class PinRecord
{
    /// <summary>The address of pinned page 0: 4 GiB, above everything that a format-1 CCW can name.</summary>
    public const ulong WindowBase = 1UL << 32;

    /// <summary>Most pages one program may pin: 256 MiB of data (arbitrary; a full chain of 256 CCWs of 64 KiB needs 4,352).</summary>
    public const int MaxPages = 65_536;

    private const int InitialPages = 64; // arbitrary: a track's worth of blocks
    private const int KeptPages = 4_608; // what an ordinary full chain needs; more is given back on Clear

    private Page[] _pages = [];
    private Mapping[] _mappings = [];

    // The mapping of the last pin: programs mostly stay in one.
    private ulong _hitStart = ulong.MaxValue; // no page has this address
    private ulong _hitSpan;
    private long _hitOffset;
    private int _hitMapping;

    /// <summary>Pages pinned.</summary>
    public int Count { get; private set; }

    /// <summary>A copy from or to a pinned page may wait for the owner of the memory (<see cref="IMemoryStore.MayWait"/>).</summary>
    public bool MayWait { get; private set; }

    /// <summary>Forgets all pins and takes the mappings that the next ones are looked up in.</summary>
    public void Clear(Mapping[] mappings)
    {
        Count = 0;
        MayWait = false;
        _mappings = mappings;
        (_hitStart, _hitSpan) = (ulong.MaxValue, 0);
        if (_pages.Length > KeptPages)
            _pages = [];
    }

    /// <summary>
    /// Pins the page of a guest address for reading and writing; gives the address, offset in the page included, under which the backend finds it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public MemoryFault Pin(ulong guestAddress, out ulong hostAddress)
    {
        ulong page = guestAddress & ~(ulong)(IovaMap.PageSize - 1);
        if (unchecked(page - _hitStart) > _hitSpan && Hit(page) is var fault && fault != MemoryFault.None)
        {
            hostAddress = 0;
            return fault;
        }
        int index = Count;
        if ((uint)index >= (uint)_pages.Length)
            Array.Resize(ref _pages, Math.Max(InitialPages, index * 2));
        _pages[index] = new Page(page, _hitOffset + (long)(page - _hitStart), _hitMapping);
        Count = index + 1;
        hostAddress = WindowBase + ((ulong)index * IovaMap.PageSize) + (guestAddress - page);
        return MemoryFault.None;
    }

    /// <summary>Takes back the pins from number <paramref name="count"/> on.</summary>
    public void Truncate(int count) => Count = count;

    /// <summary>
    /// The store and offset of a backend address, and how many bytes are left in its page; false when it is no pinned page.
    /// </summary>
    public bool TryResolve(ulong hostAddress, out IMemoryStore store, out long offset, out int left)
    {
        ulong index = (hostAddress - WindowBase) / IovaMap.PageSize;
        if (hostAddress < WindowBase || index >= (ulong)Count)
        {
            (store, offset, left) = (null!, 0, 0);
            return false;
        }
        int inPage = (int)(hostAddress % IovaMap.PageSize);
        ref readonly Page page = ref _pages[(int)index];
        store = _mappings[page.Mapping].Store;
        offset = page.Offset + inPage;
        left = IovaMap.PageSize - inPage;
        return true;
    }

    /// <summary>True for an address that the record gives, or could give.</summary>
    public static bool InWindow(ulong hostAddress) => hostAddress >= WindowBase && hostAddress - WindowBase < (ulong)MaxPages * IovaMap.PageSize;

    /// <summary>
    /// True when a pinned page lies among the pages of [iova, iova + length), the end taken modulo 2^64 as the kernel does
    /// (vfio_ccw_cp.c, page_array_iova_pinned).
    /// </summary>
    public bool Contains(ulong iova, ulong length)
    {
        ulong first = iova / IovaMap.PageSize;
        ulong last = unchecked(iova + length - 1) / IovaMap.PageSize;
        foreach (ref readonly Page page in _pages.AsSpan(0, Count))
        {
            ulong number = page.GuestAddress / IovaMap.PageSize;
            if (number >= first && number <= last)
                return true;
        }
        return false;
    }

    /// <summary>The guest address of pinned page <paramref name="index"/>.</summary>
    public ulong GuestPage(int index) => _pages.AsSpan(0, Count)[index].GuestAddress;

    /// <summary>The guest address of a backend address; false when it is no pinned page.</summary>
    public bool TryGuestAddress(ulong hostAddress, out ulong guestAddress)
    {
        ulong index = (hostAddress - WindowBase) / IovaMap.PageSize;
        bool found = hostAddress >= WindowBase && index < (ulong)Count;
        guestAddress = found ? _pages[(int)index].GuestAddress + (hostAddress % IovaMap.PageSize) : 0;
        return found;
    }

    private MemoryFault Hit(ulong page)
    {
        int at = IovaMap.Find(_mappings, page, _hitMapping);
        if (at < 0)
            return MemoryFault.Unmapped;
        Mapping mapping = _mappings[at];
        if (mapping.Rights != MemoryRights.ReadWrite)
            return MemoryFault.Protected;
        (_hitStart, _hitSpan, _hitOffset, _hitMapping) = (mapping.Start, mapping.Last - mapping.Start, mapping.Offset, at);
        MayWait |= mapping.Store.MayWait;
        return MemoryFault.None;
    }

    private readonly record struct Page(ulong GuestAddress, long Offset, int Mapping);
}
