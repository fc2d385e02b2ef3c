using System.Diagnostics.CodeAnalysis;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;
using CcwFs.Linux;

namespace CcwFs.Emulation.Dasd.Raw;

/// <summary>
/// A volume in a plain file or on a block device that holds its block view (<see cref="RawFormat"/>): the same bytes are the disk of virtio-blk, and
/// what dd copies off /dev/dasda. A track that blocks cannot hold is refused (<see cref="ImageException.CannotHold"/>), and nothing is changed then.
/// A track that is released reads as blocks of zeros; tracks 0 and 1 read as unformatted where the blocks of their labels are zeros.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A volume.")]
public sealed class RawImage : CopiedSlotStore
{
    private readonly RawFormat _format;
    private byte[]? _read; // one that is not in use; for readers
    private bool _isPlain; // track 0 was formatted without keys and holds zeros alone, which its blocks do not tell; guarded by Gate

    private RawImage(IImageFiles files, string path, ImageOptions options, bool asIs, SlotFiles parts, RawFormat format)
        : base(files, path, options, asIs, parts) => _format = format;

    /// <inheritdoc/>
    public override VolumeFile File => new(VolumeFileKind.Raw, _format.BlockSize, Geometry.Cylinders, Redo);

    /// <inheritdoc/>
    public override IEnumerable<KeyValuePair<string, string>> Describe() =>
        base.Describe().Prepend(new("format", $"raw, blocks of {_format.BlockSize} bytes"));

    /// <summary>
    /// Opens a raw file or block device through <paramref name="files"/>, as
    /// <see cref="CkdImage.Open(IImageFiles, string, ImageOptions, int?)"/> does an image.
    /// </summary>
    public static RawImage Open(IImageFiles files, string path, RawOptions raw, ImageOptions options) => Open(files, path, raw, options, asIs: false);

    /// <summary>Opens to read the file as it is, as <see cref="CkdImage.OpenAsIs"/>.</summary>
    public static RawImage OpenAsIs(IImageFiles files, string path, RawOptions raw) =>
        Open(files, path, raw, new ImageOptions(ReadOnly: true), asIs: true);

