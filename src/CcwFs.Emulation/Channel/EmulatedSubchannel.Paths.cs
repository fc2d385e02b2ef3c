using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Channel;

/// <content>Channel paths that come and go.</content>
public sealed partial class EmulatedSubchannel
{
    /// <inheritdoc/>
    /// <remarks>
    /// A program that runs on a path which goes away ends with interface-control check at its next CCW; a suspended one stays. A start that is
    /// pending goes over another path of its mask, or ends as not operational (deferred condition code 3).
    /// </remarks>
    public bool SetPath(byte chpid, bool available)
    {
        int index = Array.IndexOf(_chpids, chpid);
        if (index < 0)
            return false;
        bool ended = false;
        lock (_gate)
        {
            byte mask = (byte)(0x80 >> index);
            bool now = (_available & mask) != 0;
            if (!_plugged || now == available)
                return _plugged;
            _available = (byte)(available ? _available | mask : _available & ~mask);
            if (!available)
            {
                ended = SubchannelTransitions.NeedsPath(_activity) && _lastPath == mask && !MoveStart();
                if (ended)
                    _end = SubchannelTransitions.LosePath(_end);
                _device.LosePath(index);
            }
        }
        _events.Report(Crw.ChannelPath(chpid, available ? Crw.Initialized : Crw.PermanentError));
        if (ended)
            _executor.Schedule(this);
        return true;
    }

    /// <summary>A start that is pending goes over the first path left of its mask. False: it is not pending, or none is left. Under the gate.</summary>
    private bool MoveStart()
    {
        byte paths = (byte)(_run.Orb.LogicalPathMask & _available);
        if (_activity != Activity.StartPending || paths == 0)
            return false;
        _lastPath = Pmcw.FirstPath(paths);
        _run.UsePath(_lastPath);
        TryAgain();
        return true;
    }
}
