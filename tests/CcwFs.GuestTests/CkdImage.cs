using System.Buffers.Binary;

namespace CcwFs.GuestTests;

/// <summary>Reads an image (CKD_P370) past the program under test.</summary>
internal static class CkdImage
{
    private const int HeaderLength = 512, TrackSizeAt = 12, HomeAddressLength = 5, CountLength = 8;
    private const int RecordsPerTrack = 12; // of 4096 bytes on a 3390

    /// <summary>The data of <paramref name="count"/> blocks of 4096 bytes, numbered as Linux does; not those of the first two tracks.</summary>
    internal static IEnumerable<byte[]> ReadBlocks(string path, int first, int count)
    {
        using FileStream file = File.OpenRead(path);
        byte[] header = new byte[HeaderLength];
        file.ReadExactly(header);
        byte[] track = new byte[BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(TrackSizeAt))];
        for (int block = first; block < first + count; block++)
        {
            file.Position = HeaderLength + (long)(block / RecordsPerTrack) * track.Length;
            file.ReadExactly(track);
            yield return Record(track, block % RecordsPerTrack + 1);
        }
    }

    // A record: its count (cylinder, head, record, key length, data length, big-endian), its key, its data.
    private static byte[] Record(byte[] track, int number)
    {
        for (int at = HomeAddressLength; ;)
        {
            ReadOnlySpan<byte> count = track.AsSpan(at, CountLength);
            int key = count[5], data = BinaryPrimitives.ReadUInt16BigEndian(count[6..]);
            Assert.False(count.IndexOfAnyExcept((byte)0xFF) < 0, $"the track has no record {number}");
            if (count[4] == number)
                return track.AsSpan(at + CountLength + key, data).ToArray();
            at += CountLength + key + data;
        }
    }
}
