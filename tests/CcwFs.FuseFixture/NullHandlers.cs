using System.Text;
using CcwFs.Fuse;

namespace CcwFs.FuseFixture;

/// <summary>One directory with one file <c>null</c> of 124 bytes (an io region's size): a write is accepted, a read gives the bytes.</summary>
internal sealed class NullHandlers(uint uid, uint gid) : FuseHandlers
{
    private const ulong Root = 1, File = 2;
    private const int Size = 124;
    private const long Valid = 1_000_000_000;
    private const int NoEntry = -2;
    private const uint Directory = 0x4000 | 0x1C0, Regular = 0x8000 | 0x180; // 0700, 0600

    private readonly byte[] _content = new byte[Size];

    private static ReadOnlySpan<byte> Name => "null"u8;

    public override int Lookup(in FuseRequest request, ReadOnlySpan<byte> name, out FuseEntry entry)
    {
        entry = new FuseEntry { Node = File, EntryValidNs = Valid, AttrValidNs = Valid, Attr = Attributes(File) };
        return name.SequenceEqual(Name) ? 0 : NoEntry;
    }

    public override int GetAttr(in FuseRequest request, out FuseAttr attr)
    {
        attr = Attributes(request.Node);
        return 0;
    }

    public override int SetAttr(in FuseRequest request, in FuseSetAttr change, out FuseAttr attr)
    {
        attr = Attributes(request.Node);
        return 0;
    }

    public override int Open(in FuseRequest request, uint flags, out FuseOpened opened)
    {
        opened = new FuseOpened { Flags = FuseOpened.DirectIo };
        return 0;
    }

    public override int OpenDir(in FuseRequest request, out FuseOpened opened)
    {
        opened = default;
        return 0;
    }

    public override int ReadDir(in FuseRequest request, ulong handle, ulong offset, ref FuseDirectoryWriter writer)
    {
        if (offset == 0)
            writer.TryAdd(Name, File, Regular, 1);
        return 0;
    }

    public override int Read(in FuseRequest request, ulong handle, long offset, uint flags, Span<byte> buffer)
    {
        if (offset >= Size)
            return 0;
        int count = Math.Min(buffer.Length, Size - (int)offset);
        _content.AsSpan((int)offset, count).CopyTo(buffer);
        return count;
    }

    public override int Write(in FuseRequest request, ulong handle, long offset, uint flags, ReadOnlySpan<byte> data)
    {
        if (offset + data.Length > Size)
            return -22;
        data.CopyTo(_content.AsSpan((int)offset));
        return data.Length;
    }

    private FuseAttr Attributes(ulong node) => new()
    {
        Node = node,
        Mode = node == Root ? Directory : Regular,
        Size = node == Root ? 0 : (ulong)Size,
        Links = 1,
        Uid = uid,
        Gid = gid,
    };
}
