using CcwFs.Linux;
using CcwFs.Memory;

namespace CcwFs.Vfio.Endpoint;

/// <summary>
/// Memory of a client that is read and written by a descriptor: a file that may shrink, or the memory of a process, where an offset is an address. A
/// short count is memory that is gone: the file was cut, the process ended or executes another program. Owns the descriptor.
/// </summary>
internal sealed class DescriptorStore(FileDescriptor file) : IMemoryStore, IDisposable
{
    public long Length => long.MaxValue; // the kernel knows the end

    /// <summary>A process can hold up accesses to its memory (userfaultfd(2)), a file system those to its files.</summary>
    public bool MayWait => true;

    public bool Read(long offset, Span<byte> destination)
    {
        try
        {
            return file.ReadWholeAt(offset, destination);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    public bool Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            return file.WriteWholeAt(offset, source);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose() => file.Dispose();
}

/// <summary>One stretch of a <see cref="SegmentedStore"/>.</summary>
/// <param name="Start">Its offset there.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Store">Where the bytes are.</param>
/// <param name="Offset">Offset of the first in <paramref name="Store"/>.</param>
internal readonly record struct Segment(long Start, long Length, IMemoryStore Store, long Offset);

/// <summary>A range of a client's memory that lies in several areas of different kinds. Owns none of the stores.</summary>
internal sealed class SegmentedStore(Segment[] segments) : IMemoryStore
{
    public long Length { get; } = segments[^1].Start + segments[^1].Length;

    /// <inheritdoc/>
    public bool MayWait { get; } = Array.Exists(segments, s => s.Store.MayWait);

    public bool TryAddress(long offset, out ulong address, out long length)
    {
        ref readonly Segment segment = ref segments[Find(offset)];
        bool found = segment.Store.TryAddress(segment.Offset + (offset - segment.Start), out address, out length);
        length = Math.Min(length, segment.Start + segment.Length - offset);
        return found;
    }

    public bool Read(long offset, Span<byte> destination)
    {
        for (int at = Find(offset); !destination.IsEmpty; at++)
        {
            ref readonly Segment segment = ref segments[at];
            int part = (int)Math.Min(destination.Length, segment.Start + segment.Length - offset);
            if (!segment.Store.Read(segment.Offset + (offset - segment.Start), destination[..part]))
                return false;
            destination = destination[part..];
            offset += part;
        }
        return true;
    }

    public bool Write(long offset, ReadOnlySpan<byte> source)
    {
        for (int at = Find(offset); !source.IsEmpty; at++)
        {
            ref readonly Segment segment = ref segments[at];
            int part = (int)Math.Min(source.Length, segment.Start + segment.Length - offset);
            if (!segment.Store.Write(segment.Offset + (offset - segment.Start), source[..part]))
                return false;
            source = source[part..];
            offset += part;
        }
        return true;
    }

    private int Find(long offset)
    {
        int low = 0, high = segments.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            if (segments[middle].Start <= offset)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}
