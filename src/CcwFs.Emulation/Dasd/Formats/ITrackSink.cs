using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>
/// A new volume in the making: <see cref="Begin"/>, then <see cref="Put"/> for tracks, then <see cref="Finish"/>. It appears under its name then, and
/// never in the place of a file that is there; disposed before, nothing of it is left. Faults are <see cref="ImageException"/>.
/// </summary>
public interface ITrackSink : IDisposable
{
    /// <summary>Makes the file. Every track of it is one that was never formatted.</summary>
    void Begin(CkdGeometry geometry);

    /// <summary>Puts a track, each at most once.</summary>
    void Put(CkdTrack track);

    /// <summary>The volume is whole: it gets its name, and is on stable storage.</summary>
    void Finish();
}
