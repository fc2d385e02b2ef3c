using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// A program that must not be prefetched: each CCW, IDAW and byte is fetched once, from guest memory, at its turn (SA22-7832, chapter 15:
/// "Channel-Program Execution"). Where a command is staged (memory that may wait, or a gate that must know all of it before), its CCWs and IDAWs
/// are fetched with it, and what was fetched then is used.
/// </summary>
internal sealed class LiveSource(ProgramMemory memory) : ProgramSource
{
    private const uint LargestAddress = 0x7FFF_FFFF;      // format 1, format-1 IDAWs
    private const uint LargestFormat0Address = 0x00FF_FFFF;
    private const int IdawSize = 8;

    /// <summary>How the words of the current command, its CCWs and IDAWs, are had.</summary>
    private enum Ahead
    {
        /// <summary>Each at its turn.</summary>
        Not,

        /// <summary>They are being fetched ahead.</summary>
        Fetching,

        /// <summary>They were fetched ahead, and are given again.</summary>
        Fetched,
    }

    private readonly FetchedWords _words = new();
    private LiveProgram _program = null!;
    private ILiveGate? _gate;
    private Orb _orb;
    private bool _mayWait;
    private Ahead _ahead;

    /// <inheritdoc/>
    internal override bool IsLive => true;

    /// <inheritdoc/>
    internal override ILiveGate? Gate => _gate;

    private uint LargestDirectAddress => _orb.Format1 ? LargestAddress : LargestFormat0Address;

    /// <summary>Begins a program.</summary>
    internal void Begin(in Orb orb, LiveProgram program) =>
        (_orb, _program, _gate, _mayWait) = (orb, program, program.Gate, program.MayWait);

    /// <inheritdoc/>
    internal override void Forget() => (_program, _gate) = (null!, null);

    /// <inheritdoc/>
    internal override void BeginCommand() => _ahead = Ahead.Not;

    /// <inheritdoc/>
    internal override void BeginAhead()
    {
        _words.Clear();
        _ahead = Ahead.Fetching;
    }

    /// <inheritdoc/>
    internal override void EndAhead() => _ahead = Ahead.Fetched;

    /// <inheritdoc/>
    internal override SubchannelStatus FetchCcw(HostAddress address, byte? continued, out Ccw ccw)
    {
        Span<byte> bytes = stackalloc byte[Ccw.Size];
        ccw = default;
        if (address.Value % Ccw.Size != 0 || address.Value > LargestDirectAddress)
            return SubchannelStatus.ProgramCheck;
        SubchannelStatus check = ReadWord(address.Value, bytes);
        if (check != SubchannelStatus.None)
            return check;
        ccw = _orb.Format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
        if (continued is { } command && !ccw.IsTransferInChannel && _ahead != Ahead.Fetched)
            _gate?.Count(address.Value, ccw, command, continues: true);
        return ccw.IsTransferInChannel || ccw.DataAddress <= LargestAddress ? SubchannelStatus.None : SubchannelStatus.ProgramCheck;
    }

    /// <inheritdoc/>
    /// <remarks>It is an IDAW's block, or what begins at the CCW's own address, to the end of its page.</remarks>
    internal override SubchannelStatus NextBlock(ref DataCursor cursor)
    {
        if (!cursor.Ccw.Has(CcwFlags.IndirectData))
        {
            cursor.Data = cursor.IsFirstIdaw ? cursor.Ccw.DataAddress : cursor.Data;
            cursor.BlockLeft = IovaMap.PageSize - (int)(cursor.Data % IovaMap.PageSize);
            cursor.IsFirstIdaw = false;
            return cursor.Data <= LargestDirectAddress ? SubchannelStatus.None : SubchannelStatus.ProgramCheck;
        }
        Span<byte> bytes = stackalloc byte[IdawSize];
        int size = _orb.Format2Idaws ? IdawSize : IdawSize / 2;
        if (cursor.Idaw.Value % (uint)size != 0)
            return SubchannelStatus.ProgramCheck;
        SubchannelStatus check = ReadWord(cursor.Idaw.Value, bytes[..size]);
        if (check != SubchannelStatus.None)
            return check;
        ulong idaw = _orb.Format2Idaws ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        bool good = (_orb.Format2Idaws || idaw <= LargestAddress) && cursor.TryUseIdaw(idaw, size, DataCursor.IdawBlock(_orb));
        return good ? SubchannelStatus.None : SubchannelStatus.ProgramCheck;
    }

    /// <inheritdoc/>
    internal override SubchannelStatus Resolve(ulong address, bool toStorage, out IMemoryStore store, out long offset, out int left)
    {
        MemoryFault fault = _program.Memory.Resolve(address, toStorage ? MemoryRights.Write : MemoryRights.Read, out store, out offset, out left);
        if (fault == MemoryFault.None && store.MayWait && !_mayWait)
            fault = MemoryFault.Unmapped; // mapped since the start: the program is not staged
        return fault switch
        {
            MemoryFault.None => SubchannelStatus.None,
            MemoryFault.Protected => SubchannelStatus.ProtectionCheck,
            _ => SubchannelStatus.ProgramCheck,
        };
    }

    /// <summary>A CCW or an IDAW; they are aligned and lie in one page.</summary>
    private SubchannelStatus ReadWord(ulong address, Span<byte> word)
    {
        if (_ahead == Ahead.Fetched)
            return _words.Take(word);
        SubchannelStatus check = Resolve(address, toStorage: false, out IMemoryStore store, out long offset, out _);
        if (check == SubchannelStatus.None && !memory.TryReadWord(store, offset, word))
            check = SubchannelStatus.ProgramCheck;
        if (_ahead == Ahead.Fetching && !memory.Wait.IsAbandoned)
            _words.Add(word, check);
        return check;
    }
}

/// <summary>CCWs and IDAWs of one command in the order in which they were fetched, which is that in which they are used.</summary>
internal sealed class FetchedWords
{
    private const int Size = 8;
    private readonly List<(ulong Word, SubchannelStatus Check)> _words = [];
    private int _taken;

    internal void Clear()
    {
        _words.Clear();
        _taken = 0;
    }

    internal void Add(ReadOnlySpan<byte> word, SubchannelStatus check)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bytes.Clear();
        word.CopyTo(bytes);
        _words.Add((BinaryPrimitives.ReadUInt64BigEndian(bytes), check));
    }

    /// <summary>The next word; where it could not be fetched, the check that it was.</summary>
    internal SubchannelStatus Take(Span<byte> word)
    {
        (ulong value, SubchannelStatus check) = _taken < _words.Count ? _words[_taken++] : (0, SubchannelStatus.ProgramCheck);
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        bytes[..word.Length].CopyTo(word);
        return check;
    }
}
