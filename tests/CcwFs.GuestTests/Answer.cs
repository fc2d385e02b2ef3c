namespace CcwFs.GuestTests;

/// <summary>
/// How a script in the guest ended: its exit status, what it wrote to standard output and error, and what to say when that is wrong.
/// </summary>
internal sealed record Answer(int Status, string Output, string Circumstances)
{
    /// <summary>Asserts exit status 0; gives the output without the last newline.</summary>
    internal string Ok()
    {
        Assert.True(Status == 0, $"status {Status}\n{Output}\n{Circumstances}");
        return Output.TrimEnd('\n');
    }

    /// <summary>Asserts that it failed.</summary>
    internal string Failed()
    {
        Assert.True(Status != 0, $"status 0, which should not be\n{Output}\n{Circumstances}");
        return Output.TrimEnd('\n');
    }
}
