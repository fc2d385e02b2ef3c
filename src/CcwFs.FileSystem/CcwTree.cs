using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.Fuse;
using CcwFs.Linux;
using CcwFs.Memory;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem;

/// <summary>Who owns the tree and may use it.</summary>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="FileMode">
/// Permission bits of writable files; read-only files lose the write bits, directories gain search where there is read, and files whose reading takes something
/// away are read by those alone who may write.
/// </param>
public readonly record struct TreeOwner(uint Uid, uint Gid, uint FileMode);

/// <summary>
/// The mounted tree: directories and files over devices, guest storage and the control file; it knows nothing of channel programs. Handlers never
/// wait: reads of interrupts and control requests are held and answered later. Thread-safe.
/// </summary>
public sealed partial class CcwTree : FuseHandlers, IPollNotifier
{
    private const uint Directory = 0x4000, Regular = 0x8000; // S_IFDIR, S_IFREG
    private const uint ReadBits = 0x124, WriteBits = 0x92;   // 0444, 0222
    private const uint AccessMode = 3;                       // O_ACCMODE; 0: O_RDONLY
    private const uint NonBlocking = 0x800;                  // O_NONBLOCK of every Linux but alpha, mips, parisc, sparc
    private const uint BlockSize = 4096;


    private readonly SubchannelTable _table;
    private readonly SysTree _sys;
    private readonly IMemoryStore _memory;
    private readonly ControlOpener _control;
    private readonly ControlBudget _controlBudget;
    private readonly VfioService _vfio;
    private readonly TreeOwner _owner;
    private readonly long _mountedNs = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * 100;
    private readonly ConcurrentDictionary<ulong, OpenFile> _open = new();
    private FuseSession? _session;
    private ulong _lastHandle;

    /// <summary>A tree over what the composition root made.</summary>
    public CcwTree(SubchannelTable table, IMemoryStore memory, ControlOpener control, VfioService vfio, TreeOwner owner) =>
        (_table, _sys, _memory, _control, _vfio, _owner, _controlBudget) =
            (table, new SysTree(table), memory, control, vfio, owner, new ControlBudget(owner.Uid));

    /// <summary>Tells the tree which session serves it; before the session starts.</summary>
    public void Attach(FuseSession session) => _session = session;

    /// <inheritdoc/>
    public override int Lookup(in FuseRequest request, ReadOnlySpan<byte> name, out FuseEntry entry)
    {
        entry = default;
        var parent = new NodeId(request.Node);
        if (SysTree.Owns(parent))
            return _sys.Find(parent, name) is { } there ? FillEntry(there, out entry) : -(int)Errno.ENOENT;
        foreach (NodeRow row in NodeRow.All)
        {
            if (row.Parent == parent.Kind && row.Name.Length > 0 && name.SequenceEqual(row.NameBytes) && Exists(parent))
                return FillEntry(new NodeId(row.Kind, parent.Slot), out entry);
        }
        if (parent.Kind == NodeKind.Root && name.Length <= 16 && SubchannelId.TryParse(Encoding.UTF8.GetString(name), out SubchannelId id)
            && _table.Entry(id) is { } found && id.ToString() == Encoding.UTF8.GetString(name))
            return FillEntry(new NodeId(NodeKind.SubchannelDirectory, found.Slot), out entry);
        return -(int)Errno.ENOENT;
    }

    /// <inheritdoc/>
    public override int GetAttr(in FuseRequest request, out FuseAttr attr) => FillAttr(new NodeId(request.Node), out attr);

    /// <inheritdoc/>
    public override int SetAttr(in FuseRequest request, in FuseSetAttr change, out FuseAttr attr)
    {
        attr = default;
        const uint NotOurs = FuseSetAttr.ValidMode | FuseSetAttr.ValidUid | FuseSetAttr.ValidGid;
        return (change.Valid & NotOurs) != 0 ? -(int)Errno.EPERM : FillAttr(new NodeId(request.Node), out attr);
    }

