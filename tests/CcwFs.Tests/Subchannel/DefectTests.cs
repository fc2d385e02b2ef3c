using System.Collections.Concurrent;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Vfio.Endpoint;
using Mono.Unix.Native;

namespace CcwFs.Tests.Subchannel;

/// <summary>A defect of ours ends what met it, with a line in the log, and nothing else.</summary>
public sealed class DefectTests : IDisposable
{
    private const ulong Nop = 0x0320_0001_0000_2000, ChainedNop = 0x0360_0001_0000_2000, Defective = 0x0520_0001_0000_2000;

    private readonly LogLines _log = new();
    private readonly TestDevice _device = new();
    private readonly Machine _machine;

    public DefectTests()
    {
        _device.Commands[0x05] = _ => throw new InvalidOperationException("a defect");
        _machine = new Machine(_device, logger: _log);
    }

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(400)] // by then it runs on the executor's threads
    public void A_command_that_fails_ends_its_program_with_channel_control_check(int before)
    {
        ulong[] ccws = [.. Enumerable.Repeat(ChainedNop, 100), 0x0800_0000_0000_1000];
        _machine.Ccws(0x1000, before == 0 ? [Defective] : ccws);
        if (before > 0)
            _device.Commands[0x03] = _ => --before > 0 ? TestDevice.Good : throw new InvalidOperationException("a defect");
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
        Scsw scsw = _machine.ReadIrb().Scsw;
        Assert.Equal((SubchannelStatus.ChannelControlCheck, DeviceStatus.None, FunctionControl.Start), (scsw.Subchannel, scsw.Device, scsw.Function));
        Assert.Equal(1, _device.Abandoned);
        Assert.Contains(_log.Lines, line => line.StartsWith("0.0.0000: a program failed", StringComparison.Ordinal));

        _device.Commands[0x03] = _ => TestDevice.Good;
        _machine.Ccws(0x1000, Nop);
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
        Assert.Equal(TestDevice.Good, _machine.ReadIrb().Scsw.Device);
    }

    [Fact]
    public void A_start_that_fails_is_refused_and_the_next_one_is_not()
    {
        _machine.Ccws(0x1000, Nop);
        _machine.Subchannel.IsDefective = true;
        Assert.Equal(-(int)Errno.EIO, _machine.StartAt(0x1000));
        Assert.Contains(_log.Lines, line => line.StartsWith("0.0.0000: a program failed", StringComparison.Ordinal));
        _machine.Subchannel.IsDefective = false;
        Assert.Equal(RegionLayout.IoSize, _machine.StartAt(0x1000));
    }

    [Fact]
    public void A_call_for_which_there_is_no_thread_is_refused_and_a_later_one_runs()
    {
        var accounts = ClientAccounts.Make();
        var thread = new ClientThread("vfio test", accounts.Of(4), _log) { Begin = _ => throw new OutOfMemoryException() };
        using BlockingCollection<int> answers = [];
        int left = 0;
        new TestCall(thread, () => 1, left: () => left++).Start(Answer);
        Assert.Equal((-(int)Errno.ENOMEM, 1), (Next(), left));
        Assert.Equal(0, accounts.Users);
        thread.Begin = begun => begun.Start();
        new TestCall(thread, () => 7).Start(Answer);
        Assert.Equal(7, Next());

        // One is stuck, was given up, and there is no other: who waits is refused, and it goes on when it is free again.
        using var free = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var stuck = new TestCall(thread, () =>
        {
            begun.Set();
            free.Wait();
            return 2;
        });
        stuck.Start(_ => false);
        begun.Wait();
        new TestCall(thread, () => 3).Start(Answer);
        thread.Begin = _ => throw new OutOfMemoryException();
        stuck.Interrupt();
        Assert.Equal(-(int)Errno.ENOMEM, Next());
        new TestCall(thread, () => 4).Start(Answer);
        Assert.Equal(-(int)Errno.ENOMEM, Next());
        using var ended = new ManualResetEventSlim();
        thread.End(ended.Set);
        Assert.False(ended.IsSet);
        free.Set();
        Assert.True(ended.Wait(Machine.Patience));
        Assert.True(SpinWait.SpinUntil(() => accounts.Users == 0, Machine.Patience));

        bool Answer(int result)
        {
            answers.Add(result);
            return true;
        }

        int Next() => answers.TryTake(out int result, Machine.Patience) ? result : throw new TimeoutException("no answer");
    }

    [Fact]
    public void A_clients_call_that_fails_is_answered_and_the_next_one_runs()
    {
        var thread = new ClientThread("vfio test", ClientAccounts.Make().Of(0), _log);
        using BlockingCollection<int> answers = [];
        new TestCall(thread, () => 1, then: () => throw new InvalidOperationException("a defect")).Start(Answer);
        Assert.Equal(1, Next());
        new TestCall(thread, () => throw new InvalidOperationException("a defect")).Start(Answer);
        new TestCall(thread, () => 7).Start(Answer);
        Assert.Equal((-(int)Errno.EIO, 7), (Next(), Next()));
        // What comes after an answer may be on another thread than the next call.
        Assert.True(SpinWait.SpinUntil(
            () => _log.Count(line => line.StartsWith("vfio test: a client's request failed", StringComparison.Ordinal)) == 2, Machine.Patience));
        thread.End(() => { });

        bool Answer(int result)
        {
            answers.Add(result);
            return true;
        }

        int Next() => answers.TryTake(out int result, Machine.Patience) ? result : throw new TimeoutException("no answer");
    }

    private sealed class TestCall(ClientThread thread, Func<int> work, Action? left = null, Action? then = null) : ClientCall(thread)
    {
        private protected override bool HasMore => then is not null;

        private protected override int Work() => work();

        private protected override void Left() => left?.Invoke();

        private protected override void More() => then!();
    }
}
