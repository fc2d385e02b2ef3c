using System.Diagnostics;
using CcwFs.Emulation.Dasd.Compressed;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.Emulation.Images;

namespace CcwFs.Fuzz;

/// <summary>
/// Compressed images and shadow files, damaged at random, in memory: each is refused in one line or opened; each of its tracks is refused in one line
/// or is a track of its cylinder and head, and what has a checksum is the track that it was; a read takes a bounded time and memory; no file stays
/// open.
/// </summary>
public sealed class CompressedFuzzer
{
    private const string Base = "v.cckd", Shadow = "v_1.cckd";
    private const int Cylinders = 18; // two second tables
    private const long MostBytes = 1 << 20; // of memory for a read: a slot, and what unpacks one (arbitrary: some times that)
    private static readonly TimeSpan s_mostTime = TimeSpan.FromSeconds(5); // for all tracks of a round (arbitrary: a hundred times what it takes)
    private readonly CkdGeometry _geometry = CkdGeometry.Model3390(Cylinders);
    private readonly List<Seed> _seeds = [];
    private readonly Random _random;
    private string _case = "";

    /// <summary>A fuzzer whose files follow from <paramref name="seed"/>.</summary>
    public CompressedFuzzer(int seed)
    {
        _random = new Random(seed);
        foreach (bool isWide in (bool[])[false, true])
        {
            foreach (bool isShadow in (bool[])[false, true])
                _seeds.Add(MakeSeed(isWide, isShadow));
        }
    }

    private sealed record Seed(CompressedBuilder Builder, CompressedBuilder? Above, byte[] Lower, byte[]? Upper, byte[][] Tracks);

    /// <summary>Images made.</summary>
    public int Rounds { get; private set; }

    /// <summary>Images that were opened.</summary>
    public int Opened { get; private set; }

    /// <summary>Tracks that were refused.</summary>
    public int Refused { get; private set; }

    /// <summary>Runs for so long; throws <see cref="FuzzException"/>.</summary>
    public void Run(TimeSpan time)
    {
        for (long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end; Rounds++)
        {
            try
            {
                RunOne();
            }
            catch (Exception error)
            {
                throw new FuzzException(error is FuzzException ? error.Message : error.ToString(), $"round {Rounds}: {_case}");
            }
        }
    }

    private void RunOne()
    {
        Seed seed = _seeds[_random.Next(_seeds.Count)];
        var files = new MemoryImageFiles { Files = { [Base] = seed.Lower } };
        string path = seed.Upper is null ? Base : Shadow;
        if (seed.Upper is not null)
            files.Files[Shadow] = seed.Upper;
        bool isUpper = seed.Upper is not null && _random.Next(2) == 0;
        (byte[] damaged, bool isPayload) = Damage(isUpper ? seed.Above! : seed.Builder, isUpper ? seed.Upper! : seed.Lower);
        files.Files[isUpper ? Shadow : Base] = damaged;
        _case = $"{(seed.Builder.IsWide ? "wide" : "narrow")}, {(seed.Upper is null ? "alone" : isUpper ? "shadow damaged" : "base damaged")}{_case}";
        if (Open(files, path) is { } image)
        {
            Opened++;
            using (image)
                ReadAll(image, seed, isPayload);
        }
        Expect(files.OpenFiles == 0, $"{files.OpenFiles} files stay open");
    }

    private static CompressedImage? Open(MemoryImageFiles files, string path)
    {
        try
        {
            return CompressedImage.Open(files, path, new ImageOptions(ReadOnly: true, Say: line => ExpectLine(line)));
        }
        catch (ImageException error)
        {
            ExpectLine(error.Message);
            return null;
        }
    }