    /// <inheritdoc/>
    public override int Open(in FuseRequest request, uint flags, out FuseOpened opened)
    {
        opened = default;
        var node = new NodeId(request.Node);
        if (SysTree.Owns(node))
            return OpenSys(request, node, out opened);
        SubchannelEntry? entry = node.Slot == 0 ? null : _table.Entry(node.Slot);
        if (NodeRow.Of(node.Kind) is not { IsDirectory: false } row || (node.Slot != 0 && entry is null))
            return -(int)Errno.ENODEV;
        ControlFile? control = null;
        if (row.Kind == NodeKind.Control && ControlFile.Open(request, _control, _controlBudget, out control) is < 0 and int refused)
            return refused;
        bool isInterrupt = row.Parent == NodeKind.InterruptDirectory;

        // What a VFIO client makes us keep is the most, so there its process counts too.
        ClientAccount account = _vfio.Accounts.Of(request.Uid, row.Kind is NodeKind.Device or NodeKind.Iommu ? request.Pid : 0);
        int refusal = account.TryTake(Resource.Files);
        if (refusal < 0)
        {
            control?.Dispose();
            return refusal;
        }
        var file = new OpenFile(row, entry, account)
        {
            Interrupt = isInterrupt ? entry!.Interrupt(row.Kind, this) : null,
            Control = control,
            Endpoint = OpenEndpoint(row.Kind, entry, writable: (flags & AccessMode) != 0, account),
            Text = row.Kind == NodeKind.Info ? DeviceInfo.Render(entry!.Device) : [],
        };
        opened.Flags = FuseOpened.DirectIo | FuseOpened.NoFlush | (isInterrupt || file.Control is not null ? FuseOpened.Stream | FuseOpened.NonSeekable : 0);
        return Keep(file, ref opened);
    }

    /// <inheritdoc/>
    public override void Release(in FuseRequest request, ulong handle)
    {
        if (!_open.TryRemove(handle, out OpenFile? file))
            return;
        file.Interrupt?.Release(handle);
        file.Control?.Dispose();
        file.Endpoint?.Release();
        GiveBack(file);
    }

    /// <summary>Takes an open file in, whose place was counted; over the limit of memory that is given back, and nothing is open.</summary>
    private int Keep(OpenFile file, ref FuseOpened opened)
    {
        int refusal = file.Account.TryTake(Resource.Memory, file.Size);
        if (refusal < 0)
        {
            file.Control?.Dispose();
            file.Account.Give(Resource.Files);
            return refusal;
        }
        opened.Handle = Interlocked.Increment(ref _lastHandle);
        _open[opened.Handle] = file;
        return 0;
    }

    private static void GiveBack(OpenFile file)
    {
        file.Account.Give(Resource.Memory, file.Size);
        file.Account.Give(Resource.Files);
    }

    /// <inheritdoc/>
    public override int Read(in FuseRequest request, ulong handle, long offset, uint flags, Span<byte> buffer)
    {
        if (!_open.TryGetValue(handle, out OpenFile? file) || offset < 0)
            return -(int)Errno.EBADF;
        if (file.Row.Region is { } region)
        {
            // The reader may be here before the worker that answered the write: then the program runs now, not after a second read.
            file.Entry!.Device.GoOn(WorkThread.Caller);
            return ReadRegion(file.Entry.Device, region, offset, buffer);
        }
        if (file.Interrupt is { } interrupt)
            return interrupt.Read(request, file.Account, (flags & NonBlocking) != 0, buffer);
        if (file.Control is { } control)
            return control.Read(request, buffer);
        if (file.Endpoint is { } endpoint)
            return ReadEndpoint(endpoint, offset, buffer);
        if (file.Row.Kind == NodeKind.Memory)
            return ReadMemory(offset, buffer);
        int length = (int)Math.Clamp(file.Text.Length - offset, 0, buffer.Length);
        file.Text.AsSpan((int)Math.Min(offset, file.Text.Length), length).CopyTo(buffer);
        return length;
    }

