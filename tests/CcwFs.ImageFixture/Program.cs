using System.Diagnostics;
using System.Globalization;
using CcwFs.Emulation.Dasd.Images;
using CcwFs.ImageFixture;

// A process for the image tests to kill or to hold a lock:
//   write PATH FIRST  writes generation FIRST, FIRST+1, … and prints "generation" after each write has returned
//   hold PATH         opens the image for writing, prints "open", ends with its standard input
//   bench PATH        prints nanoseconds of a write of one full track
//   fresh-bench PATH  the same, where nobody knows what was there
switch (args)
{
    case ["write", string path, string first]:
        Write(path, int.Parse(first, CultureInfo.InvariantCulture));
        return 0;
    case ["hold", string path]:
        using (CkdImage.Open(path))
        {
            Console.WriteLine("open");
            _ = Console.In.ReadToEnd();
        }
        return 0;
    case ["bench", string path]:
        Bench(path, known: true);
        return 0;
    case ["fresh-bench", string path]:
        Bench(path, known: false);
        return 0;
    default:
        return 2;
}

static void Write(string path, int generation)
{
    using CkdImage image = CkdImage.Open(path);
    using Stream output = Console.OpenStandardOutput();
    var pattern = new TrackPattern(image.Geometry, TrackPattern.KillTracks);
    for (; ; generation++)
    {
        image.Write(pattern.Images(generation));
        output.Write(System.Text.Encoding.ASCII.GetBytes($"{generation}\n"));
    }
}

static void Bench(string path, bool known)
{
    using CkdImage image = CkdImage.Open(path);
    var layout = VolumeLayout.Create(image.Geometry, VolumeFormat.Ldl, 4_096, "BENCH");
    var track = new CkdTrack(image.Geometry);
    layout.Format(5, track);
    byte[] other = track.Image.ToArray(); // each write changes all blocks
    for (int at = 29; at < other.Length - 8; at += 4_104)
        other.AsSpan(at, Math.Min(4_096, other.Length - 8 - at)).Fill(0xC1);
    (ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second) = known ? (track.Image, other) : default; // as a volume's cache knows what was there
    TrackImage[][] both = [[new TrackImage(5, track.Image, second)], [new TrackImage(5, other, first)]];
    image.Write([new TrackImage(5, other)]);
    const int warm = 2_000;
    const int rounds = 20_000;
    for (int round = 0; round < warm; round++)
        image.Write(both[round & 1]);
    long before = GC.GetAllocatedBytesForCurrentThread();
    var clock = Stopwatch.StartNew();
    for (int round = 0; round < rounds; round++)
        image.Write(both[round & 1]);
    clock.Stop();
    long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
    byte[] slot = new byte[image.Geometry.TrackSize];
    var reading = Stopwatch.StartNew();
    for (int round = 0; round < rounds; round++)
        image.Read(5, slot);
    reading.Stop();
    using var raw = File.OpenHandle(path + ".raw", FileMode.Create, FileAccess.ReadWrite);
    RandomAccess.Write(raw, track.Image.Span, 0);
    var plain = Stopwatch.StartNew();
    for (int round = 0; round < rounds; round++)
        RandomAccess.Write(raw, track.Image.Span, 0);
    plain.Stop();
    File.Delete(path + ".raw");
    (double write, double read, double pwrite) = (PerRound(clock), PerRound(reading), PerRound(plain));
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"write {write:F0} ns, {allocated} bytes allocated; read {read:F0} ns; plain pwrite {pwrite:F0} ns"));

    double PerRound(Stopwatch time) => time.Elapsed.TotalNanoseconds / rounds;
}
