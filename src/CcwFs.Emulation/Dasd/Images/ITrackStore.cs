using CcwFs.ChannelIo;
using CcwFs.CommandSets.Eckd;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>
/// The tracks of one CKD volume on stable storage: an image file, several files, or memory. Thread-safe. Tracks are numbered from 0,
/// cylinder-major (track = cylinder * heads + head); a slot holds a track in <see cref="CkdTrack"/>'s layout.
/// </summary>
public interface ITrackStore : IImageStore
{
    /// <summary>Size and model.</summary>
    CkdGeometry Geometry { get; }

    /// <summary>What its file is, with what is known of that once it is open.</summary>
    VolumeFile File => default;

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

    /// <summary>
    /// The first track from <paramref name="track"/> on that may have been formatted, as far as it is known without reading; the number of tracks
    /// when there is none.
    /// </summary>
    int NextFormatted(int track) => track;

    /// <summary>Bytes of memory that it may keep for itself.</summary>
    long KeptBytes => 0;

    /// <summary>What else there is to be told of it, for a person: names and values.</summary>
    IEnumerable<KeyValuePair<string, string>> Describe() => [];

    /// <summary>Bytes of storage in use.</summary>
    long AllocatedBytes { get; }
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

    /// <summary>A track, for messages.</summary>
    public string At(int track) => $"cylinder {track / Heads} head {track % Heads}";
}
