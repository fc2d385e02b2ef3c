using CcwFs.Fuzz;

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
}
