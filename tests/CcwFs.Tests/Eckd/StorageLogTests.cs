using CcwFs.Emulation.Dasd.Eckd;

namespace CcwFs.Tests.Eckd;

/// <summary>Lines that a guest causes by reading what is damaged, or what cannot be read, as often as it likes.</summary>
public sealed class StorageLogTests
{
    private const int Reads = 40, Lines = 10;

    [Fact]
    public void Damaged_tracks_give_few_lines_and_a_count_of_what_was_left_out()
    {
        using var rig = new Rig();
        for (int track = 0; track < Reads; track++)
            rig.Store.Slot(track).AsSpan(0, 100).Fill(0xEE);
        Read(rig, sense: 0x08);
        AssertLimited(rig, "damaged tracks");
    }

    [Fact]
    public void Failed_storage_gives_few_lines_and_a_count_of_what_was_left_out()
    {
        using var rig = new Rig();
        rig.Store.FailReads = true;
        Read(rig, sense: 0x10);
        AssertLimited(rig, "failed storage");
    }

    [Fact]
    public void Reserves_taken_away_give_few_lines_and_a_count_of_what_was_left_out()
    {
        using var rig = new Rig();
        using EckdDevice other = rig.Add(0x0151);
        for (int turn = 0; turn < Reads; turn++)
        {
            other.Run(Step.R(0x14, 32)).Ok();
            rig.Device.Run(Step.R(0x14, 32)).Ok();
        }
        Assert.Equal(Lines, rig.Log.Lines.Count(line => line.Contains("reserve of 0.0.0151 taken away", StringComparison.Ordinal)));
        rig.Device.Dispose();
        Assert.Contains($"{Reads - Lines} more lines about reserves taken away were left out", Assert.Single(rig.Log.Warnings),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_flood_of_one_kind_hides_no_line_of_another()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        using EckdDevice other = rig.Add(0x0151);
        rig.Store.FailReads = true;
        Read(rig, sense: 0x10, first: 100);
        rig.Store.FailReads = false;
        Assert.Equal(Lines, rig.Log.Warnings.Count);
        rig.Store.Slot(60).AsSpan(0, 100).Fill(0xEE);
        Read(rig, sense: 0x08, first: 60, count: 1);
        Assert.Contains("is damaged", Assert.Single(rig.Log.Warnings.Skip(Lines)), StringComparison.Ordinal);
        other.Run(Step.R(0x14, 32)).Ok();
        rig.Device.Run(Step.R(0x14, 32)).Ok();
        Assert.Contains("reserve of 0.0.0151 taken away", rig.Log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_write_for_which_there_is_no_memory_fails_as_one_of_failed_storage()
    {
        using Rig rig = new Rig().Formatted(1, 1, 16);
        rig.Store.HaveNoMemory = true;
        rig.Device.Run(Step.Extent(0, 1, 1), Step.Locate(0x01, 1, 1, 1, 16), Step.Sized(0x85, 16, 0x77)).Fails(0x10, 0x80, 0x10);
        Assert.Contains("there is no memory for it now", Assert.Single(rig.Log.Warnings), StringComparison.Ordinal);
        rig.Store.HaveNoMemory = false;
        Assert.Equal(1, rig.Records(1, 1, 16)[0]); // the old track
    }

    private static void Read(Rig rig, byte sense, int first = 0, int count = Reads)
    {
        for (int track = first; track < first + count; track++)
        {
            Outcome outcome = rig.Device.Run([Step.Extent(0x40, track, track), Step.Locate(0x06, 1, track, 1, 4_096), Step.R(0x86, 4_096)]);
            Assert.Equal(sense, outcome.Sense[0]);
        }
    }

    private static void AssertLimited(Rig rig, string what)
    {
        Assert.Equal(Lines, rig.Log.Warnings.Count);
        rig.Device.Dispose();
        Assert.Contains($"{Reads - Lines} more lines about {what} were left out", Assert.Single(rig.Log.Warnings.Skip(Lines)),
            StringComparison.Ordinal);
    }
}
