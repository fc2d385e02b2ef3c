namespace CcwFs.Memory;

/// <summary>
/// Where guest memory's bytes are: a sealed mapping, a file, another process, an array. Several threads may use it at once; a copy is not
/// atomic, as on real storage. Callers keep offset and length inside <see cref="Length"/>.
/// </summary>
public interface IMemoryStore
{
    /// <summary>Bytes of the store.</summary>
    long Length { get; }

    /// <summary>
    /// A copy may wait as long as the owner of the memory likes: only a thread of that owner's own may copy, never one that serves others.
    /// </summary>
    bool MayWait => false;

    /// <summary>
    /// Where the byte at <paramref name="offset"/> lies in this process, and how many more lie after it without a gap (itself included). True for
    /// shared memory that is mapped and cannot shrink; the address is good until the store's owner ends it, who tells the users of its mappings
    /// before (<see cref="IPinOwner.Unmapped"/>).
    /// </summary>
    bool TryAddress(long offset, out ulong address, out long length)
    {
        (address, length) = (0, 0);
        return false;
    }

    /// <summary>
    /// Something may have been made of bytes in this range, which lies in one page, as of code: <see cref="CodeAt"/> says who is to drop it first.
    /// </summary>
    bool MayHoldCode(long offset, int length) => false;

    /// <summary>Changes whenever something is made of a byte of this page's code, as far as that can be known.</summary>
    byte CodeCount(long offset) => 0;

    /// <summary>
    /// All that was made of this page has been dropped, and nothing since <see cref="CodeCount"/> gave <paramref name="count"/>: it holds no code any
    /// more.
    /// </summary>
    void ForgetCode(long offset, byte count)
    {
    }

    /// <summary>Who has made something of the code here, and the guest's address of the byte at <paramref name="offset"/>; null: nobody.</summary>
    IGuestCode? CodeAt(long offset, out ulong address)
    {
        address = 0;
        return null;
    }

    /// <summary>Copies out. False when the memory is mapped but gone (its owner ended, its file was cut).</summary>
    bool Read(long offset, Span<byte> destination);

    /// <summary>Copies in. False as for <see cref="Read"/>.</summary>
    bool Write(long offset, ReadOnlySpan<byte> source);
}
