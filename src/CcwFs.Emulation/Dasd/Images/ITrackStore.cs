using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The tracks of one CKD volume on stable storage: an image file, several files, or memory. Thread-safe. Tracks are numbered from 0,
/// cylinder-major (track = cylinder * heads + head); a slot holds a track in <see cref="CkdTrack"/>'s layout.
/// Host faults are <see cref="ImageException"/>, whose message is one line for a person.
/// </summary>
public interface ITrackStore : IDisposable
{
    /// <summary>Size and model.</summary>
    CkdGeometry Geometry { get; }

    /// <summary>True when writes are refused.</summary>
    bool IsReadOnly { get; }

    /// <summary>Where the tracks are, for a person: the path, or "memory".</summary>
    string Name { get; }

    /// <summary>Reads one whole slot (<see cref="CkdGeometry.TrackSize"/> bytes). An empty slot reads as zeros.</summary>
    void Read(int track, Span<byte> slot);

    /// <summary>
    /// Writes whole tracks so that a kill of the process at any moment leaves each track old or new, and, once this has returned,
    /// new. On failure the old tracks are intact. Each element: track number and its slot's used bytes (the rest of the slot is zeroed or ignored).
    /// </summary>
    void Write(ReadOnlySpan<TrackImage> tracks);

    /// <summary>
    /// Makes tracks empty and gives their space back, with the same promise as <see cref="Write"/> against a kill: each is old or empty, and
    /// once this has returned, empty.
    /// </summary>
    void Release(int first, int count);

    /// <summary>Bytes of storage in use.</summary>
    long AllocatedBytes { get; }

    /// <summary>Brings everything to stable storage (power loss), where the store's policy did not already.</summary>
    void Sync();

    /// <summary>
    /// After Dispose: why what was written may not be on stable storage, or what else a person must know, one line; null when all is well.
    /// </summary>
    string? CloseFault => null;

    /// <summary>When writes go to stable storage, for a person; null: the store has none.</summary>
    ImageSync? SyncPolicy => null;

    /// <summary>From now on writes go to stable storage as <paramref name="sync"/> says, or sooner as they did before.</summary>
    void SyncAtLeast(ImageSync sync)
    {
    }
}

/// <summary>One track to write.</summary>
/// <param name="Track">Track number from 0.</param>
/// <param name="Slot">The slot's bytes, home address to end mark (a prefix of the slot).</param>
/// <param name="Old">
/// The slot's bytes as the caller read or wrote them last, as far as known: a store need not read them again. Nothing else may have written them
/// since.
/// </param>
public readonly record struct TrackImage(int Track, ReadOnlyMemory<byte> Slot, ReadOnlyMemory<byte> Old = default);

/// <summary>A volume's geometry (3390: 15 heads, slots of 56,832 bytes).</summary>
/// <param name="DeviceType">Device type, 3390.</param>
/// <param name="Cylinders">Primary cylinders, 1 to <see cref="MaxExtendedCylinders"/>.</param>
/// <param name="Heads">Tracks a cylinder.</param>
/// <param name="TrackSize">Bytes of a track slot in the image.</param>
public readonly record struct CkdGeometry(ushort DeviceType, int Cylinders, int Heads, int TrackSize)
{
    /// <summary>The largest volume whose cylinder numbers fit a plain CKD image (3390-54 is 65,520 cylinders).</summary>
    public const int MaxCylinders = 65_520;

    /// <summary>The largest extended address volume: a 3390-A of 1 TB.</summary>
    public const int MaxExtendedCylinders = 1_182_006;

    /// <summary>A 3390 of so many cylinders.</summary>
    public static CkdGeometry Model3390(int cylinders) => new(0x3390, cylinders, 15, 56_832);

    /// <summary>An extended address volume: its cylinder numbers take more than 16 bits (<see cref="TrackAddress"/>).</summary>
    public bool IsExtended => Cylinders > MaxCylinders;

    /// <summary>The cylinders where there are 16 bits for them: FFFE stands for more, and the number is elsewhere (Linux: LV_COMPAT_CYL).</summary>
    public ushort ShortCylinders => IsExtended ? (ushort)0xFFFE : (ushort)Cylinders;

    /// <summary>Tracks on the volume.</summary>
    public int Tracks => Cylinders * Heads;
}

/// <summary>A volume's storage failed or is corrupt. The message is one line: file, offset or track, reason.</summary>
public sealed class ImageException : IOException
{
    /// <summary>With a message; what is wrong is no error of the system.</summary>
    public ImageException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and the errno (positive) that the system gave; 0: none.</summary>
    public ImageException(string message, int errno)
        : base(message) => Errno = errno;

    /// <summary>With a message and the fault below.</summary>
    public ImageException(string message, Exception inner)
        : base(message, inner) => Errno = (inner as ImageException)?.Errno ?? 0;

    /// <summary>For serializers and analyzers.</summary>
    public ImageException()
    {
    }

    /// <summary>A reason: the runtime had no memory.</summary>
    internal const string NoMemory = "there is no memory for it now; try again";

    /// <summary>The errno that the system gave; 0 where it gave none.</summary>
    public int Errno { get; }

    /// <summary>There was no space left on the host's file system, or in the user's quota.</summary>
    public bool IsOutOfSpace => Errno is (int)Mono.Unix.Native.Errno.ENOSPC or (int)Mono.Unix.Native.Errno.EDQUOT;
}
