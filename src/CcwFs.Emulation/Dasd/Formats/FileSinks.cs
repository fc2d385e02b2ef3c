using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>A new CKD image, in one file.</summary>
internal sealed class CkdSink(string path) : ITrackSink
{
    private NewImageFile? _file;

    private NewImageFile File => _file ?? throw new InvalidOperationException("the volume has not been begun");

    /// <inheritdoc/>
    public void Begin(CkdGeometry geometry)
    {
        if (geometry != CkdGeometry.Model3390(geometry.Cylinders))
            throw new ImageException($"{path}: cannot be created: only volumes of the type 3390 can be made");
        _file = NewImageFile.Make(path);
        CkdImageCreator.WriteHeader(_file, geometry);
    }

    /// <inheritdoc/>
    public void Put(CkdTrack track) => CkdImageCreator.WriteTrack(File, track);

    /// <inheritdoc/>
    public void Finish() => File.Finish();

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}

/// <summary>A new file of raw tracks (<see cref="RawTrack"/>). What was never formatted is a hole of zeros.</summary>
internal sealed class TracksSink(string path) : ITrackSink
{
    private NewImageFile? _file;

    private NewImageFile File => _file ?? throw new InvalidOperationException("the volume has not been begun");

    /// <inheritdoc/>
    public void Begin(CkdGeometry geometry)
    {
        _file = NewImageFile.Make(path);
        _file.SetLength((long)geometry.Tracks * RawTrack.Size);
    }

    /// <inheritdoc/>
    public void Put(CkdTrack track) => File.Write((long)track.Number * RawTrack.Size, track.RecordsAndEndMark(0));

    /// <inheritdoc/>
    public void Finish() => File.Finish();

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
