using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>The space that slots take in their files, and the bytes that are there. Under the image's write lock.</summary>
internal sealed class SlotSpace(ImageSlots slots)
{
    // Pages that hold a byte other than zero are no holes; file-system blocks are of this size or more.
    private const int PageSize = 4_096;

    // Made by the first write: thousands of volumes may be open that are only read.
    private byte[]? _old;
    private AllocatedTracks? _allocated;

    /// <summary>
    /// Makes sure the blocks under the new bytes exist, by writing the slot's old bytes over themselves where a page might be a hole; that changes
    /// nothing, at whatever byte it fails. The length known to be there is kept (<see cref="AllocatedTracks"/>), so it is done once per track and
    /// open. Gives the slot's bytes as far as they are replaced, valid until the next call.
    /// </summary>
    internal ReadOnlySpan<byte> Allocate(in TrackImage image)
    {
        _allocated ??= new AllocatedTracks(slots.Geometry.Tracks);
        ref ushort known = ref _allocated.Of(image.Track);
        if (image.Slot.Length <= known)
            return image.Old.Length >= image.Slot.Length ? image.Old.Span : ReadOld(image.Track, image.Slot.Length);
        byte[] old = ReadOld(image.Track);
        known = (ushort)image.Slot.Length;
        SlotPart part = slots.Locate(image.Track, out long offset);
        if (!MayHaveHoles(old.AsSpan(0, known), offset))
            return old;
        int length = Math.Min(old.Length, (known + PageSize - 1) / PageSize * PageSize);
        known = 0;
        ImageException.Check(part.File.WriteAt(offset, old.AsSpan(0, length)));
        known = (ushort)length;
        return old;
    }

    /// <summary>A slot as it is in place, or its first bytes; valid until the next call.</summary>
    internal byte[] ReadOld(int track, int? length = null)
    {
        _old ??= new byte[slots.SlotSize];
        ImageException.Check(slots.TryReadInPlace(track, _old.AsSpan(0, length ?? _old.Length)));
        return _old;
    }

    private static bool MayHaveHoles(ReadOnlySpan<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, PageSize - (int)(offset % PageSize));
            if (bytes[..length].IndexOfAnyExcept((byte)0) < 0)
                return true;
            bytes = bytes[length..];
            offset += length;
        }
        return false;
    }

    /// <summary>So many tracks from this one on are becoming holes.</summary>
    internal void Forget(int track, int count) => _allocated?.Forget(track, count);
}
