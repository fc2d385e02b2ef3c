using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <content>Data in memory that may wait for its owner, or that has been code: copied before and behind the device's command, never inside it.</content>
internal sealed partial class ProgramRun
{
    private StagedData? _stagedData;  // made when it is needed first
    private StagedData? _staged;      // of this command; null: it is not staged
    private bool _isCopying;          // guarded by the gate
    private volatile bool _abandoned; // set under the gate, while copying
    private volatile bool _isEnding;  // a reset waits for the end of the slice
    private bool _isHandedOver;       // the command was executed, and its data is not in place
    private (DeviceStatus Status, bool Begins) _handedOver;

    /// <summary>The program's memory may wait for its owner.</summary>
    internal bool MayWait => _mayWait;

    /// <summary>Memory is being waited for. Under the gate.</summary>
    internal bool IsCopying => _isCopying;

    /// <summary>Given up: the thread in here ends as soon as it comes free, and touches nothing.</summary>
    internal bool IsAbandoned => _abandoned;

    /// <inheritdoc/>
    public bool IsOver => _abandoned || _isEnding;

    /// <summary>A command's data is to be put into place; an emulator may be waited for (<see cref="IGuestCode"/>).</summary>
    internal bool IsHandedOver => _isHandedOver;

    /// <summary>Nothing of the program counts any more: what is waited for is not worth it. Under the gate.</summary>
    internal void HurryUp() => _isEnding = true;

    /// <summary>Gives the run up while it is copying; another one takes its place. Under the gate.</summary>
    internal void Abandon() => _abandoned = true;

    /// <summary>The command is staged: its memory may wait, or all of it must be known before.</summary>
    private void ChooseStaging()
    {
        bool staged = _mayWait || (_judge?.MustKnowAll(_command) ?? false);
        _staged = staged ? _stagedData ??= new StagedData() : null;
    }

    /// <summary>
    /// Fetches what the command may take, as the count, the chain and the IDAWs will give it again; of a program that is not prefetched also those. False: abandoned.
    /// </summary>
    private bool FetchAhead()
    {
        _staged!.Clear();
        bool toStorage = CommandCode.MovesToStorage(_command);
        if (toStorage && _live is null)
            return true;
        var before = (_ccw, _current, _remaining, _idaw, _data, _blockLeft, _firstIdaw, _interruptPending, _fault);
        _recording = _live is not null;
        for (int room = StagedData.MaxFetched; room > 0;)
        {
            int length = SkipPiece(room);
            if (length == 0)
            {
                if (!NextPiece(room, out IMemoryStore store, out long offset, out length))
                    break;
                if (!toStorage)
                    _staged.Add(store, offset, length);
                Advance(length);
            }
            room -= length;
        }
        if (_abandoned)
            return false;
        (_ccw, _current, _remaining, _idaw, _data, _blockLeft, _firstIdaw, _interruptPending, _fault) = before;
        (_recording, _replaying) = (false, _live is not null);
        return toStorage || Copy(fetch: true);
    }

    /// <summary>From this piece on the command is staged: somebody may have translated code of it.</summary>
    private void StageCode()
    {
        _staged = _stagedData ??= new StagedData();
        _staged.Clear();
    }

    /// <summary>The data goes where somebody may have translated code: he waits for the thread that took the start, and has to answer.</summary>
    private bool MustHandOver() => _staged is { } staged && CommandCode.MovesToStorage(_command) && staged.IsForCode;

    /// <summary>Puts what the device sent into place. False: abandoned.</summary>
    private bool PutBehind() => !CommandCode.MovesToStorage(_command) || Copy(fetch: false);

    private bool Copy(bool fetch)
    {
        if (_staged!.IsEmpty)
            return true;
        lock (gate)
            _isCopying = true;
        SubchannelStatus check = SubchannelStatus.None;
        if (fetch)
            _staged.Fetch(this);
        else
            check = _staged.Put(this);
        lock (gate)
        {
            _isCopying = false;
            _fault |= check;
            return !_abandoned;
        }
    }
}
