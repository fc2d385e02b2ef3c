using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Fuzz;

/// <summary>Writes images as xCAT and feilong do.</summary>
public static class XcatWriter
{
    /// <summary>A whole image; <paramref name="level"/>: 0 plain, 1 to 9 GZIP, null a header of version 1, which is always GZIP.</summary>
    public static byte[] Write(ITrackStore store, int? level)
    {
        ArgumentNullException.ThrowIfNull(store);
        string header = $"xCAT CKD Disk Image:{$"{store.Geometry.Cylinders} CYL",16}";
        if (level is not null)
            header = $"{header} HLen: 0055 GZIP: {level}".PadRight(512);
        return [.. Encoding.ASCII.GetBytes(header), .. level == 0 ? Tracks(store) : Zip(Tracks(store))];
    }

    /// <summary>The tracks alone, plain.</summary>
    public static byte[] Tracks(ITrackStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        using var bytes = new MemoryStream();
        var track = new CkdTrack(store.Geometry);
        Span<byte> length = stackalloc byte[2];
        for (int number = 0; number < store.Geometry.Tracks; number++)
        {
            track.Load(store, number);
            int[] records = [.. Enumerable.Range(1, track.RecordCount - 1)];
            bytes.WriteByte((byte)records.Length);
            foreach ((int value, int run) in Runs(records.Select(track.KeyLength)))
                bytes.Write([(byte)run, (byte)value]);
            foreach ((int value, int run) in Runs(records.Select(track.DataLength)))
            {
                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)value);
                bytes.WriteByte((byte)run);
                bytes.Write(length);
            }
            foreach (int record in records)
                bytes.Write(track.KeyAndData(record));
        }
        return bytes.ToArray();
    }

    /// <summary>Packs bytes with gzip.</summary>
    public static byte[] Zip(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest))
            zip.Write(bytes);
        return packed.ToArray();
    }

    private static List<(int Value, int Run)> Runs(IEnumerable<int> values)
    {
        List<(int Value, int Run)> runs = [];
        foreach (int value in values)
        {
            if (runs.Count > 0 && runs[^1].Value == value)
                runs[^1] = (value, runs[^1].Run + 1);
            else
                runs.Add((value, 1));
        }
        return runs;
    }
}
