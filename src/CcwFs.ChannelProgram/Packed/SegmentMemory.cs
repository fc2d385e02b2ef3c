namespace CcwFs.ChannelProgram.Packed;

/// <summary>Segments as memory. They are sorted and do not overlap; neighbours read as one.</summary>
internal sealed class SegmentMemory(IReadOnlyList<PackedSegment> segments)
{
    /// <summary>Copies out; false when not every byte is in a segment.</summary>
    internal bool Read(ulong address, Span<byte> destination)
    {
        for (int at = IndexAt(address); !destination.IsEmpty; at++)
        {
            if (at < 0 || at >= segments.Count || address < segments[at].Address || address >= segments[at].End)
                return false;
            ReadOnlySpan<byte> there = segments[at].Bytes.Span[(int)(address - segments[at].Address)..];
            int part = Math.Min(there.Length, destination.Length);
            there[..part].CopyTo(destination);
            destination = destination[part..];
            address += (ulong)part;
        }
        return true;
    }

    /// <summary>The last segment that begins at or before an address; -1 when there is none.</summary>
    private int IndexAt(ulong address)
    {
        int low = 0, high = segments.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (segments[middle].Address <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }
}
