using System.Collections.Concurrent;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.FileSystem.Files;
using CcwFs.Fuse;
using CcwFs.Memory;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.FileSystem;

/// <summary>
/// The mounted tree: names, and the handles of what is open. What kinds of files there are is in <see cref="NodeRow"/>, what an open one does in its
/// <see cref="OpenFile"/>. Handlers never wait: reads of interrupts and control requests are held and answered later. Thread-safe.
/// </summary>
public sealed class CcwTree : FuseHandlers
{
    private const int LongestId = 16;                  // characters, arbitrary: more than a subchannel's id has
    private const int EntrySize = 8, ListedSize = 128; // bytes: what a reference takes, and about what a listed file of sys does

    private readonly TreeServices _services;
    private readonly NodeAttributes _attributes;
    private readonly ConcurrentDictionary<ulong, OpenFile> _open = new();
    private FuseSession? _session;
    private ulong _lastHandle;

    /// <summary>A tree over what the composition root made.</summary>
    public CcwTree(SubchannelTable table, IMemoryStore memory, ControlOpener control, VfioService vfio, TreeOwner owner)
    {
        _services = new TreeServices(
            table, new SysTree(table, NodeRow.Sys.Number), memory, control, new ControlBudget(owner.Uid), vfio,
            pollHandle => _session?.NotifyPoll(pollHandle), owner, () => _session);
        _attributes = new NodeAttributes(_services);
    }

    /// <summary>Tells the tree which session serves it; before the session starts.</summary>
    public void Attach(FuseSession session) => _session = session;

    /// <inheritdoc/>
    public override int Lookup(in FuseRequest request, ReadOnlySpan<byte> name, out FuseEntry entry)
    {
        entry = default;
        var parent = new NodeId(request.Node);
        return Find(parent, name) is { } found ? _attributes.FillEntry(found, out entry) : -(int)Errno.ENOENT;
    }

    /// <inheritdoc/>
    public override int GetAttr(in FuseRequest request, out FuseAttr attr) => _attributes.Fill(new NodeId(request.Node), out attr);

    /// <inheritdoc/>
    public override int SetAttr(in FuseRequest request, in FuseSetAttr change, out FuseAttr attr)
    {
        attr = default;
        const uint NotOurs = FuseSetAttr.ValidMode | FuseSetAttr.ValidUid | FuseSetAttr.ValidGid;
        return (change.Valid & NotOurs) != 0 ? -(int)Errno.EPERM : _attributes.Fill(new NodeId(request.Node), out attr);
    }

    /// <inheritdoc/>
    public override int ReadLink(in FuseRequest request, Span<byte> target)
    {
        var node = new NodeId(request.Node);
        if (!_services.Sys.Owns(node) || _services.Sys.TypeOf(node) != SysTree.TypeLink)
            return -(int)Errno.EINVAL;
        byte[]? content = _services.Sys.Content(node);
        return content is not null && content.AsSpan().TryCopyTo(target) ? content.Length : -(int)Errno.ENOENT;
    }

    /// <inheritdoc/>
    public override int Open(in FuseRequest request, uint flags, out FuseOpened opened)
    {
        opened = default;
        var node = new NodeId(request.Node);
        NodeRow? row = NodeRow.Of(node.Row);
        MountedSubchannel? entry = node.Slot == 0 ? null : _services.Table.At(node.Slot);
        NodeOpener? open = _services.Sys.Owns(node) ? OpenerOfSys(node) : (row?.IsOfSubchannel ?? false) == (entry is not null) ? row?.Open : null;
        if (open is null)
            return -(int)Errno.ENODEV;

        // What a VFIO client makes us keep is the most, so there its process counts too.
        bool ofClient = row is not null && (row.Rights & NodeRights.OfClient) != 0;
        ClientAccount account = _services.Vfio.Accounts.Of(request.Uid, ofClient ? request.Pid : 0);
        return Keep(open, new Opening(_services, entry, request, flags, account), out opened);
    }

    /// <inheritdoc/>
    public override void Release(in FuseRequest request, ulong handle)
    {
        if (!_open.TryRemove(handle, out OpenFile? file))
            return;
        file.Close();
        file.Account.Give(Resource.Memory, file.Size);
        file.Account.Give(Resource.Files);
    }

    /// <inheritdoc/>
    public override int Read(in FuseRequest request, ulong handle, long offset, uint flags, Span<byte> buffer) =>
        _open.TryGetValue(handle, out OpenFile? file) && offset >= 0 ? file.Read(request, offset, flags, buffer) : -(int)Errno.EBADF;

    /// <inheritdoc/>
    public override int Write(in FuseRequest request, ulong handle, long offset, uint flags, ReadOnlySpan<byte> data) =>
        _open.TryGetValue(handle, out OpenFile? file) && offset >= 0 ? file.Write(request, offset, data) : -(int)Errno.EBADF;

    /// <inheritdoc/>
    public override int Ioctl(
        in FuseRequest request, ulong handle, uint command, ulong argument, ReadOnlySpan<byte> input, Span<byte> output, out int result)
    {
        result = 0;
        return _open.TryGetValue(handle, out OpenFile? file) ? file.Ioctl(request, command, argument) : -(int)Errno.EBADF;
    }

    /// <inheritdoc/>
    public override int Fsync(in FuseRequest request, ulong handle, bool dataOnly) =>
        _open.TryGetValue(handle, out OpenFile? file) ? file.Fsync() : 0;

