using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;

namespace CcwFs.Fuse;

/// <summary>
/// Takes the entries of a directory into a reply: struct fuse_dirent, or fuse_direntplus (linux/fuse.h), each padded to 8 bytes.
/// </summary>
public ref struct FuseDirectoryWriter
{
    /// <summary>Longest name (NAME_MAX; the kernel refuses FUSE_NAME_MAX 1024 and up).</summary>
    public const int NameLimit = 255;

    private const int Alignment = 8; // FUSE_REC_ALIGN
    private const int TypeShift = 12; // S_IFMT to DT_*

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
        // The kernel treats a direntplus without a node id as a plain dirent: no lookup is counted.
        int prefix = Plus ? Unsafe.SizeOf<FuseEntryOut>() : 0;
        int used = prefix + Unsafe.SizeOf<FuseDirent>() + name.Length;
        int padded = (used + Alignment - 1) & -Alignment;
        if (name.Length is 0 or > NameLimit || padded > _room.Length - Length)
            return false;
        Span<byte> at = _room.Slice(Length, padded);
        if (Plus)
        {
            FuseEntryOut head = entry.Node == 0 ? default : FuseEncoding.Entry(entry);
            MemoryMarshal.Write(at, in head);
        }
        FuseDirent dirent = new() { Ino = node, Off = nextOffset, Namelen = (uint)name.Length, Type = mode >> TypeShift };
        MemoryMarshal.Write(at[prefix..], in dirent);
        name.CopyTo(at[(used - name.Length)..]);
        at[used..].Clear();
        Length += padded;
        return true;
    }
}
