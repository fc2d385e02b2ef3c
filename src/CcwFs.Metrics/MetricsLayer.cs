using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Metrics;

/// <summary>
/// Counts what passes between the regions of a device and its backend. It stands below the trace alone, so that it sees what a guest sends and
/// gets. It changes nothing, never waits, and allocates nothing once the first program was started.
/// </summary>
/// <param name="next">What is below.</param>
/// <param name="faults">How many faults were injected so far; null: nothing injects any.</param>
public sealed class MetricsLayer(ISubchannel next, Func<long>? faults = null) : SubchannelLayer(next), IDeviceWatch
{
    private SubchannelCounters? _counters; // made by the first event: most subchannels of a large mount have none

    /// <summary>What was counted; null: nothing has happened.</summary>
    public SubchannelCounters? Counters => Volatile.Read(ref _counters);

    /// <summary>The commands of the device.</summary>
    internal CommandSet Commands => Identity.Commands;

    /// <summary>Faults that were injected; null: nothing injects any.</summary>
    internal long? Faults => faults?.Invoke();

    private SubchannelCounters Counting => _counters ?? MakeCounters();

    /// <inheritdoc/>
    public override FunctionResult Start(in Orb orb, BackendProgram program)
    {
        SubchannelCounters counters = Counting;
        counters.Begin();
        FunctionResult result = base.Start(orb, program);
        counters.Answered(CountedFunction.Start, result);
        return result;
    }

    /// <inheritdoc/>
    public override FunctionResult Resume() => Count(CountedFunction.Resume, base.Resume());

    /// <inheritdoc/>
    public override FunctionResult Halt() => Count(CountedFunction.Halt, base.Halt());

    /// <inheritdoc/>
    public override FunctionResult Clear() => Count(CountedFunction.Clear, base.Clear());

    /// <inheritdoc/>
    public override bool Test(out Irb irb)
    {
        if (!base.Test(out irb))
            return false;
        Counting.Took(irb);
        return true;
    }

    /// <inheritdoc/>
    public override bool Reset(bool system)
    {
        bool operational = base.Reset(system);
        Counters?.Reset();
        return operational;
    }

    /// <inheritdoc/>
    public override void Unplug()
    {
        base.Unplug();
        Counters?.Reset();
    }

    /// <inheritdoc/>
    /// <remarks>Of every command, if of none of its data.</remarks>
    public override int DataWanted => Math.Max(0, base.DataWanted);

    /// <inheritdoc/>
    public override void Executed(in ExecutedCommand command)
    {
        Counting.Executed(command);
        base.Executed(command);
    }

    /// <inheritdoc/>
    public override void Refused(uint address, Ccw ccw, string why)
    {
        Counting.Refused();
        base.Refused(address, ccw, why);
    }

    /// <inheritdoc/>
    void IDeviceWatch.NotTranslated(in Orb orb, Errno errno, string why) => Counting.NotTranslated();

    /// <inheritdoc/>
    void IDeviceWatch.InterruptGiven(DeviceInterrupt interrupt) => Counting.Given(interrupt);

    /// <inheritdoc/>
    void IDeviceWatch.InterruptTaken(DeviceInterrupt interrupt) => Counting.Taken(interrupt);

    private FunctionResult Count(CountedFunction function, FunctionResult result)
    {
        Counting.Answered(function, result);
        return result;
    }

    private SubchannelCounters MakeCounters()
    {
        Interlocked.CompareExchange(ref _counters, new SubchannelCounters(), null);
        return _counters;
    }
}
