using CcwFs.Linux;

namespace CcwFs.Tests.Linux;

public sealed class CommandRingTests
{
    [Fact]
    public void More_operations_than_it_has_room_for_all_complete()
    {
        if (CommandRing.Create(4, out CommandRing? ring) < 0)
            return; // io_uring is forbidden here
        using (ring)
        {
            HashSet<ulong> done = [];
            for (ulong tag = 0; tag < 20; tag++)
                Assert.Equal(0, ring!.AddNothing(tag));
            while (done.Count < 20)
            {
                Assert.Equal(0, ring!.Enter(wait: true));
                while (ring.TryTake(out ulong tag, out int result))
                    Assert.True(result == 0 && done.Add(tag));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_eventfd_wakes_it_and_a_command_that_a_file_does_not_know_fails(bool isKept)
    {
        if (CommandRing.Create(4, out CommandRing? ring) < 0)
            return;
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: false, out FileDescriptor wake));
        using (ring)
        using (wake)
        {
            if (isKept)
                ring!.Keep(wake);
            Assert.Equal(0, ring!.AddWait(wake, 7));
            Assert.Equal(0, ring.AddCommand(wake, 1, 0, 0, 8, new byte[CommandRing.CommandLength]));
            Assert.Equal(0, ring.Enter(wait: true));
            Assert.True(ring.TryTake(out ulong tag, out int result));
            Assert.True(tag == 8 && result < 0);
            Assert.False(ring.TryTake(out _, out _));
            Descriptors.Signal(wake, 1);
            Assert.Equal(0, ring.Enter(wait: true));
            Assert.True(ring.TryTake(out tag, out result));
            Assert.Equal((7UL, 8), (tag, result));
            Assert.Throws<ArgumentOutOfRangeException>(() => ring.AddCommand(wake, 1, 0, 0, 8, new byte[CommandRing.CommandLength + 1]));
        }
    }

    [Fact]
    public void A_file_that_it_keeps_is_there_after_its_descriptor_was_closed()
    {
        if (CommandRing.Create(4, out CommandRing? ring) < 0)
            return;
        Assert.Equal(0, Descriptors.EventFd(0, nonBlocking: false, out FileDescriptor kept));
        using (ring)
        {
            ring!.Keep(kept);
            kept.Dispose();
            Assert.Equal(0, ring.AddCommand(kept, 1, 0, 0, 8, new byte[CommandRing.CommandLength]));
            Assert.Equal(0, ring.Enter(wait: true));
            Assert.True(ring.TryTake(out _, out int result));
            Assert.Equal(-95, result); // EOPNOTSUPP: an eventfd has no commands. EBADF: it was not kept
        }
    }

    [Theory]
    [InlineData("0-1\n", 2)]
    [InlineData("0", 1)]
    [InlineData("0-3,8,16-17\n", 7)]
    [InlineData("", 0)]
    [InlineData("3-1", 0)]
    [InlineData("x", 0)]
    public void Processors_are_counted(string list, int count) => Assert.Equal(count, Processors.CountOf(list));

    [Theory]
    [InlineData("Name:\tx\nSigPnd:\t0000000000000002\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n", true)]
    [InlineData("Name:\tx\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000002\nSigBlk:\t0000000000000002\n", false)]
    [InlineData("Name:\tx\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000006\nSigBlk:\t0000000000000002\n", true)]
    [InlineData("Name:\tx\n", false)]
    public void A_signal_that_waits_and_is_not_blocked_is_seen(string status, bool has) =>
        Assert.Equal(has, PendingSignals.HasIn(System.Text.Encoding.ASCII.GetBytes(status)));

    [Fact]
    public void Memory_for_the_kernel_keeps_its_bounds_and_its_end()
    {
        Assert.Equal(0, PrivateMemory.Create(4096, out PrivateMemory? memory));
        memory!.Write(4090, "abcdef"u8);
        Assert.Equal("abcdef"u8, memory.Span(4090, 6));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(4091, "abcdef"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Span(-1, 1).Length);
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Write(0, "a"u8));
        Assert.Throws<ObjectDisposedException>(() => memory.Span(0, 1).Length);
    }
}
