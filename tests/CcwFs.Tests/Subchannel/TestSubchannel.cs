using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Emulation.Channel;
using CcwFs.Subchannel;

namespace CcwFs.Tests.Subchannel;

/// <summary>
/// The emulated subchannel with what the capture's helper module does: interrupts held back, status handed to the driver, the
/// subchannel disabled. Like the captured hardware it gives no suspended interrupt when <see cref="SuppressSuspended"/> is set.
/// </summary>
internal sealed class TestSubchannel(EmulatedSubchannel inner) : ISubchannel, ISubchannelEvents
{
    private readonly Queue<Irb> _injected = new();
    private ISubchannelEvents _events = null!;
    private bool _missed;

    public bool SuppressSuspended { get; init; }

    public bool IsMasked { get; private set; }

    public bool IsDisabled { get; set; }

    public bool IsDefective { get; set; }

    public ConditionCode? NextCondition { get; set; }

    public BackendProgram? Program { get; private set; }

    public SubchannelId Id => inner.Id;

    public DeviceId Device => inner.Device;

    public string Backend => inner.Backend;

    /// <summary>As a real device, which is given every program translated.</summary>
    public bool PrefetchesAll { get; set; }

    public bool FetchesByItself => !PrefetchesAll && inner.FetchesByItself;

    public (string Device, string ControlUnit) Types => inner.Types;

    public CommandSet Commands => inner.Commands;

    public bool NeedsAddresses => inner.NeedsAddresses;

    public void Connect(ISubchannelEvents events)
    {
        _events = events;
        inner.Connect(this);
    }

    public bool Store(out Schib schib) => inner.Store(out schib);

    public FunctionResult Start(in Orb orb, BackendProgram program)
    {
        Program = program;
        if (IsDefective)
            throw new InvalidOperationException("a defect");
        uint control = SuppressSuspended ? orb.Control | OrbControl.SuppressSuspended : orb.Control;
        return Forced() ?? inner.Start(orb with { Control = control }, program);
    }

    public FunctionResult Resume() => Forced() ?? inner.Resume();

    public FunctionResult Halt() => Forced() ?? inner.Halt();

    public FunctionResult Clear() => Forced() ?? inner.Clear();

    public bool Test(out Irb irb) => _injected.TryDequeue(out irb) || inner.Test(out irb);

    public bool Reset(bool system) => !IsDisabled && inner.Reset(system);

    public void Unmapped(ulong iova, ulong length) => inner.Unmapped(iova, length);

    public void LeaveSpace() => inner.LeaveSpace();

    public void Unplug() => inner.Unplug();

    public bool SetPath(byte chpid, bool available) => inner.SetPath(chpid, available);

    public IEnumerable<KeyValuePair<string, string>> Describe() => inner.Describe();

    public void Dispose() => inner.Dispose();

    public void Interrupt()
    {
        _missed |= IsMasked;
        if (!IsMasked)
            _events.Interrupt();
    }

    public void Report(Crw crw) => _events.Report(crw);

    public void ReturnRequested() => _events.ReturnRequested();

    public void Vanished() => _events.Vanished();

    public void Failed(Exception failure) => _events.Failed(failure);

    public void Mask() => (IsMasked, _missed) = (true, false);

    public void Unmask()
    {
        IsMasked = false;
        if (_missed)
            _events.Interrupt();
    }

    public void Inject(params Irb[] irbs)
    {
        foreach (Irb irb in irbs)
            _injected.Enqueue(irb);
        _events.Interrupt();
    }

    private FunctionResult? Forced()
    {
        ConditionCode? forced = IsDisabled ? ConditionCode.NotOperational : NextCondition;
        NextCondition = null;
        return forced;
    }
}