    private void ReadAll(CompressedImage image, Seed seed, bool isPayload)
    {
        byte[] slot = new byte[_geometry.TrackSize];
        var track = new CkdTrack(_geometry);
        var clock = Stopwatch.StartNew();
        for (int number = 0; number < Math.Min(image.Geometry.Tracks, _geometry.Tracks); number++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                image.Read(number, slot);
            }
            catch (ImageException error)
            {
                Refused++;
                ExpectLine(error.Message);
                continue;
            }
            finally
            {
                long taken = GC.GetAllocatedBytesForCurrentThread() - before;
                Expect(taken < MostBytes, $"track {number} took {taken} bytes of memory");
            }
            if (isPayload)
                Expect(slot.AsSpan().SequenceEqual(seed.Tracks[number]), $"track {number} is another one, in spite of its checksum");
            string? fault = track.Load(slot, number);
            Expect(fault is null || !fault.Contains("home address", StringComparison.Ordinal), $"track {number}: {fault}");
        }
        Expect(clock.Elapsed < s_mostTime, $"it took {clock.Elapsed}");
    }

    /// <summary>A few bytes change, or the end is missing. Also tells whether all that changed has a checksum.</summary>
    private (byte[] Bytes, bool IsPayload) Damage(CompressedBuilder builder, byte[] bytes)
    {
        if (_random.Next(10) == 0)
        {
            int length = _random.Next(bytes.Length);
            _case = $", cut at {length}";
            return (bytes[..length], false);
        }
        byte[] whole = bytes;
        bytes = (byte[])bytes.Clone();
        bool isPayload = true;
        _case = ", changed at";
        for (int change = _random.Next(1, 5); change > 0; change--)
        {
            int at = Math.Min(Place(builder, whole, ref isPayload), bytes.Length - 1);
            bytes[at] = _random.Next(4) switch
            {
                0 => 0xFF,
                1 => 0,
                2 => (byte)(bytes[at] ^ (1 << _random.Next(8))),
                _ => (byte)_random.Next(256),
            };
            _case += $" {at} ({bytes[at]:X2})";
        }
        return (bytes, isPayload);
    }

    private int Place(CompressedBuilder builder, byte[] bytes, ref bool isPayload)
    {
        int kind = _random.Next(8);
        if (kind >= 4) // in a packed track, behind its head
        {
            int track = _random.Next(2) == 0 ? 1 : 2;
            return builder.TrackAt(bytes, track) + CkdTrack.HomeAddressSize + _random.Next(kind == 4 ? 12 : 200);
        }
        isPayload = false;
        return kind switch
        {
            0 => _random.Next(24),
            1 => 512 + _random.Next(80),
            2 => builder.EntryAt(_random.Next(2)) + _random.Next(8),
            _ => builder.PlaceAt(bytes, _random.Next(5)) + _random.Next(8),
        };
    }

    /// <summary>Tracks 0 to 4 are stored, of zlib, of bzip2, null and of zlib; in a shadow file again, with other bytes.</summary>
    private Seed MakeSeed(bool isWide, bool isShadow)
    {
        CompressedBuilder lower = Fill(new CompressedBuilder(Cylinders) { IsWide = isWide, NullFormat = 2 }, 1);
        CompressedBuilder? upper = isShadow ? Fill(new CompressedBuilder(Cylinders) { IsWide = isWide, NullFormat = 2, IsShadow = true }, 2) : null;
        var files = new MemoryImageFiles { Files = { [Base] = lower.Build() } };
        if (upper is not null)
            files.Files[Shadow] = upper.Build();
        using CompressedImage image = CompressedImage.Open(files, isShadow ? Shadow : Base, new ImageOptions(ReadOnly: true));
        byte[][] tracks = [.. Enumerable.Range(0, _geometry.Tracks).Select(_ => new byte[_geometry.TrackSize])];
        for (int number = 0; number < tracks.Length; number++)
            image.Read(number, tracks[number]);
        return new Seed(lower, upper, lower.Build(), upper?.Build(), tracks);
    }

    private CompressedBuilder Fill(CompressedBuilder builder, byte value) =>
        builder.Add(0, TrackOf(0, value), CompressedBuilder.Stored).Add(1, TrackOf(1, value), CompressedBuilder.Zlib).AddBZip2(2)
            .AddNull(3, value - 1).Add(4, TrackOf(4, value), CompressedBuilder.Zlib).Add(260, TrackOf(260, value), CompressedBuilder.Zlib);

    private byte[] TrackOf(int number, byte value)
    {
        var track = new CkdTrack(_geometry);
        VolumeLayout.Create(_geometry, VolumeFormat.Ldl, volser: "FUZZ01").Format(number, track);
        var random = new Random(number * 7 + value);
        for (int record = 1; record < track.RecordCount; record++)
            random.NextBytes(track.Data(record)[..64]);
        return track.Image.ToArray();
    }

    private static void ExpectLine(string line) =>
        Expect(!line.Contains('\n', StringComparison.Ordinal)
            && (line.StartsWith(Base, StringComparison.Ordinal) || line.StartsWith(Shadow, StringComparison.Ordinal)), $"no line of ours: {line}");

    private static void Expect(bool holds, string what)
    {
        if (!holds)
            throw new FuzzException(what, "");
    }
}
