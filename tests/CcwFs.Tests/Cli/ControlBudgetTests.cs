using CcwFs.FileSystem;

namespace CcwFs.Tests.Cli;

/// <summary>What open control files may take together, and what of it the garbage collector has to free.</summary>
public sealed class ControlBudgetTests
{
    private const uint Mounter = 1000, User = 1001;
    private const int Request = 200, MiB = 1 << 20;

    private readonly ControlBudget _budget = new(Mounter);

    [Fact]
    public void Threads_and_memory_of_the_system_are_no_garbage()
    {
        using ControlAccount account = _budget.Open(User);
        for (int n = 0; n < 1_000; n++)
        {
            Assert.True(account.TryTakeForRequest(MiB)); // a thread and what it works with
            account.ReturnRequest(garbage: Request);
            Assert.True(account.TryTake(64 * MiB));      // an address space
            account.Return(64 * MiB);
        }
        Assert.Equal(1_000 * Request, _budget.Garbage);
    }

    [Fact]
    public void Everything_is_given_back_with_the_account()
    {
        for (int n = 0; n < 3; n++)
        {
            using ControlAccount account = _budget.Open(User);
            Assert.True(account.TryTake(ControlBudget.PerUser - MiB));
            Assert.True(account.TryTakeForRequest(MiB));
            Assert.False(account.TryTake(1));
            Assert.False(account.TryTakeForRequest(1));
        }
    }
}
