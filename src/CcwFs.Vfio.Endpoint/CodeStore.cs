using CcwFs.Memory;
using CcwFs.Vfio;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// A mapping's memory, with what its client's emulator has made of the code in it. <paramref name="first"/> is the offset in <paramref name="store"/>
/// of the mapping's first byte, which the guest knows as <paramref name="iova"/> and the emulator has at <paramref name="user"/> (null: not known).
/// Owns nothing.
/// </summary>
internal sealed class CodeStore(IMemoryStore store, long first, ulong iova, ulong? user, ClientCode code) : IMemoryStore
{
    public long Length => store.Length;

    public bool MayWait => store.MayWait;

    public bool TryAddress(long offset, out ulong address, out long length) => store.TryAddress(offset, out address, out length);

    public bool Read(long offset, Span<byte> destination) => store.Read(offset, destination);

    public bool Write(long offset, ReadOnlySpan<byte> source) => store.Write(offset, source);

    public bool MayHoldCode(long offset, int length)
    {
        if (!code.IsTranslated)
            return false;
        if (code.Marks is not { } marks || user is null)
            return true;
        return marks.Count(user.Value + Into(offset)) != 0 || MayEndAt(marks, offset);
    }

    public byte CodeCount(long offset) => user is { } start && code.Marks is { } marks ? marks.Count(start + Into(offset)) : (byte)0;

    public void ForgetCode(long offset, byte count)
    {
        if (user is { } start)
            code.Marks?.Forget(start + Into(offset), count);
    }

    public IGuestCode? CodeAt(long offset, out ulong address)
    {
        address = iova + Into(offset);
        return code.IsTranslated ? code : null;
    }

    // An instruction of the page before may end in the first bytes of this one.
    private bool MayEndAt(CodeMarks marks, long offset)
    {
        int inPage = (int)(Into(offset) % GuestCodeMarks.PageSize);
        Span<byte> start = stackalloc byte[GuestCodeMarks.LongestEnd];
        return inPage < GuestCodeMarks.LongestEnd && (!store.Read(offset - inPage, start) || marks.MayEnd(start));
    }

    private ulong Into(long offset) => (ulong)(offset - first);
}
