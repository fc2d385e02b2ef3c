using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;

namespace CcwFs.Benchmarks;

/// <summary>One program from initialize to free, over storage as ccwfs mount has it.</summary>
internal sealed class TranslateCase : IDisposable
{
    private readonly Guest _guest = new(16 << 20);
    private readonly Translator _translator = new();
    private readonly byte[] _copy = new byte[Translator.FetchSize];

    /// <summary>1: a NOP; 3: DEFINE EXTENT, LOCATE RECORD, READ DATA; more: so many READ DATA of 4 KiB.</summary>
    internal TranslateCase(int ccws)
    {
        if (ccws == 1)
        {
            _guest.Add(0x03, CcwFlags.SuppressLength, 1, Guest.Parameters);
        }
        else if (ccws == 3)
        {
            _guest.Add(0x63, CcwFlags.ChainCommand, 16, Guest.Parameters);
            _guest.Add(0x47, CcwFlags.ChainCommand, 16, Guest.Parameters + 16);
            _guest.AddReads(1, last: true);
        }
        else
        {
            _guest.AddReads(ccws, last: true);
        }
    }

    internal void Translate()
    {
        ProgramFault fault = _translator.Initialize(_guest.Orb, _guest.Space);
        if (fault == ProgramFault.None)
            fault = _translator.Prefetch();
        if (fault != ProgramFault.None || !_translator.Program.TryGetOrb(1, 0x80, out Orb orb))
            throw new InvalidOperationException($"the program does not translate: {fault}");
        _translator.Program.UpdateScsw(new Scsw(0, orb.ProgramAddress + Ccw.Size, 0));
        _translator.Free();
    }

    /// <summary>The unit of the targets: 2 KiB out of guest storage.</summary>
    internal void Copy() => _guest.Store.Read(Guest.Program, _copy);

    public void Dispose() => _guest.Dispose();
}

/// <summary>Translation against a 2 KiB copy, in alternating rounds.</summary>
internal static class TranslateBench
{
    private const int Rounds = 501;

    // A round is short against a time slice, so that on a busy machine most rounds are not interrupted and the median is one of those.
    private const double RoundNanoseconds = 150_000;

    private static readonly (int Ccws, double Target)[] s_targets = [(1, 3.2), (3, 5.5), (64, 82), (255, 316)];

    internal static void Run(Report report)
    {
        foreach ((int ccws, double target) in s_targets)
        {
            using var one = new TranslateCase(ccws);
            int times = (int)(RoundNanoseconds / WarmUp(one));
            List<double> ratios = [], copies = [], translations = [];
            Action copy = one.Copy, translate = one.Translate;
            long allocated = 0;
            for (int round = 0; round < Rounds; round++)
            {
                copies.Add(Nanoseconds(copy, 4_000));
                long before = GC.GetAllocatedBytesForCurrentThread();
                double translation = Nanoseconds(translate, times);
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
                translations.Add(translation);
                ratios.Add(translations[^1] / copies[^1]);
            }
            report.AtMost(
                $"translate {ccws} CCW", target, Report.Median(ratios), "copies",
                $"{Report.Median(translations):0} ns, copy {Report.Median(copies):0.0} ns");
            report.Nothing($"translate {ccws} CCW, allocated in {times * Rounds} programs", allocated);
        }
    }

    // Tiered compilation replaces the code while it runs; its last step comes some 100 ms after 30 calls and a loop's many turns.
    private static double WarmUp(TranslateCase one)
    {
        double fastest = double.MaxValue;
        for (long end = Stopwatch.GetTimestamp() + Stopwatch.Frequency; Stopwatch.GetTimestamp() < end;)
        {
            Nanoseconds(one.Copy, 2_000);
            fastest = Math.Min(fastest, Nanoseconds(one.Translate, 20));
        }
        return fastest;
    }

    private static double Nanoseconds(Action action, int times)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < times; i++)
            action();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / times;
    }
}

/// <summary>The same under BenchmarkDotNet: scripts/bench micro.</summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "CleanUp disposes it: BenchmarkDotNet's way.")]
public class TranslatorMicro
{
    private TranslateCase _case = null!;

    /// <summary>CCWs of the program.</summary>
    [Params(1, 3, 64, 255)]
    public int Ccws { get; set; }

    /// <summary>Makes the program.</summary>
    [GlobalSetup]
    public void SetUp() => _case = new TranslateCase(Ccws);

    /// <summary>Gives its storage back.</summary>
    [GlobalCleanup]
    public void CleanUp() => _case.Dispose();

    /// <summary>The unit.</summary>
    [Benchmark(Baseline = true)]
    public void CopyTwoKilobytes() => _case.Copy();

    /// <summary>Initialize to free.</summary>
    [Benchmark]
    public void Translate() => _case.Translate();
}
