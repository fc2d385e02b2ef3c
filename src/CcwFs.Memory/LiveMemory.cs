namespace CcwFs.Memory;

/// <summary>
/// Guest memory as a program meets it that is not prefetched: every access is looked up in the map as it is then, and the pages are remembered, so
/// that the program can be ended when one of them is unmapped. One thread resolves, any may ask. An access that was resolved may still go on when
/// <see cref="Contains"/> is asked; one that is resolved later finds the map without what was unmapped.
/// </summary>
public sealed class LiveMemory
{
    /// <summary>Most pages that are remembered one by one (as many as a prefetched program may pin); then every page counts as touched.</summary>
    private const int MaxPages = PinRecord.MaxPages;

    private readonly Lock _gate = new();
    private readonly HashSet<ulong> _pages = []; // guarded by _gate
    private IovaMap? _map;  // guarded by _gate; null: no program
    private int _hint;      // of the resolving thread

    /// <summary>A program begins.</summary>
    public void Begin(IovaMap map)
    {
        lock (_gate)
        {
            _map = map;
            _pages.Clear();
        }
    }

    /// <summary>It has ended: nothing resolves any more.</summary>
    public void End()
    {
        lock (_gate)
        {
            _map = null;
            _pages.Clear();
            _pages.TrimExcess();
        }
    }

    /// <summary>The store and offset of an address, and how many bytes are left in its page.</summary>
    public MemoryFault Resolve(ulong address, MemoryRights rights, out IMemoryStore store, out long offset, out int left)
    {
        (store, offset, left) = (null!, 0, 0);
        lock (_gate)
        {
            Mapping[] mappings = _map?.Snapshot() ?? [];
            _hint = IovaMap.Find(mappings, address, _hint);
            if (_hint < 0)
                return MemoryFault.Unmapped;
            Mapping mapping = mappings[_hint];
            if ((mapping.Rights & rights) != rights)
                return MemoryFault.Protected;
            if (_pages.Count <= MaxPages)
                _pages.Add(address / IovaMap.PageSize);
            (store, offset) = (mapping.Store, mapping.Offset + (long)(address - mapping.Start));
            left = IovaMap.PageSize - (int)(address % IovaMap.PageSize);
            return MemoryFault.None;
        }
    }

    /// <summary>The program has touched a page of [iova, iova + length), or too many to be counted.</summary>
    public bool Contains(ulong iova, ulong length)
    {
        ulong first = iova / IovaMap.PageSize, last = unchecked(iova + length - 1) / IovaMap.PageSize;
        lock (_gate)
        {
            if (_pages.Count > MaxPages)
                return true;
            foreach (ulong page in _pages)
            {
                if (page >= first && page <= last)
                    return true;
            }
            return false;
        }
    }
}
