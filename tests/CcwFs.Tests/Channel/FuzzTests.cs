using CcwFs.ChannelIo;
using CcwFs.Fuzz;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Policy;

namespace CcwFs.Tests.Channel;

/// <summary>The fuzz targets, for a moment each; <c>CcwFs.Fuzz</c> runs them for as long as you like.</summary>
public sealed class FuzzTests
{
    private const int Seed = 20_261_121;

    [Theory]
    [InlineData(FuzzTarget.Translator, 2)]
    [InlineData(FuzzTarget.Interpreter, 3)]
    public void Mutated_programs_break_nothing(FuzzTarget target, int seconds)
    {
        using var fuzzer = new Fuzzer(target, Seed, Corpus.Load(Path.Combine(AppContext.BaseDirectory, "Vectors")));
        try
        {
            fuzzer.Run(TimeSpan.FromSeconds(seconds));
        }
        catch (FuzzException failure)
        {
            Assert.Fail($"round {fuzzer.Rounds}: {failure.Message}\n{failure.Case}");
        }
        Assert.InRange(fuzzer.Started, 100, fuzzer.Rounds);
    }

    [Fact]
    public void Mutated_programs_write_no_track_that_the_policy_forbids()
    {
        Seed[] seeds = [.. Enumerable.Range(0, 3).SelectMany(track => Writers(15 * track))];
        using var fuzzer = new Fuzzer(FuzzTarget.Interpreter, Seed, seeds, new FuzzDasd(SpaceEfficient: true, WritableCylinder: 1));
        try
        {
            fuzzer.Run(TimeSpan.FromSeconds(3));
        }
        catch (FuzzException failure)
        {
            Assert.Fail($"round {fuzzer.Rounds}: {failure.Message}\n{failure.Case}");
        }
        Assert.True(fuzzer.TracksWritten > 100, $"{fuzzer.TracksWritten} tracks in {fuzzer.Rounds} programs");
    }

    /// <summary>Programs that write a track, prefetched and not: an update, a format write, a search and write, and one by PREFIX.</summary>
    private static IEnumerable<Seed> Writers(int track)
    {
        byte[] count = Step.Count(track / 15, 0, 1, 0, 512);
        Step[][] programs =
        [
            [Step.Extent(0x00, track, track), Step.Locate(0x03, 1, track, 0, 512), Step.W(0x1D, count).WithSli()],
            [Step.Extent(0x80, track, track), Step.Locate(0x01, 1, track, 1, 512), Step.Sized(0x85, 512, 7)],
            [Step.Seek(track / 15, 0), Step.Extent(0x80, track, track), Step.Seek(track / 15, 0), Step.SearchId(track / 15, 0, 1), Step.Tic(3),
                Step.Sized(0x05, 512, 7)],
            [WriteRuleTests.Prefix(track, 0x3F, 0x23, 512), Step.Sized(0xA5, 512, 7)],
        ];
        foreach (Step[] steps in programs)
        {
            foreach (uint prefetch in new[] { 0u, OrbControl.Prefetch })
                yield return Assemble(steps, OrbControl.Format1 | 0x8000 | prefetch);
        }
    }

    private static Seed Assemble(Step[] steps, uint control)
    {
        const uint At = 0x1000, Data = 0x2000, Apart = 0x400;
        byte[] ccws = new byte[steps.Length * Ccw.Size];
        List<(uint, byte[])> memory = [(At, ccws)];
        for (uint i = 0; i < steps.Length; i++)
        {
            Step step = steps[i];
            CcwFlags flags = (i + 1 < steps.Length ? CcwFlags.ChainCommand : 0) | (step.Sli ? CcwFlags.SuppressLength : 0);
            Ccw ccw = step.Target >= 0
                ? new Ccw(step.Code, CcwFlags.None, 0, At + (uint)(step.Target * Ccw.Size))
                : new Ccw(step.Code, flags, (ushort)step.Out.Length, Data + (i * Apart));
            ccw.WriteFormat1(ccws.AsSpan((int)i * Ccw.Size));
            memory.Add((Data + (i * Apart), step.Out));
        }
        return new Seed(new Orb(1, control, At), memory);
    }
}