    /// <inheritdoc/>
    public override int Write(in FuseRequest request, ulong handle, long offset, uint flags, ReadOnlySpan<byte> data)
    {
        if (!_open.TryGetValue(handle, out OpenFile? file) || offset < 0)
            return -(int)Errno.EBADF;
        if (file.Row.Region is { } region)
        {
            if (offset > RegionLayout.IoSize)
                return -(int)Errno.EINVAL;
            return file.Entry!.GoOnAfter(request, file.Entry.Device.WriteRegion(region, (int)offset, data));
        }
        if (file.Interrupt is { } interrupt)
            return interrupt.Write(data);
        if (file.Control is { } control)
            return control.Write(request, data);
        if (file.Endpoint is { } endpoint)
            return WriteEndpoint(request, file.Entry, endpoint, offset, data);
        return file.Row.Kind == NodeKind.Memory ? WriteMemory(offset, data) : -(int)Errno.EINVAL;
    }

    /// <inheritdoc/>
    public override int OpenDir(in FuseRequest request, out FuseOpened opened)
    {
        opened = default;
        var node = new NodeId(request.Node);
        if (SysTree.Owns(node))
            return OpenSys(request, node, out opened);
        if (NodeRow.Of(node.Kind) is not { IsDirectory: true } row || !Exists(node))
            return -(int)Errno.ENOENT;
        ClientAccount account = _vfio.Accounts.Of(request.Uid);
        int refusal = account.TryTake(Resource.Files);
        return refusal < 0 ? refusal
            : Keep(new OpenFile(row, _table.Entry(node.Slot), account) { Subchannels = node.Kind == NodeKind.Root ? _table.Sorted() : [] }, ref opened);
    }

    /// <inheritdoc/>
    public override void ReleaseDir(in FuseRequest request, ulong handle)
    {
        if (_open.TryRemove(handle, out OpenFile? directory))
            GiveBack(directory);
    }

    /// <inheritdoc/>
    public override int ReadDir(in FuseRequest request, ulong handle, ulong offset, ref FuseDirectoryWriter writer)
    {
        if (!_open.TryGetValue(handle, out OpenFile? directory))
            return -(int)Errno.EBADF;
        var node = new NodeId(request.Node);
        if (directory.Children is { } children)
            return ReadSysDir(node, children, offset, ref writer);
        NodeRow[] rows = Array.FindAll(NodeRow.All, r => r.Parent == node.Kind && r.Name.Length > 0);
        ulong total = 2 + (ulong)rows.Length + (ulong)directory.Subchannels.Length;
        for (ulong at = offset; at < total; at++)
        {
            bool added = at < 2
                ? writer.TryAdd(at == 0 ? "."u8 : ".."u8, node.Value, Directory, at + 1)
                : at - 2 < (ulong)rows.Length
                ? AddEntry(ref writer, rows[at - 2].NameBytes, new NodeId(rows[at - 2].Kind, node.Slot), at + 1)
                : AddSubchannel(ref writer, directory.Subchannels[at - 2 - (ulong)rows.Length], at + 1);
            if (!added)
                break;
        }
        return 0;
    }

    /// <inheritdoc/>
    public override int StatFs(in FuseRequest request, out FuseStatFs statFs)
    {
        statFs = new FuseStatFs
        {
            BlockSize = BlockSize,
            Blocks = (ulong)_memory.Length / BlockSize,
            Files = (ulong)_table.Devices.Count,
            NameLength = 255,
        };
        return 0;
    }

    /// <inheritdoc/>
    public override int Poll(in FuseRequest request, ulong handle, ulong pollHandle, bool notify, out uint events)
    {
        events = 0x145; // POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM: an ordinary file is always ready
        if (!_open.TryGetValue(handle, out OpenFile? file))
            return -(int)Errno.EBADF;
        return file.Interrupt?.Poll(handle, file.Account, pollHandle, notify, out events) ?? 0;
    }

    void IPollNotifier.NotifyPoll(ulong pollHandle) => _session?.NotifyPoll(pollHandle);

    private static int ReadRegion(VfioCcwDevice device, RegionIndex region, long offset, Span<byte> buffer)
    {
        int length = (int)Math.Clamp(RegionLayout.Size(region) - offset, 0, buffer.Length);
        return length == 0 ? 0 : device.ReadRegion(region, (int)offset, buffer[..length]);
    }

    private int ReadMemory(long offset, Span<byte> buffer)
    {
        int length = (int)Math.Clamp(_memory.Length - offset, 0, buffer.Length);
        return length == 0 || _memory.Read(offset, buffer[..length]) ? length : -(int)Errno.EIO;
    }

