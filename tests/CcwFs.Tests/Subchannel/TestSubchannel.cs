using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Emulation.Channel;
using CcwFs.Subchannel;

namespace CcwFs.Tests.Subchannel;

/// <summary>
/// The emulated subchannel with what the capture's helper module does: interrupts held back, status handed to the driver, the
/// subchannel disabled. Like the captured hardware it gives no suspended interrupt when <see cref="SuppressSuspended"/> is set.
/// </summary>
internal sealed class TestSubchannel(EmulatedSubchannel next) : SubchannelLayer(next)
{
    private readonly Queue<Irb> _injected = new();
    private bool _missed;

    public bool SuppressSuspended { get; init; }

    public bool IsMasked { get; private set; }

    public bool IsDisabled { get; set; }

    public bool IsDefective { get; set; }

    public ConditionCode? NextCondition { get; set; }

    public BackendProgram? Program { get; private set; }

    /// <summary>As a real device, which is given every program translated.</summary>
    public bool PrefetchesAll { get; set; }

    public override SubchannelIdentity Identity => PrefetchesAll ? base.Identity with { FetchesByItself = false } : base.Identity;

    public override FunctionResult Start(in Orb orb, BackendProgram program)
    {
        Program = program;
        if (IsDefective)
            throw new InvalidOperationException("a defect");
        uint control = SuppressSuspended ? orb.Control | OrbControl.SuppressSuspended : orb.Control;
        return Forced() ?? base.Start(orb with { Control = control }, program);
    }

    public override FunctionResult Resume() => Forced() ?? base.Resume();

    public override FunctionResult Halt() => Forced() ?? base.Halt();

    public override FunctionResult Clear() => Forced() ?? base.Clear();

    public override bool Test(out Irb irb) => _injected.TryDequeue(out irb) || base.Test(out irb);

    public override bool Reset(bool system) => !IsDisabled && base.Reset(system);

    public override void Interrupt()
    {
        _missed |= IsMasked;
        if (!IsMasked)
            base.Interrupt();
    }

    public void Mask() => (IsMasked, _missed) = (true, false);

    public void Unmask()
    {
        IsMasked = false;
        if (_missed)
            base.Interrupt();
    }

    public void Inject(params Irb[] irbs)
    {
        foreach (Irb irb in irbs)
            _injected.Enqueue(irb);
        base.Interrupt();
    }

    private FunctionResult? Forced()
    {
        ConditionCode? forced = IsDisabled ? ConditionCode.NotOperational : NextCondition;
        NextCondition = null;
        return forced;
    }
}
