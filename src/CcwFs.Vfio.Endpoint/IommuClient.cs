using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio;
using Mono.Unix.Native;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// One open of the <c>iommu</c> file: the address spaces (IOAS) of one client, and the numbers of its devices. Thread-safe. Answers as iommufd does
/// (drivers/iommu/iommufd: main.c, ioas.c, io_pagetable.c) for devices without an IOMMU of their own, as mediated ones are.
/// </summary>
public sealed partial class IommuClient : IDisposable
{
    /// <summary>Most address spaces and devices of one client: -ENOMEM over it (arbitrary; QEMU has one and a few).</summary>
    public const int MaxObjects = 1024;

    /// <summary>Most mappings of one client: -ENOMEM over it (arbitrary; QEMU has one for each slot of memory, 256 at most).</summary>
    public const int MaxMappings = 4096;

    /// <summary>
    /// What an address space and a mapping are counted as, each area of memory in a mapping extra (arbitrary: about what they take).
    /// </summary>
    private const int SpaceMemory = 1024, MappingMemory = 256, AreaMemory = 64;

    /// <summary>Longest structure that is accepted: -E2BIG (arbitrary: the page that other system calls allow).</summary>
    public const int MaxStructure = 4096;

    private static readonly Row[] s_rows =
    [
        Row.Of<IommuDestroy>(IommufdIoctl.Destroy, 8, changes: true, (IommuClient client, ref IommuRequest r) => client.Destroy(ref r)),
        Row.Of<IommuIoasAlloc>(IommufdIoctl.IoasAlloc, 12, changes: true, (IommuClient client, ref IommuRequest r) => client.Allocate(ref r)),
        Row.Of<IommuIoasIovaRanges>(IommufdIoctl.IoasIovaRanges, 32, changes: false, (IommuClient client, ref IommuRequest r) =>
            client.Ranges(ref r)),
        Row.Of<IommuIoasMap>(IommufdIoctl.IoasMap, 40, changes: true, (IommuClient client, ref IommuRequest r) => client.Map(ref r)),
        Row.Of<IommuIoasMapFile>(IommufdIoctl.IoasMapFile, 40, changes: true, (IommuClient client, ref IommuRequest r) => client.MapFile(ref r)),
        Row.Of<IommuIoasUnmap>(IommufdIoctl.IoasUnmap, 24, changes: true, (IommuClient client, ref IommuRequest r) => client.Unmap(ref r)),
        Row.Of<GuestCodeChannel>(IommufdIoctl.SetGuestCode, 20, changes: true, (IommuClient client, ref IommuRequest r) =>
            client.SetGuestCode(ref r)),
        Row.Of<IommuHwInfo>(IommufdIoctl.GetHwInfo, 32, changes: false, (IommuClient _, ref IommuRequest r) => HardwareInfo(ref r)),
    ];

    // Held only for the tables: never while the client's memory is touched, nor while a device lets go of what is unmapped.
    private readonly Lock _gate = new();
    private readonly SortedDictionary<uint, IommuSpace?> _objects = []; // guarded by _gate; null: a device
    private readonly ClientMemory _memory;
    private readonly ClientCode _code;
    private bool _disposed; // guarded by _gate

    private readonly CallerLog? _log;
    private readonly ClientAccount _account;

    /// <summary>
    /// No address space yet. <paramref name="log"/>: where it says why memory is refused; null: nowhere. <paramref name="account"/>: where what is
    /// kept is counted; null: one of this process, of its own.
    /// </summary>
    public IommuClient(CallerLog? log = null, ClientAccount? account = null)
    {
        (_log, _account) = (log, account ?? ClientAccounts.Make().Of(Descriptors.EffectiveUser, (uint)Environment.ProcessId));
        _memory = new ClientMemory(_account);
        _code = new ClientCode(log, _account);
    }

    private delegate int Handler(IommuClient client, ref IommuRequest request);

    /// <summary>What is known of the guest's code, as <c>info</c> says it.</summary>
    internal string CodeKind => _code.Kind;

    /// <summary>An ioctl does more than to ask.</summary>
    internal static bool Changes(uint command) => Array.Find(s_rows, r => (uint)r.Command == command) is { Changes: true };

