using System.Diagnostics;
using CcwFs.Emulation.Dasd.Formats;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Dasd.Labels;
using CcwFs.Emulation.Images;

namespace CcwFs.Fuzz;

/// <summary>
/// Files of raw tracks, images of xCAT, and tables of contents, damaged at random: each is refused in one line, or gives tracks that are whole and
/// extents that are on the volume. One round is one file.
/// </summary>
public sealed class FormatFuzzer
{
    private const int Cylinders = 1, MostChanges = 6, Start = 600;
    private readonly CkdGeometry _geometry = CkdGeometry.Model3390(Cylinders);
    private readonly Random _random;
    private readonly byte[] _tracks, _plain, _packed, _zipless;
    private readonly CkdTrack _contents;

    /// <summary>A fuzzer whose files follow from <paramref name="seed"/>.</summary>
    public FormatFuzzer(int seed)
    {
        _random = new Random(seed);
        using MemoryTrackStore volume = Volume();
        _tracks = new byte[_geometry.Tracks * RawTrack.Size];
        var track = new CkdTrack(_geometry);
        for (int number = 0; number < _geometry.Tracks; number++)
        {
            track.Load(volume, number);
            track.RecordsAndEndMark(0).CopyTo(_tracks.AsSpan(number * RawTrack.Size));
        }
        (_plain, _packed, _zipless) = (XcatWriter.Write(volume, 0), XcatWriter.Write(volume, 6), XcatWriter.Tracks(volume));
        _contents = new CkdTrack(_geometry);
        _contents.Load(volume, 1);
        ReadOnlySpan<byte> name = [0xD3, 0xC9, 0xD5, 0xE4, 0xE7];
        for (int record = 4; record <= 12; record++)
        {
            Span<byte> dscb = _contents.KeyAndData(record);
            name.CopyTo(dscb);
            dscb[44] = record < 8 ? (byte)0xF1 : (byte)0xF3;
            (dscb[105], dscb[110], dscb[114]) = (1, 2, 9);       // an extent: head 2 to head 9
            (dscb[138], dscb[139]) = (1, (byte)(record < 12 ? record + 4 : 8)); // the next record, in a circle at last
        }
    }

    /// <summary>Files made.</summary>
    public int Rounds { get; private set; }

    /// <summary>Files that were read to their ends.</summary>
    public int Whole { get; private set; }

    /// <summary>Runs for so long; throws <see cref="FuzzException"/>.</summary>
    public void Run(TimeSpan time)
    {
        for (long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end; Rounds++)
        {
            int kind = _random.Next(5);
            try
            {
                RunOne(kind);
            }
            catch (Exception error) when (error is not FuzzException)
            {
                throw new FuzzException(error.ToString(), $"round {Rounds}, kind {kind}");
            }
        }
    }

    private void RunOne(int kind)
    {
        switch (kind)
        {
            case 0:
                ReadAll("tracks", Damage(_tracks, _random.Next(_geometry.Tracks) * RawTrack.Size));
                break;
            case 1:
                ReadAll("xcat", Damage(_plain, _random.Next(2) * 512));
                break;
            case 2:
                ReadAll("xcat", Damage(_packed, _random.Next(2) * 512));
                break;
            case 3: // what is packed is damaged
                ReadAll("xcat", [.. _packed.AsSpan(0, 512), .. XcatWriter.Zip(Damage(_zipless, 0))]);
                break;
            default:
                ReadContents();
                break;
        }
    }

    /// <summary>Reads every track.</summary>
    private void ReadAll(string format, byte[] bytes)
    {
        var track = new CkdTrack(_geometry);
        try
        {
            using ITrackStore store = TrackFormats.Open(new MemoryImageFiles { Files = { ["file"] = bytes } }, "file", format);
            for (int number = 0; number < Math.Min(store.Geometry.Tracks, 100); number++)
            {
                if (track.Load(store, number) is { } wrong)
                    throw new FuzzException($"track {number} is handed out, but {wrong}", $"round {Rounds}, {format}");
            }
            Whole++;
        }
        catch (ImageException error)
        {
            if (error.Message.Contains('\n', StringComparison.Ordinal) || !error.Message.StartsWith("file: ", StringComparison.Ordinal))
                throw new FuzzException("not one line that begins with the file", error.Message);
        }
    }

    private void ReadContents()
    {
        using MemoryTrackStore volume = Volume();
        byte[] slot = Damage(_contents.Image.ToArray(), _random.Next(2) * 1_000);
        if (slot.Length < 100)
            return;
        volume.Write([new TrackImage(1, slot)]);
        if (Vtoc.Read(volume) is not { } contents)
            return;
        Whole++;
        IEnumerable<TrackExtent> extents = [contents.Extent, .. contents.Free, .. contents.DataSets.SelectMany(set => set.Extents)];
        foreach (TrackExtent extent in extents)
        {
            if (extent.First < 0 || extent.Last < extent.First || extent.Last >= _geometry.Tracks)
                throw new FuzzException($"{extent} is not on the volume", $"round {Rounds}: {Convert.ToHexString(slot)}");
        }
    }

    private MemoryTrackStore Volume() => new(_geometry, VolumeLayout.Create(_geometry, VolumeFormat.Cdl, volser: "FUZZ01"));

    /// <summary>Some bytes from <paramref name="start"/> on become others, or the end is missing.</summary>
    private byte[] Damage(byte[] whole, int start)
    {
        byte[] bytes = whole[..(_random.Next(10) == 0 ? _random.Next(whole.Length) : whole.Length)];
        for (int change = _random.Next(MostChanges); change > 0; change--)
        {
            int at = start + _random.Next(_random.Next(4) == 0 ? whole.Length : Start);
            if (at < bytes.Length)
                bytes[at] = _random.Next(3) switch { 0 => 0xFF, 1 => (byte)(bytes[at] ^ (1 << _random.Next(8))), _ => (byte)_random.Next(256) };
        }
        return bytes;
    }
}
