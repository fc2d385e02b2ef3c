using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Tests.Images;

/// <summary>Two tracks of a volume in Linux' old layout that are written at once.</summary>
internal static class TwoTracks
{
    /// <summary>Fills both with a value; false: it was refused.</summary>
    internal static bool Try(SlotStore volume, byte value, out ImageException? told)
    {
        TrackImage[] tracks = new TrackImage[2];
        for (int index = 0; index < tracks.Length; index++)
        {
            var track = new CkdTrack(volume.Geometry);
            VolumeLayout.Create(volume.Geometry, VolumeFormat.Ldl, 4_096, "ERRORS").Format(5 + index, track);
            for (int record = 1; record < track.RecordCount; record++)
                track.Data(record).Fill(value);
            tracks[index] = new TrackImage(5 + index, track.Image);
        }
        told = null;
        try
        {
            volume.Write(tracks);
            return true;
        }
        catch (ImageException error)
        {
            told = error;
            return false;
        }
    }

    /// <summary>The one value that both tracks hold; null: they are a mixture.</summary>
    internal static int? Read(SlotStore volume)
    {
        var track = new CkdTrack(volume.Geometry);
        int? value = null;
        for (int number = 5; number < 7; number++)
        {
            Assert.Null(track.Load(volume, number));
            for (int record = 1; record < track.RecordCount; record++)
            {
                value ??= track.Data(record)[0];
                if (track.Data(record).IndexOfAnyExcept((byte)value) >= 0)
                    return null;
            }
        }
        return value;
    }
}
