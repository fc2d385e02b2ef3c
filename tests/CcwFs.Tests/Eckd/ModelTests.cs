using CcwFs.Fuzz;

namespace CcwFs.Tests.Eckd;

/// <summary>
/// Programs on the device and on a second model of a track, for a moment; <c>CcwFs.Fuzz model</c> runs them for as long as you like.
/// </summary>
public sealed class ModelTests
{
    private const int Programs = 5_000;

    [Theory]
    [InlineData(1)]
    [InlineData(20_261_130)]
    public void A_second_model_of_a_track_agrees(int seed)
    {
        var fuzzer = new ModelFuzzer(seed);
        try
        {
            fuzzer.Run(() => fuzzer.Programs < Programs / 2);
        }
        catch (FuzzException failure)
        {
            Assert.Fail($"{failure.Message}\n{failure.Case}\nagain: dotnet run -c Release --project tests/CcwFs.Fuzz -- model --seed {fuzzer.Seed}");
        }
        // The programs are worth something only if they end in many ways, a good part of them well.
        Assert.InRange(fuzzer.Endings["DeviceEnd, ChannelEnd"], Programs / 8, Programs / 2);
        string[] all = ["80 00 02", "80 00 03", "80 00 04", "00 04 00", "00 08 00", "00 20 00", "00 40 00", "81 00 00"];
        Assert.DoesNotContain(all, s => !fuzzer.Endings.Keys.Any(e => e.EndsWith(s, StringComparison.Ordinal)));
        Assert.Contains(fuzzer.Endings.Keys, e => e.Contains("UnitException", StringComparison.Ordinal));
    }
}
