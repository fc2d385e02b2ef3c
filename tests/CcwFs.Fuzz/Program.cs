using System.Diagnostics;
using System.Globalization;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Fuzz;

const string Images = "images", Compressed = "compressed", Model = "model", Fba = "fba", Formats = "formats";
FuzzTarget target = default;
bool isOther = args is [Images or Compressed or Model or Fba or Formats, ..];
if (args.Length % 2 == 0 || (!isOther && !Enum.TryParse(args[0], ignoreCase: true, out target)))
{
    await Console.Error.WriteLineAsync("usage: CcwFs.Fuzz translator|interpreter|images|compressed|formats|model|fba [--seconds N] [--seed N] "
        + "[--corpus DIR] [--programs N] [--profile minimal|linux|full] [--ese true] [--cylinders N]");
    return 2;
}
(int? seconds, int? programs, int seed, string? corpus) = (null, null, Environment.TickCount & int.MaxValue, null);
var dasd = new FuzzDasd();
for (int i = 1; i < args.Length; i += 2)
{
    switch (args[i])
    {
        case "--seconds":
            seconds = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            break;
        case "--seed":
            seed = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            break;
        case "--programs":
            programs = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            break;
        case "--corpus":
            corpus = args[i + 1];
            break;
        case "--profile":
            dasd = dasd with { Profile = Enum.Parse<EckdProfile>(args[i + 1], ignoreCase: true) };
            break;
        case "--ese":
            dasd = dasd with { SpaceEfficient = bool.Parse(args[i + 1]) };
            break;
        case "--cylinders":
            dasd = dasd with { Cylinders = int.Parse(args[i + 1], CultureInfo.InvariantCulture) };
            break;
        default:
            await Console.Error.WriteLineAsync($"unknown option {args[i]}");
            return 2;
    }
}
if (args[0] is Model or Fba)
{
    VolumeFuzzer pairs = args[0] == Model ? new ModelFuzzer(seed) : new FbaFuzzer(seed);
    return RunModel(args[0], pairs, programs ?? int.MaxValue, TimeSpan.FromSeconds(seconds ?? (programs is null ? 60 : int.MaxValue)));
}
seconds ??= 60;
if (args[0] == Compressed)
{
    Console.WriteLine($"compressed images, seed {seed}, {seconds} s");
    var compressed = new CompressedFuzzer(seed);
    try
    {
        compressed.Run(TimeSpan.FromSeconds(seconds.Value));
    }
    catch (FuzzException failure)
    {
        Console.WriteLine($"FAILED: {failure.Message}\n{failure.Case}");
        return 1;
    }
    Console.WriteLine($"{compressed.Rounds} images, {compressed.Opened} opened, {compressed.Refused} tracks refused: good");
    return 0;
}
if (args[0] == Images)
{
    Console.WriteLine($"images, seed {seed}, {seconds} s");
    using var images = new ImageFuzzer(seed);
    try
    {
        images.Run(TimeSpan.FromSeconds(seconds.Value));
    }
    catch (FuzzException failure)
    {
        Console.WriteLine($"FAILED: {failure.Message}\n{failure.Case}");
        return 1;
    }
    Console.WriteLine($"{images.Rounds} images, {images.Opened} opened: good");
    return 0;
}
if (args[0] == Formats)
    return RunFormats(new FormatFuzzer(seed), seed, TimeSpan.FromSeconds(seconds.Value));
Console.WriteLine($"{target}, seed {seed}, {seconds} s, {dasd}");
using var fuzzer = new Fuzzer(target, seed, Corpus.Load(corpus), dasd);
try
{
    fuzzer.Run(TimeSpan.FromSeconds(seconds.Value));
}
catch (FuzzException failure)
{
    Console.WriteLine($"FAILED in round {fuzzer.Rounds}: {failure.Message}\n{failure.Case}");
    return 1;
}
Console.WriteLine($"{fuzzer.Rounds} programs, {fuzzer.Started} started, {fuzzer.Cleared} had to be cleared: good");
return 0;

static int RunFormats(FormatFuzzer fuzzer, int seed, TimeSpan time)
{
    Console.WriteLine($"formats, seed {seed}, {time.TotalSeconds} s");
    try
    {
        fuzzer.Run(time);
    }
    catch (FuzzException failure)
    {
        Console.WriteLine($"FAILED: {failure.Message}\n{failure.Case}");
        return 1;
    }
    Console.WriteLine($"{fuzzer.Rounds} files, {fuzzer.Whole} read to their ends: good");
    return 0;
}

static int RunModel(string target, VolumeFuzzer fuzzer, int programs, TimeSpan time)
{
    Console.WriteLine($"{target}, seed {fuzzer.Seed}");
    var clock = Stopwatch.StartNew();
    try
    {
        fuzzer.Run(() => fuzzer.Programs < programs && clock.Elapsed < time);
    }
    catch (FuzzException failure)
    {
        Console.WriteLine($"FAILED: {failure.Message}\n{failure.Case}\nagain: dotnet run -c Release --project tests/CcwFs.Fuzz -- {target} --seed {fuzzer.Seed}");
        return 1;
    }
    foreach ((string ending, int count) in fuzzer.Endings.OrderByDescending(e => e.Value))
        Console.WriteLine($"{count,9} {ending}");
    Console.WriteLine($"{fuzzer.Programs} programs in {clock.Elapsed.TotalSeconds:F0} s, {fuzzer.Programs / clock.Elapsed.TotalSeconds:F0} per second: good");
    return 0;
}
