using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Labels;

/// <summary>
/// The table of contents of a volume: its data sets and its free space, as the labels say. Nothing of it is taken on trust: what lies outside of the
/// volume, or leads nowhere, is left out and named in <see cref="Problems"/>; memory is bounded, whatever the volume holds.
/// </summary>
/// <param name="Extent">The tracks where it is.</param>
/// <param name="DataSets">The data sets, in the order of their records.</param>
/// <param name="Free">Free space, as formats 5 and 7 tell it.</param>
/// <param name="Problems">What is wrong with it, a line each.</param>
public sealed record Vtoc(
    TrackExtent Extent, IReadOnlyList<DataSetLabel> DataSets, IReadOnlyList<TrackExtent> Free, IReadOnlyList<string> Problems)
{
    private const int LabelIndex = 3, VtocAt = 11;

    /// <summary>
    /// Reads it; null where the volume has none: its label (VOL1, in record 3 of track 0) is missing or leads to no record of format 4.
    /// </summary>
    public static Vtoc? Read(ITrackStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        var track = new CkdTrack(store.Geometry);
        Span<byte> vol1 = stackalloc byte[4];
        Volser.Write("VOL1", vol1);
        if (track.Load(store, 0) is not null || track.RecordCount <= LabelIndex)
            return null;
        ReadOnlySpan<byte> label = track.Data(LabelIndex);
        if (label.Length < VtocAt + Dscb.AddressSize || !label.StartsWith(vol1)
            || TrackExtent.Track(label[VtocAt..], store.Geometry) is not { } first)
        {
            return null;
        }
        byte record = label[VtocAt + Dscb.AddressSize - 1];
        return new VtocReader(store, track).Read(first, record);
    }
}
