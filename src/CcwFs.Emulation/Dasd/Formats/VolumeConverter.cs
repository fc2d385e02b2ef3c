using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Emulation.Dasd.Formats;

/// <summary>Copies the tracks of a volume into a new one.</summary>
public static class VolumeConverter
{
    // Arbitrary: some progress reports per second.
    private const int ReportEvery = 150;

    /// <summary>
    /// Copies every track, begins the sink and finishes it. Tracks that were never formatted stay so and are not read where the source knows them;
    /// with <paramref name="complete"/> they are formatted as the rest of the volume is (<see cref="VolumeLayout.Detect"/>). A damaged track ends it
    /// with an <see cref="ImageException"/>. Gives the number of tracks put. Progress counts tracks.
    /// </summary>
    public static int Convert(
        ITrackStore source, ITrackSink sink, bool complete = false, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(sink);
        sink.Begin(source.Geometry);
        VolumeLayout? layout = complete ? VolumeLayout.Detect(source) : null;
        CkdTrack track = new(source.Geometry), filler = new(source.Geometry);
        int put = 0, report = 0, withData = source.NextFormatted(0);
        for (int number = Next(0); number < source.Geometry.Tracks; number = Next(number + 1))
        {
            cancel.ThrowIfCancellationRequested();
            if (number >= report)
            {
                progress?.Report(number);
                report = number + ReportEvery;
            }
            if (number == withData && Load(source, number, track))
            {
                sink.Put(track);
                put++;
            }
            else if (layout is not null)
            {
                CkdImageCreator.FormatNext(layout, number, filler);
                sink.Put(filler);
                put++;
            }
        }
        sink.Finish();
        progress?.Report(source.Geometry.Tracks);
        return put;

        int Next(int number)
        {
            if (number > withData)
                withData = source.NextFormatted(number);
            return layout is null ? withData : number;
        }
    }

    /// <summary>False: the track was never formatted.</summary>
    private static bool Load(ITrackStore source, int number, CkdTrack track) => track.Load(source, number) is { } wrong
        ? throw new ImageException($"{source.Name}: {source.Geometry.At(number)}: "
            + $"torn or impossible track: {wrong}; nothing was made of it, see: ccwfs dasd check")
        : !track.WasUnformatted;
}