    /// <summary>
    /// An ioctl of the client: its result, or a negative errno. The structure at <paramref name="argument"/> is read once and written back as iommufd
    /// does. May wait as long as the client likes, and for its devices to let go of what is unmapped: call it on a thread of the client's own.
    /// </summary>
    public int Ioctl(IoctlCaller caller, uint command, ulong argument)
    {
        Row? row = Array.Find(s_rows, r => (uint)r.Command == command);
        if (row is null)
            return -(int)Errno.ENOTTY;
        uint size = 0;
        int result = caller.Read(argument, MemoryMarshal.AsBytes(new Span<uint>(ref size)));
        if (result < 0)
            return result;
        if (size < row.MinSize)
            return -(int)Errno.EINVAL;
        if (size > MaxStructure)
            return -(int)Errno.E2BIG;
        Span<byte> structure = stackalloc byte[MaxStructure];
        structure.Clear();
        result = caller.Read(argument, structure[..(int)size]);
        if (result < 0)
            return result;
        if (structure[row.Size..].ContainsAnyExcept((byte)0))
            return -(int)Errno.E2BIG;
        int used = Math.Min((int)size, row.Size);
        var request = new IommuRequest(caller, argument, structure[..row.Size], used);
        return row.Handler(this, ref request);
    }

    /// <summary>
    /// The address space with an id, held until <see cref="Detach"/>; -ENOENT when there is none, -EFAULT for a device that <paramref
    /// name="needsAddresses"/> when some of its memory has none: it could not be pinned.
    /// </summary>
    public int Attach(uint ioas, out AddressSpace? space, bool needsAddresses = false)
    {
        lock (_gate)
        {
            space = null;
            if (Find(ioas) is not { } found)
                return -(int)Errno.ENOENT;
            if (needsAddresses && !IovaMap.HaveAddresses(found.Space.Map.Snapshot()))
                return -(int)Errno.EFAULT;
            found.Attached++;
            found.AttachedByAddress += needsAddresses ? 1 : 0;
            space = found.Space;
            return 0;
        }
    }

    /// <summary>Gives back what <see cref="Attach"/> gave.</summary>
    public void Detach(uint ioas, bool needsAddresses = false)
    {
        lock (_gate)
        {
            if (Find(ioas) is not { Attached: > 0 } found)
                return;
            found.Attached--;
            found.AttachedByAddress -= needsAddresses ? 1 : 0;
        }
    }

    /// <summary>
    /// A number for a device that is bound to this, from the same numbers as those of address spaces (out_devid); -ENOMEM, -ENODEV.
    /// </summary>
    public int AddDevice(out uint device)
    {
        lock (_gate)
            return Add(null, out device);
    }

    /// <summary>Takes back a number that <see cref="AddDevice"/> gave.</summary>
    public void RemoveDevice(uint device)
    {
        lock (_gate)
        {
            if (_objects.TryGetValue(device, out IommuSpace? space) && space is null)
                _objects.Remove(device);
        }
    }

    /// <summary>
    /// Ends all address spaces, attached ones too: on return no memory of the client is touched any more. Waits for its devices to let go.
    /// </summary>
    public void Dispose()
    {
        IommuSpace[] spaces;
        lock (_gate)
        {
            _disposed = true;
            spaces = [.. _objects.Values.OfType<IommuSpace>()];
            _account.Give(Resource.Memory, SpaceMemory * spaces.Length);
            _objects.Clear();
        }
        foreach (IommuSpace space in spaces)
            UnmapAll(space);
        _memory.Dispose();
        _code.Dispose();
    }

    // Guarded by _gate.
    private IommuSpace? Find(uint id) => _objects.GetValueOrDefault(id);

    // Guarded by _gate. The lowest free number from 1 on, as xa_alloc gives.
    private int Add(IommuSpace? space, out uint id)
    {
        id = 1;
        if (_disposed)
            return -(int)Errno.ENODEV;
        if (_objects.Count == MaxObjects || (space is not null && !_account.Takes(Resource.Memory, SpaceMemory)))
            return -(int)Errno.ENOMEM;
        foreach (uint used in _objects.Keys)
        {
            if (used != id)
                break;
            id++;
        }
        _objects.Add(id, space);
        return 0;
    }

    private sealed record Row(IommufdIoctl Command, int Size, int MinSize, bool Changes, Handler Handler)
    {
        internal static Row Of<T>(IommufdIoctl command, int minSize, bool changes, Handler handler)
            where T : struct => new(command, Unsafe.SizeOf<T>(), minSize, changes, handler);
    }
}

/// <summary>One ioctl with its structure, with zeros after what the caller gave.</summary>
internal readonly ref struct IommuRequest(IoctlCaller caller, ulong address, Span<byte> structure, int used)
{
    private readonly Span<byte> _structure = structure;

    /// <summary>Who asks.</summary>
    public IoctlCaller Caller => caller;

    /// <summary>The structure, in place.</summary>
    public ref T As<T>()
        where T : struct => ref MemoryMarshal.AsRef<T>(_structure);

    /// <summary>Writes the structure back, no more of it than the caller gave.</summary>
    public int Respond() => caller.Write(address, _structure[..used]);
}
