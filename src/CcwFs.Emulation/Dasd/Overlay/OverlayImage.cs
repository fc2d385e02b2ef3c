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
public sealed class OverlayImage : SlotStore
{
    private const byte OfBase = 0, Here = 1, Released = 2;
    private const int MostAtOnce = 32;          // tracks that are written whole or not at all (arbitrary: what a volume caches)
    private const int ReleasedAtOnce = 1_024;   // tracks (arbitrary: what a redo file takes)

    private static readonly byte[] s_released = [Released];
    private readonly ITrackStore _base;
    private readonly Lock _gate = new();
    private readonly byte[]?[] _copies = new byte[]?[MostAtOnce];          // guarded by _gate
    private readonly TrackImage[] _slots = new TrackImage[MostAtOnce]; // guarded by _gate

    private readonly bool _isTemporary;

    private OverlayImage(IImageFiles files, string path, ImageOptions options, bool asIs, SlotFiles parts, ITrackStore basis)
        : base(files, path, options, asIs, parts) => (_base, _isTemporary) = (basis, files is UnnamedFiles);

    /// <inheritdoc/>
    public override VolumeFile File => _base.File with { Redo = Redo, Base = _base.Name };

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe() =>
        base.Describe().Prepend(new("base", _base.Name)).Concat(_base.Describe());

    /// <summary>
    /// Opens the overlay <paramref name="path"/> of <paramref name="basis"/>, which it owns from then on, as <see
    /// cref="CkdImage.Open(IImageFiles, string, ImageOptions, int?)"/> does an image. The base is disposed when it cannot be opened.
    /// </summary>
    public static OverlayImage Open(IImageFiles files, string path, ITrackStore basis, ImageOptions options, bool asIs = false)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(basis);
        IImageFile? file = null;
        try
        {
            file = OpenFile(files, path, !options.ReadOnly);
            return Over(files, path, file, basis, options, asIs);
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
            return Over(new UnnamedFiles(files, redo), file.Path, file, basis, options with { Sync = ImageSync.None, Redo = null }, asIs: false);
        }
        catch
        {
            file?.Dispose();
            redo?.Dispose();
            basis.Dispose();
            throw;
        }
    }

    private static OverlayImage Over(IImageFiles files, string path, IImageFile file, ITrackStore basis, ImageOptions options, bool asIs)
    {
        OverlayHeader header = OverlayHeader.Of(basis);
        byte[] sector = new byte[OverlayHeader.Size];
        ImageException.Check(file.Status(out FileStatus status), $"{path}: ");
        int read = ImageException.Check(file.ReadAt(0, sector), $"{path}: ");
        if (header.Fault(sector.AsSpan(0, read).Length < sector.Length ? new byte[sector.Length] : sector, status.Size) is { } fault)
            throw new ImageException($"{path}: {fault} (its base is {basis.Name})");
        var binding = new RedoBinding(status.Size, Crc32C.Of(sector), status.Inode);
        CkdGeometry geometry = basis.Geometry;
        SlotPart whole = new(file, 0, geometry.Tracks, status.Size);
        var parts = new SlotFiles(geometry, OverlayHeader.SlotsAt, geometry.TrackSize, [whole], binding);
        return Make(path, parts, made => new OverlayImage(files, path, options, asIs, made, basis));
    }

    private static IImageFile OpenFile(IImageFiles files, string path, bool write)
    {
        try
        {
            return files.Open(path, write) ?? throw new ImageException("no such file");
        }
        catch (ImageException error)
        {
            throw new ImageException($"{path}: {(error.Errno == 0 ? "" : "cannot be opened: ")}{error.Message}", error.Errno);
        }
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
        byte[] sector = new byte[OverlayHeader.Size];
        header.Format(sector);
        file.SetLength(header.FileLength);
        file.Write(0, sector);
        file.Finish();
        return true;
    }

    /// <summary>The head, and the last byte, which is in the slot of the last track: the file is as long as it will be.</summary>
    private static int Fill(IImageFile file, ITrackStore basis)
    {
        OverlayHeader header = OverlayHeader.Of(basis);
        byte[] sector = new byte[OverlayHeader.Size];
        header.Format(sector);
        int result = file.WriteAt(header.FileLength - 1, [0]);
        return result < 0 ? result : file.WriteAt(0, sector);
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
    /// <remarks>A call of up to 32 tracks is applied whole or not at all; a longer one in pieces of as many.</remarks>
    public override void Write(ReadOnlySpan<TrackImage> tracks)
    {
        lock (_gate)
        {
            for (; tracks.Length > MostAtOnce; tracks = tracks[MostAtOnce..])
                WriteWhole(tracks[..MostAtOnce]);
            WriteWhole(tracks);
        }
    }

    /// <inheritdoc/>
    /// <remarks>A track keeps the space that it has in the overlay: what shows that it is empty stands there.</remarks>
    public override void Release(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, Geometry.Tracks - count);
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

    private void WriteWhole(ReadOnlySpan<TrackImage> tracks)
    {
        for (int index = 0; index < tracks.Length; index++)
        {
            ReadOnlySpan<byte> slot = tracks[index].Slot.Span;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(slot.Length, Geometry.TrackSize, nameof(tracks));
            byte[] copy = _copies[index] ??= new byte[Geometry.TrackSize];
            slot.CopyTo(copy);
            copy[0] = Here;
            _slots[index] = new TrackImage(tracks[index].Track, copy.AsMemory(0, slot.Length));
        }
        WriteSlots(_slots.AsSpan(0, tracks.Length));
    }
}