    private int WriteMemory(long offset, ReadOnlySpan<byte> data)
    {
        int length = (int)Math.Clamp(_memory.Length - offset, 0, data.Length);
        if (length == 0)
            return -(int)Errno.ENOSPC;
        return _memory.Write(offset, data[..length]) ? length : -(int)Errno.EIO;
    }

    private bool AddSubchannel(ref FuseDirectoryWriter writer, SubchannelEntry entry, ulong next) =>
        _table.Entry(entry.Slot) is null // removed since the directory was opened
        || AddEntry(ref writer, Encoding.ASCII.GetBytes(entry.Device.Id.ToString()), new NodeId(NodeKind.SubchannelDirectory, entry.Slot), next);

    private bool AddEntry(ref FuseDirectoryWriter writer, ReadOnlySpan<byte> name, NodeId node, ulong next)
    {
        if (!writer.Plus)
            return writer.TryAdd(name, node.Value, NodeRow.Of(node.Kind)!.IsDirectory ? Directory : Regular, next);
        return FillEntry(node, out FuseEntry entry) != 0 || writer.TryAdd(name, entry, next);
    }

    private bool Exists(NodeId node) => node.Slot == 0 || _table.Entry(node.Slot) is not null;

    private int FillEntry(NodeId node, out FuseEntry entry)
    {
        entry = new FuseEntry { Node = node.Value };
        return FillAttr(node, out entry.Attr);
    }

    private int FillAttr(NodeId node, out FuseAttr attr)
    {
        attr = default;
        attr.Node = node.Value;
        (attr.Uid, attr.Gid, attr.TimeNs) = (_owner.Uid, _owner.Gid, _mountedNs);
        if (SysTree.Owns(node))
            return FillSysAttr(node, ref attr);
        if (NodeRow.Of(node.Kind) is not { } row || !Exists(node))
            return -(int)Errno.ENOENT;
        attr.Links = row.IsDirectory ? 2u : 1u;
        attr.Mode = row.IsDirectory
            ? DirectoryMode
            : Regular | FileMode(row);
        attr.Size = row.Region is { } region ? (ulong)RegionLayout.Size(region)
            : row.Kind == NodeKind.Memory ? (ulong)_memory.Length
            : row.Parent == NodeKind.InterruptDirectory ? sizeof(ulong) : 0ul;
        return 0;
    }

    /// <summary>
    /// The rights of a file. Who may not write may not change a device, so a file whose reading does is readable for those alone who may write, whatever the
    /// mode of the mount says; the kernel sees to it (default_permissions), and what a program does with a descriptor it was given is judged by how that was
    /// opened (<see cref="EndpointFile"/>).
    /// </summary>
    private uint FileMode(NodeRow row)
    {
        uint writers = (_owner.FileMode & WriteBits) << 1; // as read bits
        uint mode = row.Takes ? _owner.FileMode & (~ReadBits | writers) : _owner.FileMode;
        return row.IsWritable ? mode : mode & ~WriteBits;
    }

    private uint DirectoryMode => Directory | _owner.FileMode | ((_owner.FileMode & ReadBits) >> 2);

    /// <summary>What one open file or directory needs.</summary>
    private sealed class OpenFile(NodeRow row, SubchannelEntry? entry, ClientAccount account)
    {
        private const int ListedSize = 128, EntrySize = 8; // bytes: about what a listed file of sys takes, and what a reference does

        /// <summary>Of who opened it.</summary>
        internal ClientAccount Account => account;

        /// <summary>Bytes that it keeps, as far as they grow with what is in it.</summary>
        internal long Size => Text.Length + ((long)Subchannels.Length * EntrySize) + ((long)(Children?.Count ?? 0) * ListedSize);

        internal NodeRow Row { get; } = row;

        internal SubchannelEntry? Entry { get; } = entry;

        internal InterruptFile? Interrupt { get; init; }

        internal ControlFile? Control { get; init; }

        internal EndpointFile? Endpoint { get; init; }

        internal byte[] Text { get; init; } = [];

        internal SubchannelEntry[] Subchannels { get; init; } = [];

        internal IReadOnlyList<(byte[] Name, NodeId Node, uint Type)>? Children { get; init; }
    }
}
