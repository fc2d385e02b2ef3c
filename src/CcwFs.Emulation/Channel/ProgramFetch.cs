using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// Fetches a channel program out of a <see cref="ProgramSource"/>: its CCWs, and the runs of storage that those of the current command name, over
/// data chaining, SKIP and IDAWs. It keeps the checks that this finds. Addresses are the backend's.
/// </summary>
internal sealed class ProgramFetch(ProgramMemory memory)
{
    private readonly TranslatedSource _translated = new();
    private LiveSource? _live;             // made at the first program that is not prefetched
    private ProgramSource _source = null!; // one of the two, while there is a program
    private Orb _orb;
    private DataCursor _at;
    private byte _command;
    private SubchannelStatus _fault;

    /// <summary>The host ORB.</summary>
    internal ref readonly Orb Orb => ref _orb;

    /// <summary>The current CCW, and what is used of it.</summary>
    internal ref DataCursor At => ref _at;

    /// <summary>The current CCW.</summary>
    internal ref readonly Ccw Ccw => ref _at.Ccw;

    /// <summary>The command that is being executed; data-chained CCWs have other codes.</summary>
    internal byte Command => _command;

    /// <summary>The current command's checks that the channel found.</summary>
    internal ref SubchannelStatus Fault => ref _fault;

    /// <summary>None.</summary>
    internal bool IsGood => _fault == SubchannelStatus.None;

    /// <summary>A PCI flag took effect and is not presented yet.</summary>
    internal bool IsInterruptPending { get; set; }

    /// <summary>Address of the CCW behind the last one used, in the backend's terms.</summary>
    internal uint CcwAddress => _at.Current.Plus(Ccw.Size).Value;

    /// <summary>Stands before each command; null: nothing does, or there is no program.</summary>
    internal ILiveGate? Gate => _source?.Gate;

    /// <summary>What a command has stored may be what the next one is made of.</summary>
    internal bool IsLive => _source.IsLive;

    /// <summary>There are sources for programs of this kind.</summary>
    internal static bool Fetches(BackendProgram program) => program is HostProgram or LiveProgram;

    /// <summary>Begins a program; no CCW is fetched yet.</summary>
    internal void Begin(in Orb orb, BackendProgram program)
    {
        (_orb, _source) = (orb, BeginSource(orb, program));
        _at.Current = new HostAddress(orb.ProgramAddress).Plus(-Ccw.Size);
        IsInterruptPending = false;
    }

    /// <summary>Forgets the program.</summary>
    internal void Forget()
    {
        _source?.Forget();
        _source = null!;
    }

    /// <summary>A new command: what was found of the one before does not count any more.</summary>
    internal void BeginCommand()
    {
        (_fault, _at.Remaining) = (SubchannelStatus.None, 0);
        _source.BeginCommand();
    }

    /// <summary>
    /// Fetches a command's first CCW, over one transfer in channel at most, and makes it current. False: a program check is in <see cref="Fault"/>.
    /// </summary>
    internal bool FetchCommand(HostAddress address, bool mayTransfer) => Fetch(address, mayTransfer, continued: null) && IsValidCommand();

    /// <summary>The data of the current CCW's command begins.</summary>
    internal void BeginData()
    {
        _command = _at.Ccw.Command;
        _at.BeginCount();
    }

    /// <summary>From here on what the command's data needs is fetched ahead, until <see cref="EndAhead"/>.</summary>
    internal void BeginAhead() => _source.BeginAhead();

    /// <summary>From here on it is given again, as it was fetched.</summary>
    internal void EndAhead() => _source.EndAhead();

    /// <summary>Bytes that a skipping CCW swallows; 0 when the current one does not skip.</summary>
    internal int SkipPiece(int wanted)
    {
        if (_at.Remaining == 0 && !ChainData())
            return 0;
        if (!_at.Ccw.Has(CcwFlags.Skip) || !CommandCode.MovesToStorage(_command))
            return 0;
        int length = Math.Min(wanted, _at.Remaining);
        _at.Remaining -= length;
        return length;
    }

    /// <summary>
    /// The next run of bytes that lie together in guest memory; they are used with <see cref="DataCursor.Advance"/>. False: none, or a check.
    /// </summary>
    internal bool NextPiece(int wanted, out IMemoryStore store, out long offset, out int length)
    {
        (store, offset, length) = (null!, 0, 0);
        if (!IsGood || (_at.Remaining == 0 && !ChainData()))
            return false;
        if (_at.BlockLeft == 0)
            _fault |= _source.NextBlock(ref _at);
        if (IsGood)
            _fault |= _source.Resolve(_at.Data, CommandCode.MovesToStorage(_command), out store, out offset, out length);
        length = Math.Min(Math.Min(wanted, _at.Remaining), Math.Min(_at.BlockLeft, length));
        return IsGood;
    }

    private ProgramSource BeginSource(in Orb orb, BackendProgram program)
    {
        switch (program)
        {
            case HostProgram translated:
                _translated.Begin(orb, translated);
                return _translated;
            case LiveProgram live:
                _live ??= new LiveSource(memory);
                _live.Begin(orb, live);
                return _live;
            default:
                throw new ArgumentOutOfRangeException(nameof(program));
        }
    }

    /// <summary><paramref name="continued"/>: the command that the CCW continues by data chaining; null: it begins one.</summary>
    private bool Fetch(HostAddress address, bool mayTransfer, byte? continued)
    {
        for (int transfers = 0; ; transfers++)
        {
            _at.Current = address;
            _at.Remaining = 0;
            _fault |= _source.FetchCcw(address, continued, out _at.Ccw);
            if (!IsGood)
                return false;
            if (!_at.Ccw.IsTransferInChannel)
                break;
            // First in the program, TIC to TIC, and flags or count in a format-1 TIC are program checks.
            if (!mayTransfer || transfers > 0 || _at.Ccw.Flags != CcwFlags.None || _at.Ccw.Count != 0)
                return Check();
            address = new HostAddress(_at.Ccw.DataAddress);
        }
        _at.Remaining = _at.Ccw.Count;
        IsInterruptPending |= _at.Ccw.Has(CcwFlags.ProgramControlledInterruption);
        return true;
    }

    /// <summary>A program check, unless another one has been found.</summary>
    private bool Check()
    {
        _fault = _fault == SubchannelStatus.None ? SubchannelStatus.ProgramCheck : _fault;
        return false;
    }

    /// <summary>What makes a command's first CCW invalid: the code, MIDA without control, S without control, count 0 with data chaining.</summary>
    private bool IsValidCommand() =>
        !CommandCode.IsInvalid(_at.Ccw.Command)
        && !_at.Ccw.Has(CcwFlags.ModifiedIndirectData)
        && (!_at.Ccw.Has(CcwFlags.Suspend) || _orb.SuspendControl)
        && (_at.Ccw.Count != 0 || !_at.Ccw.Has(CcwFlags.ChainData))
        || Check();

    /// <summary>
    /// The current count is used up and data is chained: the next CCW goes on with the same command. False: no more storage, or a check.
    /// </summary>
    private bool ChainData()
    {
        if (!_at.Ccw.Has(CcwFlags.ChainData) || !IsGood)
            return false;
        if (!Fetch(_at.Current.Plus(Ccw.Size), mayTransfer: true, _command))
            return false;
        if (_at.Ccw.Count == 0 || _at.Ccw.Has(CcwFlags.ModifiedIndirectData | CcwFlags.Suspend))
            return Check();
        _at.BeginCount();
        return true;
    }
}