    /// <inheritdoc/>
    public override int Poll(in FuseRequest request, ulong handle, ulong pollHandle, bool notify, out uint events)
    {
        events = 0;
        return _open.TryGetValue(handle, out OpenFile? file) ? file.Poll(pollHandle, notify, out events) : -(int)Errno.EBADF;
    }

    /// <inheritdoc/>
    public override int OpenDir(in FuseRequest request, out FuseOpened opened)
    {
        opened = default;
        var node = new NodeId(request.Node);
        NodeOpener? open = _services.Sys.Owns(node) ? OpenerOfSysDirectory(node)
            : NodeRow.Of(node.Row) is { IsDirectory: true } row && !_attributes.IsGone(node)
            ? NodeRow.Made(opening => OpenDirectory(row, node.Slot, opening.Account))
            : null;
        return open is null ? -(int)Errno.ENOENT
            : Keep(open, new Opening(_services, null, request, 0, _services.Vfio.Accounts.Of(request.Uid)), out opened);
    }

    /// <inheritdoc/>
    public override void ReleaseDir(in FuseRequest request, ulong handle) => Release(request, handle);

    /// <inheritdoc/>
    public override int ReadDir(in FuseRequest request, ulong handle, ulong offset, ref FuseDirectoryWriter writer) =>
        _open.TryGetValue(handle, out OpenFile? directory) ? directory.ReadDir(new NodeId(request.Node), offset, ref writer) : -(int)Errno.EBADF;

    /// <inheritdoc/>
    public override int StatFs(in FuseRequest request, out FuseStatFs statFs)
    {
        statFs = new FuseStatFs
        {
            BlockSize = NodeAttributes.BlockSize,
            Blocks = (ulong)_services.Memory.Length / NodeAttributes.BlockSize,
            Files = (ulong)_services.Table.Count,
            NameLength = FuseDirectoryWriter.NameLimit,
        };
        return 0;
    }

    private NodeId? Find(NodeId parent, ReadOnlySpan<byte> name)
    {
        if (_services.Sys.Owns(parent))
            return _services.Sys.Find(parent, name);
        if (NodeRow.Of(parent.Row) is not { IsDirectory: true } directory || _attributes.IsGone(parent))
            return null;
        foreach (NodeRow row in directory.Children)
        {
            if (name.SequenceEqual(row.NameBytes))
                return row.Node(parent.Slot);
        }
        if (directory != NodeRow.Root || name.Length > LongestId)
            return null;
        string text = Encoding.UTF8.GetString(name);
        return SubchannelId.TryParse(text, out SubchannelId id) && id.ToString() == text && _services.Table.Find(id) is { } entry
            ? NodeRow.OfSubchannel.Node(entry.Slot) : null;
    }

    /// <summary>
    /// Opens a file, counts it and what it keeps, and gives it a handle. Over a limit, or refused by its kind, nothing is open and counted.
    /// </summary>
    private int Keep(NodeOpener open, in Opening opening, out FuseOpened opened)
    {
        opened = default;
        int refusal = opening.Account.TryTake(Resource.Files);
        if (refusal < 0)
            return refusal;
        OpenFile? file = null;
        try
        {
            refusal = open(opening, out file);
            if (refusal == 0)
                refusal = opening.Account.TryTake(Resource.Memory, file!.Size);
        }
        catch
        {
            opening.Account.Give(Resource.Files);
            throw;
        }
        if (refusal < 0)
        {
            file?.Close();
            opening.Account.Give(Resource.Files);
            return refusal;
        }
        (opened.Handle, opened.Flags) = (Interlocked.Increment(ref _lastHandle), file!.Flags);
        _open[opened.Handle] = file;
        return 0;
    }

    private DirectoryFile OpenDirectory(NodeRow row, ulong slot, ClientAccount account)
    {
        NodeRow[] rows = row.Children;
        IReadOnlyList<MountedSubchannel> entries = row == NodeRow.Root ? _services.Table.All : [];
        DirectoryName Name(int index)
        {
            if (index < rows.Length)
                return new DirectoryName(rows[index].NameBytes, rows[index].Node(slot), rows[index].IsDirectory ? NodeAttributes.Directory
                    : NodeAttributes.Regular);
            MountedSubchannel entry = entries[index - rows.Length];
            return new DirectoryName(Encoding.ASCII.GetBytes(entry.Id.ToString()), NodeRow.OfSubchannel.Node(entry.Slot),
                NodeAttributes.Directory);
        }
        return new DirectoryFile(_attributes, rows.Length + entries.Count, Name, (long)entries.Count * EntrySize, account);
    }

    private NodeOpener? OpenerOfSys(NodeId node) => _services.Sys.TypeOf(node) is null ? null
        : NodeRow.Made(opening => new TextFile(opening.Services.Sys.Content(node) ?? [], opening.Account));

    private NodeOpener? OpenerOfSysDirectory(NodeId node) => _services.Sys.TypeOf(node) != SysTree.TypeDirectory ? null
        : NodeRow.Made(opening =>
        {
            IReadOnlyList<DirectoryName> names = opening.Services.Sys.List(node);
            return new DirectoryFile(_attributes, names.Count, index => names[index], (long)names.Count * ListedSize, opening.Account);
        });
}
