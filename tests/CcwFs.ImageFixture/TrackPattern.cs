using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.ImageFixture;

/// <summary>
/// What generation g of the kill test writes: three tracks, chosen by g, each twelve blocks that repeat g in every word. The process that
/// writes and the one that judges know it both.
/// </summary>
public sealed class TrackPattern(CkdGeometry geometry)
{
    /// <summary>Tracks of one write.</summary>
    public const int TracksPerWrite = 3;

    private const int BlockSize = 4_096;
    private readonly VolumeLayout _layout = VolumeLayout.Create(geometry, VolumeFormat.Ldl, BlockSize, "KILL");

    /// <summary>The tracks generation <paramref name="generation"/> writes.</summary>
    public IEnumerable<int> Tracks(int generation) =>
        Enumerable.Range(0, TracksPerWrite).Select(index => 1 + (generation * TracksPerWrite + index) % (geometry.Tracks - 1));

    /// <summary>The write of one generation.</summary>
    public TrackImage[] Images(int generation) => [.. Tracks(generation).Select(number =>
    {
        var track = new CkdTrack(geometry);
        _layout.Format(number, track);
        for (int record = 1; record < track.RecordCount; record++)
        {
            Span<byte> data = track.Data(record);
            for (int offset = 0; offset < data.Length; offset += 4)
                BinaryPrimitives.WriteInt32BigEndian(data[offset..], generation);
        }
        return new TrackImage(number, track.Image);
    })];

    /// <summary>The generation that a loaded track holds; -1 for none, or null when it is a mixture.</summary>
    public static int? Generation(CkdTrack track)
    {
        ArgumentNullException.ThrowIfNull(track);
        if (track.RecordCount == 1)
            return -1;
        int generation = BinaryPrimitives.ReadInt32BigEndian(track.Data(1));
        for (int record = 1; record < track.RecordCount; record++)
        {
            ReadOnlySpan<byte> data = track.Data(record);
            for (int offset = 0; offset < data.Length; offset += 4)
            {
                if (BinaryPrimitives.ReadInt32BigEndian(data[offset..]) != generation)
                    return null;
            }
        }
        return generation;
    }
}
