using CcwFs.ChannelIo;
using CcwFs.CommandSets;
using CcwFs.Policy;
using CcwFs.Subchannel;
using CcwFs.Tests.Eckd;
using CcwFs.Tests.Policy;

namespace CcwFs.Tests.Subchannel;

/// <summary>What a client can make a device say in the log, it cannot make it say without end.</summary>
public sealed class LogLimitTests
{
    private const int Lines = 10;
    private const int Waiting = 32; // interrupts behind the one that is shown
    private const string Refused = "programs that the policy refused", Dropped = "interrupts that were dropped",
        Lost = "channel reports that were lost", Failed = "programs that failed";
    private const ulong Nop = 0x0320_0001_0000_2000;
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    private readonly ManualTime _time = new();
    private readonly LogLines _log = new();

    public static TheoryData<string, string> Kinds => new()
    {
        { Refused, "the policy refused a program because of NO_OPERATION" },
        { Dropped, "interrupts wait unread" },
        { Lost, "was lost, nobody reads crw" },
        { Failed, "a program failed in a way that it should not" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_flood_is_cut_and_counted_and_lines_come_again_in_the_next_period(string what, string line)
    {
        using Machine machine = Make();
        if (what != Refused)
            Fill(machine);
        Flood(machine, what, Lines + 15);
        Assert.Equal(Lines, _log.Lines.Count(l => l.Contains(line, StringComparison.Ordinal)));
        Assert.DoesNotContain(_log.Lines, l => l.Contains("left out", StringComparison.Ordinal));
        _time.Advance(s_period);
        Assert.Equal($"0.0.0000: 15 more lines about {what} were left out", _log.Lines[^1]);
        Flood(machine, what, Lines);
        Assert.Equal(2 * Lines, _log.Lines.Count(l => l.Contains(line, StringComparison.Ordinal)));
        _time.Advance(s_period);
        Assert.Single(_log.Lines, l => l.Contains("left out", StringComparison.Ordinal));
    }

    [Fact]
    public void A_line_now_and_then_is_never_left_out()
    {
        using Machine machine = Make();
        for (int i = 0; i < 5 * Lines; i++)
        {
            Flood(machine, Refused, 1);
            _time.Advance(s_period / (Lines - 1));
        }
        Assert.Equal(5 * Lines, _log.Lines.Count);
    }

    [Fact]
    public void One_flood_does_not_hide_another_kind_of_line_or_another_subchannels()
    {
        using Machine machine = Make(), other = Make(1);
        Flood(machine, Refused, 2 * Lines);
        Fill(machine);
        Flood(machine, Lost, 1);
        Flood(other, Refused, 1);
        Assert.Equal(Lines + 2, _log.Lines.Count);
        Assert.StartsWith("0.0.0001: the policy refused", _log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_goes_says_what_it_left_out()
    {
        using (Machine machine = Make())
            Flood(machine, Refused, Lines + 3);
        Assert.Contains("0.0.0000: 3 more lines about programs that the policy refused were left out", _log.Lines);
        int lines = _log.Lines.Count;
        _time.Advance(s_period);
        Assert.Equal(lines, _log.Lines.Count);
    }

    private Machine Make(ushort number = 0)
    {
        var machine = new Machine(logger: _log, time: _time, number: number);
        machine.Device.SetPolicy(new DevicePolicy(machine.Device.Commands) { Deny = PolicyRig.Commands("nop", machine.Device.Commands) });
        machine.Ccws(0x1000, Nop);
        return machine;
    }

    /// <summary>Fills what has room before the first line comes.</summary>
    private static void Fill(Machine machine)
    {
        machine.Subchannel.Inject([.. Enumerable.Repeat(Attention, 1 + Waiting)]); // the first is shown
        for (int i = 0; i < VfioCcwDevice.CrwLimit; i++)
            machine.Subchannel.Report(Crw.ChannelPath(0, Crw.Initialized));
    }

    /// <summary>Causes so many lines.</summary>
    private static void Flood(Machine machine, string what, int lines)
    {
        for (int i = 0; i < lines; i++)
        {
            if (what == Refused)
                machine.Run(0x1000);
            else if (what == Dropped)
                machine.Subchannel.Inject(Attention);
            else if (what == Failed)
                machine.Device.Failed(new InvalidOperationException());
            else
                machine.Subchannel.Report(Crw.ChannelPath(0, Crw.Initialized));
        }
    }

    private static Irb Attention
    {
        get
        {
            var irb = default(Irb);
            irb.Scsw = new Scsw((uint)(StatusControl.Alert | StatusControl.Pending), 0, 0x8000_0000u);
            return irb;
        }
    }
}
