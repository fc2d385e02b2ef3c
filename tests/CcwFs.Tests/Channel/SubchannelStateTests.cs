using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Tests.Channel;

/// <summary>The tables of an emulated subchannel, each cell of them.</summary>
public sealed class SubchannelStateTests
{
    private static readonly Activity[] _activities = Enum.GetValues<Activity>();
    private static readonly StepResult[] _results = [.. Enum.GetValues<StepResult>().Where(r => r != StepResult.Abandoned)];

    /// <summary>
    /// What ends a slice, for each activity in the order of their enumeration; a slash: when the slice's result is that the program ended.
    /// </summary>
    public static TheoryData<string, string> Requested => new()
    {
        //           Idle          StartPending    Active             Suspended  AwaitingDevice DeviceEndPending
        { "Halt",     "HaltedNothing HaltedIdle      Halted/HaltedFinal HaltedIdle Halted         HaltedDevice" },
        { "Clear",    "Cleared       Cleared         Cleared            Cleared    Cleared        Cleared" },
        { "PathLost", "Nothing       PathLostPending PathLost/Final     Nothing    PathLost       Nothing" },
        { "Reset",    "Nothing       Nothing         Nothing            Nothing    Nothing        Nothing" },
    };

    [Theory]
    [MemberData(nameof(Requested))]
    public void A_requested_end_means_something_in_every_activity(string end, string means)
    {
        string[] cells = means.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(_activities.Length, cells.Length);
        foreach (Activity activity in _activities)
        {
            foreach (StepResult result in _results)
            {
                string cell = cells[(int)activity].Split('/') is [_, string ended] && result == StepResult.Ended ? ended
                    : cells[(int)activity].Split('/')[0];
                Assert.Equal((activity, result, cell),
                    (activity, result, $"{SubchannelTransitions.Settle(activity, Enum.Parse<RequestedEnd>(end), result)}"));
            }
        }
    }

    [Theory]
    [InlineData("Continue", "Nothing")]
    [InlineData("HandOver", "Nothing")]
    [InlineData("Busy", "StartPending")]
    [InlineData("Waiting", "AwaitDevice")]
    [InlineData("Interrupt", "Intermediate")]
    [InlineData("Suspended", "Suspended")]
    [InlineData("Ended", "Final")]
    public void Without_a_requested_end_the_result_decides(string result, string means)
    {
        foreach (Activity activity in _activities)
            Assert.Equal(means, $"{SubchannelTransitions.Settle(activity, RequestedEnd.None, Enum.Parse<StepResult>(result))}");
    }

    [Fact]
    public void Every_end_and_result_is_in_the_tables()
    {
        Assert.Equal(Enum.GetNames<RequestedEnd>()[1..].Order(), Requested.Select(row => (string)row[0]).Order());
        int results = typeof(SubchannelStateTests)
            .GetMethod(nameof(Without_a_requested_end_the_result_decides))!.GetCustomAttributes(typeof(InlineDataAttribute), false).Length;
        Assert.Equal(_results.Length, results);
        Assert.Throws<ArgumentOutOfRangeException>(() => SubchannelTransitions.Settle(Activity.Active, RequestedEnd.None, StepResult.Abandoned));
    }

    [Fact]
    public void There_is_work_for_a_running_program_or_a_function()
    {
        foreach (Activity activity in _activities)
        {
            Assert.Equal(activity == Activity.Active, SubchannelTransitions.HasWork(activity, RequestedEnd.None));
            foreach (RequestedEnd end in (RequestedEnd[])[RequestedEnd.Halt, RequestedEnd.Clear, RequestedEnd.PathLost])
                Assert.True(SubchannelTransitions.HasWork(activity, end));
            Assert.False(SubchannelTransitions.HasWork(activity, RequestedEnd.Reset));
        }
    }

    /// <summary>Before; behind HALT, behind CLEAR (none: busy), behind the loss of the path.</summary>
    [Theory]
    [InlineData("None", "Halt", "Clear", "PathLost")]
    [InlineData("Halt", "", "Clear", "Halt")]
    [InlineData("Clear", "", "Clear", "Clear")]
    [InlineData("PathLost", "Halt", "Clear", "PathLost")]
    [InlineData("Reset", "", "", "Reset")]
    public void A_stronger_end_comes_before_a_weaker_one(string before, string halt, string clear, string lost)
    {
        RequestedEnd end = Enum.Parse<RequestedEnd>(before);
        Assert.Equal(halt, $"{SubchannelTransitions.Request(end, RequestedEnd.Halt)}");
        Assert.Equal(clear, $"{SubchannelTransitions.Request(end, RequestedEnd.Clear)}");
        Assert.Equal(lost, $"{SubchannelTransitions.LosePath(end)}");
    }

    /// <summary>Activity; its bits; whether it needs its path; whether status of the device's own waits.</summary>
    [Theory]
    [InlineData("Idle", ActivityControl.None, false, false)]
    [InlineData("StartPending", ActivityControl.StartPending, true, false)]
    [InlineData("Active", ActivityControl.SubchannelActive | ActivityControl.DeviceActive, true, true)]
    [InlineData("Suspended", ActivityControl.Suspended, false, false)]
    [InlineData("AwaitingDevice", ActivityControl.SubchannelActive | ActivityControl.DeviceActive, true, true)]
    [InlineData("DeviceEndPending", ActivityControl.DeviceActive, false, true)]
    public void An_activity_shows_in_the_scsw(string name, ActivityControl bits, bool needsPath, bool keepsUnsolicited)
    {
        Activity activity = Enum.Parse<Activity>(name);
        Assert.Equal(bits, SubchannelTransitions.Bits(activity));
        Assert.Equal((needsPath, keepsUnsolicited), (SubchannelTransitions.NeedsPath(activity), SubchannelTransitions.KeepsUnsolicited(activity)));
    }
}
