using System.Globalization;
using CcwFs.Emulation.Dasd.Eckd;
using CcwFs.Fuzz;

const string Images = "images";
FuzzTarget target = default;
if (args.Length % 2 == 0 || (args[0] != Images && !Enum.TryParse(args[0], ignoreCase: true, out target)))
{
    await Console.Error.WriteLineAsync("usage: CcwFs.Fuzz translator|interpreter|images [--seconds N] [--seed N] [--corpus DIR] "
        + "[--profile minimal|linux|full] [--ese true] [--cylinders N]");
    return 2;
}
(int seconds, int seed, string? corpus) = (60, Environment.TickCount, null);
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
if (args[0] == Images)
{
    Console.WriteLine($"images, seed {seed}, {seconds} s");
    using var images = new ImageFuzzer(seed);
    try
    {
        images.Run(TimeSpan.FromSeconds(seconds));
    }
    catch (FuzzException failure)
    {
        Console.WriteLine($"FAILED: {failure.Message}\n{failure.Case}");
        return 1;
    }
    Console.WriteLine($"{images.Rounds} images, {images.Opened} opened: good");
    return 0;
}
Console.WriteLine($"{target}, seed {seed}, {seconds} s, {dasd}");
using var fuzzer = new Fuzzer(target, seed, Corpus.Load(corpus), dasd);
try
{
    fuzzer.Run(TimeSpan.FromSeconds(seconds));
}
catch (FuzzException failure)
{
    Console.WriteLine($"FAILED in round {fuzzer.Rounds}: {failure.Message}\n{failure.Case}");
    return 1;
}
Console.WriteLine($"{fuzzer.Rounds} programs, {fuzzer.Started} started, {fuzzer.Cleared} had to be cleared: good");
return 0;
