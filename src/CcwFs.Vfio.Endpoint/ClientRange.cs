using CcwFs.Linux;
using CcwFs.Memory;

namespace CcwFs.Vfio.Endpoint;

/// <summary>A range of a client's memory, held until it is given back with <see cref="ClientMemory.GiveBack"/>.</summary>
/// <param name="Store">Where the bytes are.</param>
/// <param name="Offset">Offset of the first.</param>
/// <param name="Sources">What it holds; one entry for each hold.</param>
internal sealed record ClientRange(IMemoryStore Store, long Offset, IReadOnlyList<ClientSource> Sources);

/// <summary>A file, or the memory of a process, that ranges of a client are in; they share it.</summary>
internal sealed class ClientSource(IMemoryStore store) : IDisposable
{
    /// <summary>Where the bytes are; ends with this.</summary>
    public IMemoryStore Store => store;

    /// <summary>Ranges end here: the file's size when it was found.</summary>
    public long Length { get; init; } = long.MaxValue;

    /// <summary>Bytes mapped in place.</summary>
    public long Mapped { get; init; }

    /// <summary>Descriptors that it holds.</summary>
    public int Descriptors => Process is null ? 1 : 2;

    /// <summary>The file's identity; null for a process, and for a file that is not open for writing.</summary>
    public (ulong Device, ulong Inode)? File { get; init; }

    /// <summary>The process's pidfd, for the memory of a process; ends with this.</summary>
    public FileDescriptor? Process { get; init; }

    /// <summary>The process's number.</summary>
    public int ProcessId { get; init; }

    /// <summary>Ranges that hold it; guarded by the gate of the owner.</summary>
    public int Users { get; set; } = 1;

    /// <inheritdoc/>
    public void Dispose()
    {
        (store as IDisposable)?.Dispose();
        Process?.Dispose();
    }
}

/// <summary>Puts a range together from its areas; neighbours in the same source become one.</summary>
internal sealed class RangeBuilder
{
    private readonly List<Segment> _segments = [];
    private readonly List<ClientSource> _sources = [];

    /// <summary>Bytes so far.</summary>
    public long Length { get; private set; }

    /// <summary>What is held so far.</summary>
    public IReadOnlyList<ClientSource> Sources => _sources;

    /// <summary>Adds <paramref name="size"/> bytes at <paramref name="offset"/> of a source that was taken hold of for this.</summary>
    public void Add(ClientSource source, long offset, long size)
    {
        _sources.Add(source);
        if (_segments.Count > 0 && _segments[^1] is var last && last.Store == source.Store && last.Offset + last.Length == offset)
            _segments[^1] = last with { Length = last.Length + size };
        else
            _segments.Add(new Segment(Length, size, source.Store, offset));
        Length += size;
    }

    /// <summary>The whole range.</summary>
    public ClientRange Build() => _segments.Count == 1
        ? new ClientRange(_segments[0].Store, _segments[0].Offset, _sources)
        : new ClientRange(new SegmentedStore([.. _segments]), 0, _sources);
}
