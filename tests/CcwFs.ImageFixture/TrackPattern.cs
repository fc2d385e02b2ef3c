using System.Buffers.Binary;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.ImageFixture;

/// <summary>
/// What generation g of the kill test writes: some tracks, chosen by g, each twelve blocks that repeat g in every word. The process that
/// writes and the one that judges know it both.
/// </summary>
/// <param name="geometry">The volume's.</param>
/// <param name="tracksPerWrite">Tracks of one write.</param>
public sealed class TrackPattern(CkdGeometry geometry, int tracksPerWrite = 3)
{
    /// <summary>Tracks of one write in the kill test: as many as keep a writer in the kernel for most of its time.</summary>
    public const int KillTracks = 14;

    private const int BlockSize = 4_096;
    private readonly CkdTrack?[] _tracks = new CkdTrack?[tracksPerWrite];
    private readonly TrackImage[] _images = new TrackImage[tracksPerWrite];
    private readonly VolumeLayout _layout = VolumeLayout.Create(geometry, VolumeFormat.Ldl, BlockSize, "KILL");

    /// <summary>The tracks generation <paramref name="generation"/> writes.</summary>
    public IEnumerable<int> Tracks(int generation) =>
        Enumerable.Range(0, tracksPerWrite).Select(index => 1 + (generation * tracksPerWrite + index) % (geometry.Tracks - 1));

    /// <summary>The write of one generation. The bytes are the pattern's own, until the next call.</summary>
    public TrackImage[] Images(int generation)
    {
        int index = 0;
        foreach (int number in Tracks(generation))
        {
            CkdTrack track = _tracks[index] ??= new CkdTrack(geometry);
            if (track.Number < 0)
                _layout.Format(number, track);
            track.Renumber(number);
            for (int record = 1; record < track.RecordCount; record++)
                Fill(track.Data(record), generation);
            _images[index++] = new TrackImage(number, track.Image);
        }
        return _images;
    }

    /// <summary>The generation that a loaded track holds; -1 for none, or null when it is a mixture.</summary>
    public static int? Generation(CkdTrack track)
    {
        ArgumentNullException.ThrowIfNull(track);
        if (track.RecordCount == 1)
            return -1;
        int generation = BinaryPrimitives.ReadInt32BigEndian(track.Data(1));
        Span<byte> expected = stackalloc byte[BlockSize];
        Fill(expected, generation);
        for (int record = 1; record < track.RecordCount; record++)
        {
            if (!track.Data(record).SequenceEqual(expected))
                return null;
        }
        return generation;
    }

    private static void Fill(Span<byte> data, int generation)
    {
        BinaryPrimitives.WriteInt32BigEndian(data, generation);
        for (int filled = sizeof(int); filled < data.Length; filled *= 2)
            data[..Math.Min(filled, data.Length - filled)].CopyTo(data[filled..]);
    }
}
