using CcwFs.Vfio.Endpoint;

namespace CcwFs.Tests.Vfio;

/// <summary>The end of a client's process.</summary>
public sealed class IommuProcessWatchTests : IDisposable
{
    private readonly ProcessWatch _watch = new();

    public void Dispose() => _watch.Dispose();

    private Task Ending(IommuTestClient client, out IDisposable watch)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Assert.Equal(0, _watch.Watch(client.Caller(), ended.SetResult, out IDisposable? made));
        watch = made!;
        return ended.Task;
    }

    [Fact]
    public async Task It_is_noticed_once_for_each_and_not_for_those_that_live_or_execute_another_program()
    {
        using IommuTestClient first = new(), second = new(), third = new();
        Task one = Ending(first, out _), again = Ending(first, out _), two = Ending(second, out IDisposable left), three = Ending(third, out _);
        third.ExecuteAnother();
        left.Dispose();
        second.Kill();
        first.Kill();
        await Task.WhenAll(one, again).WaitAsync(Fuse.Mounted.Patience);
        Assert.False(two.IsCompleted);
        Assert.False(three.IsCompleted);
        third.Kill();
        await three.WaitAsync(Fuse.Mounted.Patience);
        Assert.False(two.IsCompleted);
        _watch.Dispose();
        Assert.Equal((0, 0, 0), (first.DescriptorsHeld(), second.DescriptorsHeld(), third.DescriptorsHeld()));
    }

    [Fact]
    public void Watches_that_end_all_the_time_leave_no_descriptor_behind()
    {
        using IommuTestClient client = new();
        IoctlCaller caller = client.Caller();
        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            Assert.Equal(0, _watch.Watch(caller, () => { }, out IDisposable? watch));
            watch!.Dispose();
        });
        _watch.Dispose();
        Assert.Equal(0, client.DescriptorsHeld());
    }

    [Fact]
    public void A_caller_that_is_no_more_cannot_be_watched()
    {
        using IommuTestClient client = new();
        IoctlCaller caller = client.Caller();
        client.Kill();
        Assert.Equal(-4, _watch.Watch(caller, () => { }, out IDisposable? none));
        Assert.Null(none);
    }
}
