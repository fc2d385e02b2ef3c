using System.Diagnostics.CodeAnalysis;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Overlay;

/// <summary>
/// A volume over another one, the base, which is only read: what is written goes to a file of its own, whole tracks. That file is a head
/// (<see cref="OverlayHeader"/>) and a slot for each track, sparse. The first byte of a slot tells what it is. 0: the base has the track (all
/// zeros, a hole). 1: a track in <see cref="CkdTrack"/>'s layout, but for this byte, which is 0 there. 2: an empty track, which was released.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public sealed class OverlayImage : CopiedSlotStore
{
    private const byte OfBase = 0, Here = 1, Released = 2;
    private const int ReleasedAtOnce = 1_024; // tracks (arbitrary: what a redo file takes)

    private static readonly byte[] s_released = [Released];
    private readonly ITrackStore _base;
    private readonly bool _isTemporary;

    private OverlayImage(IImageFiles files, string path, ImageOptions options, SlotFiles parts, ITrackStore basis)
        : base(files, path, options, asIs: false, parts) => (_base, _isTemporary) = (basis, files is UnnamedFiles);

    /// <inheritdoc/>
    public override VolumeFile File => _base.File with { Redo = Redo, Base = _base.Name };

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe() =>
        base.Describe().Prepend(new("base", _base.Name)).Concat(_base.Describe());

    /// <summary>
    /// Opens the overlay <paramref name="path"/> of <paramref name="basis"/>, which it owns from then on, as <see
    /// cref="CkdImage.Open(IImageFiles, string, ImageOptions, int?)"/> does an image. The base is disposed when it cannot be opened.
    /// </summary>
    public static OverlayImage Open(IImageFiles files, string path, ITrackStore basis, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(basis);
        IImageFile? file = null;
        try
        {
            file = OpenedFile.Of(path, () => files.Open(path, !options.ReadOnly));
            return Over(files, path, file, basis, options);
        }
        catch
        {
            file?.Dispose();
            basis.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens an overlay of <paramref name="basis"/>, which it owns from then on, in a file that has no name and is gone with it. The base is disposed
    /// when there can be none.
    /// </summary>
    public static OverlayImage OpenTemporary(IImageFiles files, ITrackStore basis, ImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(basis);
        IImageFile? file = null, redo = null;
        try
        {
            file = files.CreateUnnamed();
            redo = files.CreateUnnamed();
            ImageException.Check(Fill(file, basis), $"{file.Path}: ");
            return Over(new UnnamedFiles(files, redo), file.Path, file, basis, options with { Sync = ImageSync.None, Redo = null });
        }
        catch
        {
            file?.Dispose();
            redo?.Dispose();
            basis.Dispose();
            throw;
        }
    }

    private static OverlayImage Over(IImageFiles files, string path, IImageFile file, ITrackStore basis, ImageOptions options)
    {
        OverlayHeader header = OverlayHeader.Of(basis);
        byte[] sector = new byte[OverlayHeader.Size];
        ImageException.Check(file.Status(out FileStatus status), $"{path}: ");
        int read = ImageException.Check(file.ReadAt(0, sector), $"{path}: ");
        if (read < sector.Length)
            sector.AsSpan().Clear();
        if (header.Fault(sector, status.Size) is { } fault)
            throw new ImageException($"{path}: {fault} (its base is {basis.Name})");
        var binding = new RedoBinding(status.Size, Crc32C.Of(sector), status.Inode);
        CkdGeometry geometry = basis.Geometry;
        SlotPart whole = new(file, 0, geometry.Tracks, status.Size);
        var parts = new SlotFiles(geometry, OverlayHeader.SlotsAt, geometry.TrackSize, [whole], binding);
        return Make(path, parts, made => new OverlayImage(files, path, options, made, basis));
    }

    /// <summary>
    /// Makes an empty overlay of <paramref name="basis"/>, with a name when it is whole. False: there is a file of that name already. Others may not
    /// even read it, as an image.
    /// </summary>
    public static bool Create(string path, ITrackStore basis)
    {
        ArgumentNullException.ThrowIfNull(basis);
        if (FileDescriptor.Status(path, follow: true, out _) == 0)
            return false;
        using NewImageFile file = NewImageFile.Make(path);
        OverlayHeader header = OverlayHeader.Of(basis);
        file.SetLength(header.FileLength);
        file.Write(0, header.Sector());
        file.Finish();
        return true;
    }

    /// <summary>The head, and the last byte, which is in the slot of the last track: the file is as long as it will be.</summary>
    private static int Fill(IImageFile file, ITrackStore basis)
    {
        OverlayHeader header = OverlayHeader.Of(basis);
        int result = file.WriteAt(header.FileLength - 1, [0]);
        return result < 0 ? result : file.WriteAt(0, header.Sector());
    }

    /// <inheritdoc/>
    /// <remarks>What is gone with its volume is never brought to stable storage.</remarks>
    public override void SetSync(ImageSync sync)
    {
        if (!_isTemporary)
            base.SetSync(sync);
    }

    /// <inheritdoc/>
    public override int NextWithData(int track) => NextFormatted(track);

    /// <inheritdoc/>
    public override int NextFormatted(int track) => Math.Min(base.NextWithData(track), _base.NextFormatted(track));

    /// <inheritdoc/>
    public override bool IsEmpty(int track)
    {
        byte[] slot = new byte[Geometry.TrackSize];
        Read(track, slot);
        return slot.AsSpan().IndexOfAnyExcept((byte)0) < 0;
    }

    /// <inheritdoc/>
    public override void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        ReadSlotUnlessZero(track, slot);
        switch (slot[0])
        {
            case OfBase:
                _base.Read(track, slot);
                break;
            case Here:
                slot[0] = 0;
                break;
            case Released:
                slot.Clear();
                break;
            default:
                break; // a home address that the parser of tracks refuses
        }
    }

    /// <inheritdoc/>
    /// <remarks>A track keeps the space that it has in the overlay: what shows that it is empty stands there.</remarks>
    public override void Release(int first, int count)
    {
        CheckRange(first, count);
        var slots = new TrackImage[Math.Min(count, ReleasedAtOnce)];
        for (int track = first, end = first + count; track < end;)
        {
            int length = 0;
            // One that was never formatted, here or there, is empty already.
            for (; length < slots.Length && (track = NextFormatted(track)) < end; track++)
                slots[length++] = new TrackImage(track, s_released);
            WriteSlots(slots.AsSpan(0, length));
        }
    }

    private protected override void OnClosed() => _base.Dispose();

    private protected override void WriteWhole(ReadOnlySpan<TrackImage> tracks)
    {
        for (int index = 0; index < tracks.Length; index++)
        {
            ReadOnlySpan<byte> slot = tracks[index].Slot.Span;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(slot.Length, Geometry.TrackSize, nameof(tracks));
            byte[] copy = Copy(index);
            slot.CopyTo(copy);
            copy[0] = Here;
            Slots[index] = new TrackImage(tracks[index].Track, copy.AsMemory(0, slot.Length));
        }
        WriteSlots(Slots.AsSpan(0, tracks.Length));
    }
}
