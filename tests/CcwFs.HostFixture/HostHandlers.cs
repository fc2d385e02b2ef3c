using System.Text;
using CcwFs.Fuse;
using Mono.Unix.Native;

namespace CcwFs.HostFixture;

/// <summary>Serves a model as files. A write is one attribute's; what it changes is there when it returns. Nothing is cached.</summary>
internal sealed class HostHandlers : FuseHandlers
{
    private const ulong Root = 1;
    private const uint DirectoryMode = 0x4000 | 0x1ED, FileMode = 0x8000 | 0x1A4, LinkMode = 0xA000 | 0x1FF; // 0755, 0644, 0777
    private const int Page = 4096;

    private readonly Lock _gate = new();
    private readonly List<string> _paths = [""]; // a node's number less one is its place; guarded by _gate
    private readonly Dictionary<string, ulong> _nodes = new() { [""] = Root }; // guarded by _gate

    private HostModel _model = new(); // guarded by _gate
    private SortedDictionary<string, TreeNode>? _tree; // guarded by _gate: the model's now; null: it may have changed

    private SortedDictionary<string, TreeNode> Tree => _tree ??= HostTree.Of(_model);

    /// <summary>Does something with the model while nobody else does.</summary>
    internal T With<T>(Func<HostModel, T> action)
    {
        lock (_gate)
        {
            _tree = null;
            return action(_model);
        }
    }

    /// <summary>Everything as at the start.</summary>
    internal void Reset()
    {
        lock (_gate)
        {
            (_model, _tree) = (new HostModel(), null);
            foreach (ModelSubchannel subchannel in _model.Subchannels.Where(s => _model.Ignored.Contains(s.Device)))
                subchannel.Driver = "hidden";
        }
    }

    public override int Lookup(in FuseRequest request, ReadOnlySpan<byte> name, out FuseEntry entry)
    {
        entry = default;
        string child = Encoding.UTF8.GetString(name);
        lock (_gate)
        {
            string parent = PathOf(request.Node), path = parent.Length == 0 ? child : $"{parent}/{child}";
            if (!Tree.TryGetValue(path, out TreeNode? node))
                return -(int)Errno.ENOENT;
            ulong number = NumberOf(path);
            entry = new FuseEntry { Node = number, Attr = Attributes(number, node) };
            return 0;
        }
    }

    public override int GetAttr(in FuseRequest request, out FuseAttr attr)
    {
        attr = default;
        if (Node(request.Node) is not { } node)
            return -(int)Errno.ENOENT;
        attr = Attributes(request.Node, node);
        return 0;
    }

    public override int SetAttr(in FuseRequest request, in FuseSetAttr change, out FuseAttr attr) => GetAttr(request, out attr);

    public override int ReadLink(in FuseRequest request, Span<byte> target) => Node(request.Node) switch
    {
        { IsLink: true, Text: { } text } => Encoding.UTF8.GetBytes(text, target),
        null => -(int)Errno.ENOENT, // it went after it was looked up, as in sysfs
        _ => -(int)Errno.EINVAL,
    };

    public override int Open(in FuseRequest request, uint flags, out FuseOpened opened)
    {
        opened = new FuseOpened { Flags = FuseOpened.DirectIo };
        return Node(request.Node) is null ? -(int)Errno.ENOENT : 0;
    }

    public override int OpenDir(in FuseRequest request, out FuseOpened opened)
    {
        opened = default;
        return 0;
    }

    public override int Read(in FuseRequest request, ulong handle, long offset, uint flags, Span<byte> buffer)
    {
        if (Node(request.Node) is not { Text: { } text })
            return -(int)Errno.ENODEV;
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(text);
        bytes = bytes[(int)Math.Min(offset, bytes.Length)..];
        bytes = bytes[..Math.Min(bytes.Length, buffer.Length)];
        bytes.CopyTo(buffer);
        return bytes.Length;
    }

    public override int Write(in FuseRequest request, ulong handle, long offset, uint flags, ReadOnlySpan<byte> data)
    {
        string text = Encoding.UTF8.GetString(data).TrimEnd('\n');
        lock (_gate)
        {
            string path = PathOf(request.Node);
            if (!Tree.ContainsKey(path))
                return -(int)Errno.ENODEV;
            _tree = null;
            int result = _model.Write(path, text);
            return result < 0 ? result : data.Length;
        }
    }

    public override int ReadDir(in FuseRequest request, ulong handle, ulong offset, ref FuseDirectoryWriter writer)
    {
        lock (_gate)
        {
            string parent = PathOf(request.Node), prefix = parent.Length == 0 ? "" : parent + "/";
            KeyValuePair<string, TreeNode>[] children =
                [.. Tree.Where(n => n.Key.StartsWith(prefix, StringComparison.Ordinal) && !n.Key[prefix.Length..].Contains('/'))];
            for (int i = (int)offset; i < children.Length; i++)
            {
                ulong number = NumberOf(children[i].Key);
                var entry = new FuseEntry { Node = number, Attr = Attributes(number, children[i].Value) };
                if (!writer.TryAdd(Encoding.UTF8.GetBytes(children[i].Key[prefix.Length..]), entry, (ulong)i + 1))
                    break;
            }
            return 0;
        }
    }

    private TreeNode? Node(ulong number)
    {
        lock (_gate)
            return number == Root ? TreeNode.Directory : Tree.GetValueOrDefault(PathOf(number));
    }

    private string PathOf(ulong number) => _paths[(int)number - 1];

    private ulong NumberOf(string path)
    {
        if (_nodes.TryGetValue(path, out ulong number))
            return number;
        _paths.Add(path);
        return _nodes[path] = (ulong)_paths.Count;
    }

    private static FuseAttr Attributes(ulong number, TreeNode node) => new()
    {
        Node = number,
        Mode = node.IsDirectory ? DirectoryMode : node.IsLink ? LinkMode : FileMode,
        Size = node.IsDirectory ? 0 : node.IsLink ? (ulong)node.Text!.Length : Page,
        Links = 1,
    };
}
