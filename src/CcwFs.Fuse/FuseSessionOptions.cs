namespace CcwFs.Fuse;

/// <summary>Sizes of a session.</summary>
public sealed record FuseSessionOptions
{
    /// <summary>Most workers that <see cref="MaxWorkers"/> may ask for. Arbitrary.</summary>
    public const int WorkerLimit = 256;

    /// <summary>Largest <see cref="MaxWrite"/>: 256 pages of 4 KiB (FUSE_MAX_MAX_PAGES of Linux before 6.13).</summary>
    public const int MaxWriteLimit = 1 << 20;

    /// <summary>Workers at the start; two at least, so that one that is busy does not stop INTERRUPT.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>Workers at most: one is added whenever none is left waiting for a request. Arbitrary.</summary>
    public int MaxWorkers { get; init; } = 16;

    /// <summary>Largest READ and WRITE in bytes; a multiple of 4096. A READ may have a page all the same, where that is more.</summary>
    public int MaxWrite { get; init; } = MaxWriteLimit;

    /// <summary>Bytes of a page of the kernel, in which it counts what a READ has: on arm64 4, 16 or 64 KiB.</summary>
    public int PageSize { get; init; } = Environment.SystemPageSize;

    /// <summary>The way of requests and replies.</summary>
    public FuseTransport Transport { get; init; }
}

/// <summary>How requests and replies go between the kernel and a session.</summary>
public enum FuseTransport
{
    /// <summary>Reads and writes of the device.</summary>
    Classic,

    /// <summary>io_uring where the kernel has it for FUSE and it is permitted, else <see cref="Classic"/>.</summary>
    Auto,

    /// <summary>io_uring, or the session fails.</summary>
    Rings,
}
