using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram.Policy;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <content>
/// A program that must not be prefetched: each CCW, IDAW and byte is fetched once, from guest memory, at its turn (SA22-7832, chapter 15: "Channel-Program
/// Execution"). Where a command is staged (memory that may wait, or a policy that must know all of it before), its CCWs and IDAWs are fetched with it, and what was
/// fetched then is used.
/// </content>
internal sealed partial class ProgramRun
{
    private const uint LargestAddress = 0x7FFF_FFFF;      // format 1, format-1 IDAWs
    private const uint LargestFormat0Address = 0x00FF_FFFF;

    private readonly FetchedWords _words = new();
    private LiveMemory? _live;      // null: a translated program
    private LiveJudge? _judge;      // null: no policy, or judged before
    private bool _mayWait;
    private bool _recording;        // the words of this command are being fetched
    private bool _replaying;        // they have been

    private bool TryFetchCcw(uint address, bool continues, out Ccw ccw)
    {
        if (_live is null)
            return _program.TryFetchCcw(address, out ccw);
        Span<byte> bytes = stackalloc byte[Ccw.Size];
        ccw = default;
        bool isThere = address % Ccw.Size == 0 && address <= (_orb.Format1 ? LargestAddress : LargestFormat0Address) && TryReadWord(address, bytes);
        if (!isThere)
            return false;
        ccw = _orb.Format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
        if (continues && !ccw.IsTransferInChannel && !_replaying)
            _judge?.Count(address, ccw, _command, continues: true);
        return ccw.IsTransferInChannel || ccw.DataAddress <= LargestAddress;
    }

    /// <summary>The next run of bytes of a program that is not prefetched: an IDAW, or the CCW's own address and what follows it.</summary>
    private bool NextLiveBlock(int block)
    {
        if (!_ccw.Has(CcwFlags.IndirectData))
        {
            _data = _firstIdaw ? _idaw : _data;
            _blockLeft = IovaMap.PageSize - (int)(_data % IovaMap.PageSize);
            _firstIdaw = false;
            return _data <= (_orb.Format1 ? LargestAddress : LargestFormat0Address) || Check();
        }
        Span<byte> bytes = stackalloc byte[IdawSize];
        int size = _orb.Format2Idaws ? IdawSize : IdawSize / 2;
        if (_idaw % (uint)size != 0 || !TryReadWord(_idaw, bytes[..size]))
            return Check();
        _data = _orb.Format2Idaws ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        int into = (int)(_data & (ulong)(block - 1));
        if ((into != 0 && !_firstIdaw) || (!_orb.Format2Idaws && _data > LargestAddress))
            return Check();
        (_blockLeft, _firstIdaw) = (block - into, false);
        _idaw += (uint)size;
        return true;
    }

    /// <summary>Where a byte of guest memory is; false with a check.</summary>
    private bool TryResolveLive(ulong address, MemoryRights rights, out IMemoryStore store, out long offset, out int left)
    {
        MemoryFault fault = _live!.Resolve(address, rights, out store, out offset, out left);
        if (fault == MemoryFault.None && store.MayWait && !_mayWait)
            fault = MemoryFault.Unmapped; // mapped since the start: the program is not staged
        if (fault != MemoryFault.None)
            _fault |= fault == MemoryFault.Protected ? SubchannelStatus.ProtectionCheck : SubchannelStatus.ProgramCheck;
        return fault == MemoryFault.None;
    }

    /// <summary>A CCW or an IDAW; they are aligned and lie in one page.</summary>
    private bool TryReadWord(ulong address, Span<byte> word)
    {
        if (_replaying)
            return _words.TryTake(word, ref _fault);
        SubchannelStatus before = _fault;
        _fault = SubchannelStatus.None;
        bool good = TryResolveLive(address, MemoryRights.Read, out IMemoryStore store, out long offset, out _) && ReadStore(store, offset, word);
        if (_abandoned)
            return false;
        if (!good && _fault == SubchannelStatus.None)
            _fault = SubchannelStatus.ProgramCheck;
        if (good && IsOwed)
            _owed!.Overlay(store, offset, word); // this command has read it
        if (_recording)
            _words.Add(word, _fault);
        _fault |= before;
        return good;
    }

    private bool ReadStore(IMemoryStore store, long offset, Span<byte> bytes)
    {
        if (!store.MayWait)
            return store.Read(offset, bytes);
        lock (gate)
            _isCopying = true;
        bool good = store.Read(offset, bytes);
        lock (gate)
        {
            _isCopying = false;
            return good && !_abandoned;
        }
    }

    /// <summary>The policy lets the current command, the whole of which is known as far as it matters, run.</summary>
    private bool IsAdmitted() => _judge is null || _judge.Judge(_current, _ccw, _staged is { } staged ? staged.Fetched : default);
}

/// <summary>CCWs and IDAWs of one command in the order in which they were fetched, which is that in which they are used.</summary>
internal sealed class FetchedWords
{
    private const int Size = 8;
    private readonly List<(ulong Word, SubchannelStatus Fault)> _words = [];
    private int _taken;

    internal void Clear()
    {
        _words.Clear();
        _taken = 0;
    }

    internal void Add(ReadOnlySpan<byte> word, SubchannelStatus fault)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bytes.Clear();
        word.CopyTo(bytes);
        _words.Add((BinaryPrimitives.ReadUInt64BigEndian(bytes), fault));
    }

    /// <summary>The next word; false where it could not be fetched, with the check that it was.</summary>
    internal bool TryTake(Span<byte> word, ref SubchannelStatus fault)
    {
        (ulong value, SubchannelStatus wrong) = _taken < _words.Count ? _words[_taken++] : (0, SubchannelStatus.ProgramCheck);
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        bytes[..word.Length].CopyTo(word);
        fault |= wrong;
        return wrong == SubchannelStatus.None;
    }
}
