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
    private StagedData? _owed;        // of commands that have been executed: data for memory of which somebody may have translated code; made when it is needed
    private bool _isHandedOver;       // it is to be put into place by another thread
    private DeviceStatus? _shown;     // then: the status of the command, which ends with it; null: the next command is fetched

    /// <summary>The program's memory may wait for its owner.</summary>
    internal bool MayWait => _mayWait;

    /// <summary>Memory is being waited for. Under the gate.</summary>
    internal bool IsCopying => _isCopying;

    /// <summary>Given up: the thread in here ends as soon as it comes free, and touches nothing.</summary>
    internal bool IsAbandoned => _abandoned;

    /// <inheritdoc/>
    public bool IsOver => _abandoned || _isEnding;

    /// <summary>Data is to be put into place; an emulator may be waited for (<see cref="IGuestCode"/>).</summary>
    internal bool IsHandedOver => _isHandedOver;

    /// <summary>Nothing of the program counts any more: what is waited for is not worth it. Under the gate.</summary>
    internal void HurryUp() => _isEnding = true;

    /// <summary>Gives the run up while it is copying; another one takes its place. Under the gate.</summary>
    internal void Abandon() => _abandoned = true;

    /// <summary>The command is staged: its memory may wait, or all of it must be known before.</summary>
    private void ChooseStaging()
    {
        bool staged = _mayWait || (_source.Judge?.MustKnowAll(_command) ?? false);
        _staged = staged ? _stagedData ??= new StagedData() : null;
    }

    /// <summary>
    /// Fetches what the command may take, as the count, the chain and the IDAWs will give it again; of a program that is not prefetched also those. False: abandoned.
    /// </summary>
    private bool FetchAhead()
    {
        _staged!.Clear();
        bool toStorage = CommandCode.MovesToStorage(_command);
        if (toStorage && !_source.IsLive)
            return true;
        var before = (_at, _interruptPending, _fault);
        _source.BeginAhead();
        for (int room = StagedData.MaxBytes; room > 0;)
        {
            int length = SkipPiece(room);
            if (length == 0)
            {
                if (!NextPiece(room, out IMemoryStore store, out long offset, out length))
                    break;
                if (!toStorage)
                    _staged.Add(store, offset, length);
                _at.Advance(length);
            }
            room -= length;
        }
        if (_abandoned)
            return false;
        (_at, _interruptPending, _fault) = before;
        _source.EndAhead();
        return toStorage || Copy(_staged, fetch: true);
    }

    /// <summary>The policy lets the current command, the whole of which is known as far as it matters, run.</summary>
    private bool IsAdmitted() =>
        _source.Judge is not { } judge || judge.Judge(_at.Current.Value, _at.Ccw, _staged is { } staged ? staged.Fetched : default);

    /// <summary>Data that was read is not in its place.</summary>
    internal bool IsOwed => _owed is { IsEmpty: false };

    private bool OwesMuch => _owed is { Length: >= StagedData.MaxOwed };

    /// <summary>
    /// Who has translated code drops it at once for all commands that read one after the other: nobody sees their data before the status of the last one, or before
    /// a command that is none of them.
    /// </summary>
    private void Owe(IMemoryStore store, long offset, ReadOnlySpan<byte> bytes) => (_owed ??= new StagedData()).Add(store, offset, bytes);

    /// <summary>He waits for the thread that took the start, and would have to answer it: another thread goes on.</summary>
    private StepResult HandOver(DeviceStatus? shown)
    {
        (_isHandedOver, _shown) = (true, shown);
        return StepResult.HandOver;
    }

    /// <summary>A slice ends between two commands: other processors see what was read so far, as of a program that loops.</summary>
    internal StepResult EndSlice(bool mayBeHeldUp) =>
        !IsOwed ? StepResult.Continue : mayBeHeldUp ? Resettle() ?? StepResult.Continue : HandOver(null);

    /// <summary>The program is ended from outside, between two commands: the data of those that have been executed comes into place. False: abandoned.</summary>
    internal bool EndOutside()
    {
        _isHandedOver = false;
        return PutOwed();
    }

    /// <summary>Puts what is owed into place and goes on where it was handed over, if it was; null: with the next command.</summary>
    private StepResult? Resettle()
    {
        DeviceStatus? shown = _isHandedOver ? _shown : null;
        _isHandedOver = false;
        if (!PutOwed())
            return StepResult.Abandoned;
        if (shown is { } status)
            return GoOn(status);
        return _fault == SubchannelStatus.None ? null : End(DeviceStatus.ChannelEnd | DeviceStatus.DeviceEnd);
    }

    /// <summary>False: abandoned.</summary>
    private bool PutOwed()
    {
        if (!IsOwed)
            return true;
        bool kept = Copy(_owed!, fetch: false);
        _owed!.Clear();
        return kept;
    }

    /// <summary>Puts what the device sent into place. False: abandoned.</summary>
    private bool PutBehind() => !CommandCode.MovesToStorage(_command) || Copy(_staged!, fetch: false);

    private bool Copy(StagedData data, bool fetch)
    {
        if (data.IsEmpty)
            return true;
        lock (gate)
            _isCopying = true;
        SubchannelStatus check = SubchannelStatus.None;
        if (fetch)
            data.Fetch(this);
        else
            check = data.Put(this);
        lock (gate)
        {
            _isCopying = false;
            _fault |= check;
            return !_abandoned;
        }
    }
}
