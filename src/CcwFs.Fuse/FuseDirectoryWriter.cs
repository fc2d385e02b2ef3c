using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CcwFs.Fuse;

/// <summary>
/// Takes the entries of a directory into a reply: struct fuse_dirent, or fuse_direntplus (linux/fuse.h), each padded to 8 bytes.
/// </summary>
public ref struct FuseDirectoryWriter
{
    /// <summary>Longest name (NAME_MAX; the kernel refuses FUSE_NAME_MAX 1024 and up).</summary>
    public const int NameLimit = 255;

    private readonly Span<byte> _room;

    /// <summary>A writer into <paramref name="room"/>; <paramref name="plus"/>: the kernel wants attributes too.</summary>
    public FuseDirectoryWriter(Span<byte> room, bool plus)
    {
        _room = room;
        Plus = plus;
    }

    /// <summary>READDIRPLUS: an entry added with a <see cref="FuseEntry"/> counts one lookup.</summary>
    public bool Plus { get; }

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    /// <summary>
    /// Adds an entry without a lookup (also "." and ".."). <paramref name="mode"/> gives the type (S_IF*), <paramref name="nextOffset"/> is where a
    /// later READDIR goes on after it. False: no room, and nothing was added.
    /// </summary>
    public bool TryAdd(ReadOnlySpan<byte> name, ulong node, uint mode, ulong nextOffset) =>
        TryAdd(name, node, mode, nextOffset, default);

    /// <summary>
    /// Adds an entry; in a READDIRPLUS with its attributes, and then the kernel has looked it up once. Not for "." and "..". False: no room, and
    /// nothing was added or counted.
    /// </summary>
    public bool TryAdd(ReadOnlySpan<byte> name, in FuseEntry entry, ulong nextOffset) =>
        TryAdd(name, entry.Attr.Node, entry.Attr.Mode, nextOffset, in entry);

    private bool TryAdd(ReadOnlySpan<byte> name, ulong node, uint mode, ulong nextOffset, in FuseEntry entry)
    {
        throw new NotImplementedException();
    }
}
