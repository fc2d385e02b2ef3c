namespace CcwFs.SystemTests;

/// <summary>What a prefetched program cannot do is said, and what to do (ccwfs run --fetch).</summary>
public sealed class FetchTests
{
    private static readonly string[] s_program =
        ["SEEK to=0/1", "s: SEARCH_ID_EQUAL id=0/1/0", "tic=x", "READ_DATA sli count=8 nochain", "x: NOP", "tic=s"];

    [Fact]
    public void Run_names_the_CCW_that_was_not_prefetched_and_runs_it_with_fetch()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"]);
        Outcome refused = mounted.Ccwfs("run", ["0.0.0000", .. s_program]);
        Assert.Equal(1, refused.Status);
        Assert.Contains("program check", refused.Output, StringComparison.Ordinal);
        Assert.Contains("The CCW that it came to (line 4, at 00000018) was not prefetched: it stands behind a TIC that leads out of its chain.",
            refused.Output, StringComparison.Ordinal);
        Assert.Contains("--fetch", refused.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Last CCW used", refused.Output, StringComparison.Ordinal);
        mounted.Logged("0.0.0000: a program ended with program check at its CCW at 00000018, which was not prefetched");
        using System.Text.Json.JsonDocument json =
            System.Text.Json.JsonDocument.Parse(mounted.Ccwfs("run", ["0.0.0000", "--json", .. s_program]).Output);
        Assert.Equal("00000018", json.RootElement.GetProperty("unfetched").GetString());
        Assert.Contains("READ_DATA (line 4): 8 bytes", mounted.Ccwfs("run", ["0.0.0000", "--fetch", .. s_program]).Ok().Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_packed_program_holds_what_was_prefetched_and_says_so()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"]);
        string packed = mounted.Scratch.At("packed.ccw");
        Child.Ccwfs(["translate", "--format", "packed", "--with-data", "-o", packed, .. s_program]).Ok();
        Assert.Contains(
            "It came to a CCW that was not packed with it: it stands behind a TIC that leads out of its chain (behind offset 00000010).\n",
            mounted.Ccwfs("run", "0.0.0000", "--program", packed).Output, StringComparison.Ordinal);
        Outcome refused = mounted.Ccwfs("run", "0.0.0000", "--fetch", "--program", packed);
        Assert.Equal((2, "ccwfs: --fetch does not go with a packed program, which holds what was prefetched and no more; run the program's words\n"),
            (refused.Status, refused.Error));
    }
}
