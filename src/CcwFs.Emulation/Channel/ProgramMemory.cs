using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// A program's data on its way to and from memory. It goes at once; where the memory may wait for its owner, or has been code, it is copied before
/// and behind the device's command, never inside it. What commands have read and is not in its place yet is owed. One thread at a time.
/// </summary>
/// <param name="gate">The subchannel's.</param>
internal sealed class ProgramMemory(object gate)
{
    private StagedData? _stagedData; // made when it is first needed
    private StagedData? _staged;     // of this command; null: it is not staged
    private StagedData? _owed;       // of commands that have been executed: data for memory whose code an emulator may have translated; made as that

    /// <summary>Whoever copies, and those who end the program.</summary>
    internal MemoryWait Wait { get; } = new(gate);

    /// <summary>The command is staged.</summary>
    internal bool IsStaged => _staged is not null;

    /// <summary>What was fetched for a command that is staged.</summary>
    internal ReadOnlySpan<byte> Fetched => _staged is { } staged ? staged.Fetched : default;

    /// <summary>Data that was read is not in its place.</summary>
    internal bool IsOwed => _owed is { IsEmpty: false };

    /// <summary>It is so much that it is put into place before the next command.</summary>
    internal bool OwesMuch => _owed is { Length: >= StagedData.MaxOwed };

    /// <summary>Nothing is owed any more.</summary>
    internal void Forget() => _owed?.Clear();

    /// <summary>A command begins. <paramref name="staged"/>: its memory may wait, or all of it must be known before.</summary>
    internal void BeginCommand(bool staged) => _staged = staged ? _stagedData ??= new StagedData() : null;

    /// <summary>What a command that is staged may take is collected from here on.</summary>
    internal void BeginAhead() => _staged!.Clear();

    /// <summary>The command may take these bytes.</summary>
    internal void Want(IMemoryStore store, long offset, int length) => _staged!.Add(store, offset, length);

    /// <summary>Fetches what the command may take. False: abandoned.</summary>
    internal bool Fetch()
    {
        SubchannelStatus none = SubchannelStatus.None;
        return Copy(_staged!, fetch: true, ref none);
    }

    /// <summary>The command takes bytes. False: they are gone, or not there.</summary>
    internal bool Take(IMemoryStore store, long offset, Span<byte> bytes) => _staged?.TryTake(bytes) ?? store.Read(offset, bytes);

    /// <summary>Puts bytes of the command into storage, now or when they may be seen. False: it is gone, or they are too many to wait.</summary>
    internal bool Put(IMemoryStore store, long offset, ReadOnlySpan<byte> bytes)
    {
        bool isCode = store.CodeAt(offset, out _) is not null && (_staged is not null || store.MayHoldCode(offset, bytes.Length));
        if (isCode || (IsOwed && (_staged is not null || _owed!.HasPageOf(store, offset)))) // what is owed may be for the same bytes
        {
            Owe(store, offset, bytes);
            return true;
        }
        if (_staged is { } staged)
        {
            if (staged.Length + bytes.Length > StagedData.MaxBytes)
                return false;
            staged.Add(store, offset, bytes);
            return true;
        }
        if (!store.Write(offset, bytes))
            return false;
        if (store.CodeCount(offset) != 0)
            Owe(store, offset, bytes); // it has become code meanwhile
        return true;
    }

    /// <summary>Puts what the device sent for a command that is staged into place; the check that it ends with is added. False: abandoned.</summary>
    internal bool PutStaged(ref SubchannelStatus fault) => Copy(_staged!, fetch: false, ref fault);

    /// <summary>Puts what is owed into place; the check that it ends with is added. False: abandoned.</summary>
    internal bool PutOwed(ref SubchannelStatus fault)
    {
        if (!IsOwed)
            return true;
        bool kept = Copy(_owed!, fetch: false, ref fault);
        _owed!.Clear();
        return kept;
    }

    /// <summary>
    /// A CCW or an IDAW of a program that is fetched at its turn, from memory that may have to be waited for. False: it is gone, or the run was
    /// abandoned.
    /// </summary>
    internal bool TryReadWord(IMemoryStore store, long offset, Span<byte> word)
    {
        if (store.MayWait)
            Wait.Begin();
        bool good = store.Read(offset, word);
        if ((store.MayWait && !Wait.End()) || !good)
            return false;
        if (IsOwed)
            _owed!.Overlay(store, offset, word); // this command has read it
        return true;
    }

    /// <summary>
    /// An emulator drops its translations once for all commands that read one after the other: the guest sees none of their data before the status of
    /// the last one, or before a command that is none of them.
    /// </summary>
    private void Owe(IMemoryStore store, long offset, ReadOnlySpan<byte> bytes) => (_owed ??= new StagedData()).Add(store, offset, bytes);

    private bool Copy(StagedData data, bool fetch, ref SubchannelStatus fault)
    {
        if (data.IsEmpty)
            return true;
        Wait.Begin();
        SubchannelStatus check = SubchannelStatus.None;
        if (fetch)
            data.Fetch(Wait);
        else
            check = data.Put(Wait);
        bool kept = Wait.End();
        fault |= check;
        return kept;
    }
}
