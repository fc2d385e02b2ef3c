using CcwFs.Emulation.Dasd.Formats;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Raw;

/// <summary>
/// A new raw file. The first track that is put tells the size of blocks. A track that was never formatted becomes blocks of zeros, in a hole.
/// </summary>
internal sealed class RawSink(string path) : ITrackSink
{
    private NewImageFile? _file;
    private CkdGeometry _geometry;
    private RawFormat? _format;
    private byte[] _blocks = [];

    private NewImageFile File => _file ?? throw new InvalidOperationException("the volume has not been begun");

    /// <inheritdoc/>
    public void Begin(CkdGeometry geometry)
    {
        _file = NewImageFile.Make(path);
        _geometry = geometry;
    }

    /// <inheritdoc/>
    public void Put(CkdTrack track)
    {
        ArgumentNullException.ThrowIfNull(track);
        RawFormat format = _format ??= Measure(track.RecordCount > 1 ? track.DataLength(track.RecordCount - 1) : 0);
        if (TrackBlocks.Contract(format, _geometry, track.Number, track.Image.Span, _blocks, out _) is { } reason)
            throw ImageException.CannotHold($"{path}: {_geometry.At(track.Number)} cannot be held by a raw file: {reason}");
        if (_blocks.AsSpan().IndexOfAnyExcept((byte)0) >= 0)
            File.Write((long)track.Number * format.SlotSize, _blocks);
    }

    /// <inheritdoc/>
    public void Finish()
    {
        _format ??= Measure(4_096);
        File.Finish();
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private RawFormat Measure(int blockSize)
    {
        if (VolumeLayout.Records(blockSize) == 0)
            throw ImageException.CannotHold($"{path}: a raw file holds blocks of 512, 1024, 2048 or 4096 bytes, and this volume has none on its first track");
        var format = new RawFormat(blockSize);
        _blocks = new byte[format.SlotSize];
        File.SetLength((long)_geometry.Tracks * format.SlotSize);
        return format;
    }
}
