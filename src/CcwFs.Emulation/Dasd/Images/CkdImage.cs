using System.Diagnostics.CodeAnalysis;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Images;

/// <summary>A volume in CKD_P370 files: a slot is a track in <see cref="CkdTrack"/>'s layout.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public sealed class CkdImage : SlotStore
{
    private CkdImage(IImageFiles files, string path, ImageOptions options, bool asIs, SlotFiles parts)
        : base(files, path, options, asIs, parts)
    {
    }

    /// <inheritdoc/>
    public override VolumeFile File => new(Redo: Redo);

    /// <summary>Opens the image <paramref name="path"/> (of a series: its first file) in this process, locked while open.</summary>
    public static CkdImage Open(string path, bool readOnly = false, ImageSync sync = default) =>
        Open(HostImageFiles.Instance, path, new ImageOptions(readOnly, sync));

    /// <summary>
    /// Opens through <paramref name="files"/>, which must stay usable until the image is disposed. A corrupt image, a missing file, an image in use
    /// or a redo file that is not this image's is an <see cref="ImageException"/>; nothing is left open then. A change that was cut short is put in
    /// place first.
    /// </summary>
    /// <param name="files">Opens the files.</param>
    /// <param name="path">The image, of a series its first file; or a block device that holds one.</param>
    /// <param name="options">How.</param>
    /// <param name="cylinders">How many cylinders of a block device are the volume; null: all that are whole.</param>
    public static CkdImage Open(IImageFiles files, string path, ImageOptions options, int? cylinders = null) =>
        Open(files, path, options, cylinders, asIs: false);

    /// <summary>
    /// Opens to read the files as they are, whatever a redo file holds: what an open to write would refuse is in
    /// <see cref="SlotStore.RedoProblem"/>, what it would do in <see cref="SlotStore.RedoNote"/>.
    /// </summary>
    public static CkdImage OpenAsIs(IImageFiles files, string path, int? cylinders = null) =>
        Open(files, path, new ImageOptions(ReadOnly: true), cylinders, asIs: true);

    private static CkdImage Open(IImageFiles files, string path, ImageOptions options, int? cylinders, bool asIs)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentException.ThrowIfNullOrEmpty(path);
        SlotFiles opened = ImageSeries.Open(files, path, options.ReadOnly, cylinders);
        return Make(path, opened, parts => new CkdImage(files, path, options, asIs, parts));
    }

    /// <inheritdoc/>
    /// <remarks>Zeros where home address and record 0 would be. Reads a few bytes only.</remarks>
    public override bool IsEmpty(int track)
    {
        Span<byte> start = stackalloc byte[CkdTrack.HomeAddressSize + 2 * CkdTrack.CountSize];
        ReadStart(track, start);
        return start.IndexOfAnyExcept((byte)0) < 0;
    }

    /// <inheritdoc/>
    public override int NextFormatted(int track) => NextWithData(track);

    /// <summary>Reads the first bytes of a slot: enough for a track that ends there.</summary>
    internal void ReadStart(int track, Span<byte> bytes) => ReadSlot(track, bytes);

    /// <inheritdoc/>
    public override void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        ReadSlot(track, slot);
    }

    /// <inheritdoc/>
    /// <remarks>A call of up to 1,024 tracks is applied whole or not at all; a longer one in pieces of as many.</remarks>
    public override void Write(ReadOnlySpan<TrackImage> tracks) => WriteSlots(tracks);

    /// <summary>
    /// Formats an empty slot. A track within the slot's first sector is written whole or not at all: it needs no redo
    /// file and no space but its own block. Others go the usual way.
    /// </summary>
    internal void WriteEmpty(TrackImage track)
    {
        if (track.Slot.Length > RedoFile.SectorSize)
            Write([track]);
        else
            WriteEmptySlot(track);
    }
}
