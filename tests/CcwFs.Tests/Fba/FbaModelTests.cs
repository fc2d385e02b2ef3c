using CcwFs.Fuzz;

namespace CcwFs.Tests.Fba;

/// <summary>
/// Programs on disks of blocks and on a model of them, for a moment; <c>CcwFs.Fuzz fba</c> runs them for as long as you like.
/// </summary>
public sealed class FbaModelTests
{
    private const int Programs = 20_000;

    [Theory]
    [InlineData(1)]
    [InlineData(20_261_130)]
    public void Random_programs_do_what_a_model_of_them_does(int seed)
    {
        var fuzzer = new FbaFuzzer(seed);
        try
        {
            fuzzer.Run(() => fuzzer.Programs < Programs / 2);
        }
        catch (FuzzException failure)
        {
            Assert.Fail($"{failure.Message}\n{failure.Case}\nagain: dotnet run -c Release --project tests/CcwFs.Fuzz -- fba --seed {fuzzer.Seed}");
        }
        // The programs are worth something only if they end in many ways, a good part of them well.
        Assert.InRange(fuzzer.Endings["DeviceEnd, ChannelEnd"], Programs / 8, Programs / 2);
        string[] all = ["Busy", "halted", "reset", "sense 80 00", "sense 80 02", "sense 00 04", "sense 10 00"];
        Assert.DoesNotContain(all, one => !fuzzer.Endings.Keys.Any(ending => ending.EndsWith(one, StringComparison.Ordinal)));
    }
}
