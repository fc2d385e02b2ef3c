using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Replay;

/// <summary>
/// What a recorded channel did and no device can: channel checks of a program, channel reports. It stands right above the channel of a
/// <see cref="ReplayDevice"/>.
/// </summary>
public sealed class ReplayLayer : SubchannelLayer
{
    private readonly ReplayDevice _device;

    /// <summary>A layer over the subchannel of a device.</summary>
    public ReplayLayer(ISubchannel next, ReplayDevice device)
        : base(next) => (_device, device.Reported) = (device, Report);

    /// <inheritdoc/>
    public override bool Test(out Irb irb)
    {
        if (!base.Test(out irb))
            return false;
        Scsw now = irb.Scsw;
        bool isEnd = (now.Function & FunctionControl.Start) != 0 && (now.StatusControl & StatusControl.Primary) != 0;
        if (!isEnd || _device.ChannelCheck is not { } recorded)
            return true;
        _device.ChannelCheck = null;
        Scsw had = recorded.Scsw;
        irb.Scsw = now with { Status = had.Status };
        ((ReadOnlySpan<byte>)recorded)[Irb.EswOffset..].CopyTo(irb[Irb.EswOffset..]);
        return true;
    }
}