    private static RawImage Open(IImageFiles files, string path, RawOptions raw, ImageOptions options, bool asIs)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentException.ThrowIfNullOrEmpty(path);
        IImageFile file = OpenedFile.Of(
            path, () => files.OpenDisk(path, !options.ReadOnly), "no such file; truncate -s SIZE makes an empty one");
        SlotFiles parts;
        RawFormat format;
        try
        {
            format = new RawFormat(raw.BlockSize ?? RawFormat.SizeOf(file) ?? 4_096);
            parts = Measure(file, format, raw, options.Say);
        }
        catch
        {
            file.Dispose();
            throw;
        }
        return Make(path, parts, made => new RawImage(files, path, options, asIs, made, format));
    }

    private static SlotFiles Measure(IImageFile file, RawFormat format, RawOptions raw, Action<string>? say)
    {
        long length = file.Length();
        if (length < 0)
            throw new ImageException($"{file.Path}: {Problem.Of((int)length)}", (int)-length);
        long cylinder = (long)CkdGeometry.Model3390(1).Heads * format.SlotSize;
        (long cylinders, long rest) = Math.DivRem(length, cylinder);
        if (cylinders == 0)
            throw new ImageException($"{file.Path}: {length} bytes are less than a cylinder of {cylinder}; a raw volume has at least one");
        if (raw.Cylinders > cylinders)
            throw new ImageException($"{file.Path}: it holds {cylinders} cylinders of {cylinder} bytes, not {raw.Cylinders}");
        if (raw.Cylinders is { } wanted)
            cylinders = wanted;
        else if (rest != 0)
            say?.Invoke($"{file.Path}: the last {rest} bytes are no whole cylinder of {cylinder}; they are not used");
        if (cylinders > CkdGeometry.MaxExtendedCylinders)
            throw new ImageException(
                $"{file.Path}: {cylinders} cylinders; a volume has at most {CkdGeometry.MaxExtendedCylinders}: give cylinders=N");
        ImageException.Check(file.Status(out FileStatus status), $"{file.Path}: ");
        CkdGeometry geometry = CkdGeometry.Model3390((int)cylinders);
        // The node of a block device is another one after a restart.
        ulong inode = status.Type == FileStatus.TypeRegular ? status.Inode : 0;
        var binding = new RedoBinding(cylinders * cylinder, Crc32C.Of("raw"u8, (uint)format.BlockSize), inode);
        return new SlotFiles(geometry, 0, format.SlotSize, [new SlotPart(file, 0, geometry.Tracks, cylinders * cylinder)], binding);
    }

    /// <inheritdoc/>
    public override int NextFormatted(int track) => track; // a hole is blocks of zeros

    /// <inheritdoc/>
    public override bool IsEmpty(int track)
    {
        if (track > 1)
            return false;
        byte[] blocks = new byte[_format.SlotSize];
        ReadSlot(track, blocks);
        return ShapeOf(track, blocks) == RawShape.Unformatted;
    }

    /// <inheritdoc/>
    public override void Read(int track, Span<byte> slot)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(slot.Length, Geometry.TrackSize);
        byte[] blocks = Interlocked.Exchange(ref _read, null) ?? new byte[_format.SlotSize];
        ReadSlot(track, blocks);
        TrackBlocks.Expand(_format, ShapeOf(track, blocks), Geometry, track, blocks, slot);
        _read = blocks;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// In pieces of 32 tracks: zeros are written as any other bytes, for a track that begins with zeros is none that was released, and what is zeros
    /// already gives its space back then.
    /// </remarks>
    public override void Release(int first, int count)
    {
        CheckRange(first, count);
        lock (Gate)
        {
            byte[] zeros = new byte[_format.SlotSize];
            for (int track = first, end = first + count; track < end;)
            {
                int length = 0;
                for (; length < MostAtOnce && (track = NextWithData(track)) < end; length++)
                    Slots[length] = new TrackImage(track++, zeros);
                WriteSlots(Slots.AsSpan(0, length));
                for (int index = 0; index < length; index++)
                    GiveBack(Slots[index].Track);
            }
            _isPlain &= first > 0 || count == 0;
        }
    }

    private protected override void WriteWhole(ReadOnlySpan<TrackImage> tracks)
    {
        bool? isPlain = null;
        RawShape? track0 = null;
        for (int index = 0; index < tracks.Length; index++)
        {
            byte[] blocks = Copy(index);
            int track = tracks[index].Track;
            if (TrackBlocks.Contract(_format, Geometry, track, tracks[index].Slot.Span, blocks, out RawShape shape) is { } reason)
                throw ImageException.CannotHold($"{Name}: {Geometry.At(track)} cannot be held by a raw file: {reason}");
            if (track == 0)
                (isPlain, track0) = (shape == RawShape.Blocks, shape);
            Slots[index] = new TrackImage(track, blocks);
            if (track <= 1 && !IsReadAs(shape, track, blocks, track0))
                throw ImageException.CannotHold($"{Name}: {Geometry.At(track)} cannot be held by a raw file: with these labels it would be read in another layout");
        }
        WriteSlots(Slots.AsSpan(0, tracks.Length));
        _isPlain = isPlain ?? _isPlain;
    }

    /// <summary>
    /// Whether blocks of track 0 or 1 are read in the layout in which they are written. Zeros are no layout yet: track 0 tells it, once it is
    /// written.
    /// </summary>
    private bool IsReadAs(RawShape shape, int track, ReadOnlySpan<byte> blocks, RawShape? track0)
    {
        RawShape read = track == 0 ? _format.ShapeOfTrack0(blocks) : _format.ShapeOfTrack1(blocks, track0 ?? ShapeOfTrack0());
        return read == shape || (read == RawShape.Unformatted && shape == RawShape.Blocks);
    }

    private RawShape ShapeOf(int track, ReadOnlySpan<byte> blocks) => track switch
    {
        0 => ShapeOfTrack0(blocks),
        1 => _format.ShapeOfTrack1(blocks, ShapeOfTrack0()),
        _ => RawShape.Blocks,
    };

    private RawShape ShapeOfTrack0()
    {
        Span<byte> labels = stackalloc byte[_format.LabelsSize]; // 12 KiB at most
        ReadSlot(0, labels);
        return ShapeOfTrack0(labels);
    }

    private RawShape ShapeOfTrack0(ReadOnlySpan<byte> blocks)
    {
        RawShape shape = _format.ShapeOfTrack0(blocks);
        return shape == RawShape.Unformatted && Volatile.Read(ref _isPlain) ? RawShape.Blocks : shape;
    }
}
