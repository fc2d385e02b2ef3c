namespace CcwFs.Tests;

/// <summary>
/// What code allocates in steady state. A collection in between, which another test's thread may cause, adds the unused rest of this thread's buffer
/// (up to 8 KiB) to its count; what really is allocated comes with every run.
/// </summary>
internal static class Allocations
{
    private const int Runs = 5; // arbitrary: collections do not come that often

    /// <summary>The least that a run of <paramref name="work"/> adds to this thread's count, in bytes.</summary>
    internal static long Least(Action work)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Runs && least != 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
