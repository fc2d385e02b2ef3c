using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// Where a program's data goes, for an emulator that has translated code there (<see cref="IGuestCode"/>). The kernel's device writes when it likes,
/// so that nothing can be dropped before: when status is there, the bytes are written back as they are, through the emulator, which drops what it has
/// made of them. How much a command has really transferred is not known: all that it may have is written back, where code may be. Everything but
/// <see cref="WriteBack"/> is serialized by the owner; that is for one thread, which may be in it meanwhile.
/// </summary>
internal sealed class ReadData : ICodeUser
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1); // arbitrary: as a reset of an emulated device has

    private readonly List<Piece> _pieces = [];  // of the last program
    private readonly List<Piece> _writing = []; // of the status that was taken last
    private readonly byte[] _page = new byte[IovaMap.PageSize];
    private volatile int _ends;
    private volatile bool _isBusy; // the thread is writing back
    private int _endsBefore; // when it was taken

    /// <inheritdoc/>
    public bool IsOver => _ends != _endsBefore;

    /// <summary>Takes in where the data of a program that is about to start will go; nothing where no emulator has translated code.</summary>
    internal void Begin(HostProgram program)
    {
        _pieces.Clear();
        foreach (ref readonly ProgramCcw at in program.Ccws)
        {
            if (!at.MayMoveToStorage)
                continue;
            foreach ((_, IMemoryStore store, long offset, int length) in new DataPieces(program, at))
            {
                if (store.CodeAt(offset, out _) is not null)
                    _pieces.Add(new Piece(store, offset, length, store.MayHoldCode(offset, length)));
            }
        }
    }

    /// <summary>Status was taken, and its data is being written back before it is shown.</summary>
    internal bool IsBusy => _isBusy;

    /// <summary>
    /// Nothing of the program counts any more. On return nothing is written back, unless the emulator has held it up for longer than a patience.
    /// </summary>
    internal void End()
    {
        _ends++;
        _pieces.Clear();
        SpinWait.SpinUntil(() => !_isBusy, s_patience);
    }

    /// <summary>Status is there. True: <see cref="WriteBack"/> comes before it.</summary>
    internal bool Take()
    {
        _writing.Clear();
        _writing.AddRange(_pieces);
        _endsBefore = _ends;
        _isBusy = _writing.Count > 0;
        return _isBusy;
    }

    /// <summary>Writes back what may be code. False: it is not certain that the translations are dropped. May wait for the emulator.</summary>
    internal bool WriteBack()
    {
        try
        {
            return TryWriteBack();
        }
        finally
        {
            _isBusy = false;
        }
    }

    private bool TryWriteBack()
    {
        foreach (Piece piece in _writing)
        {
            if (IsOver)
                return false;
            bool mayHoldCode = piece.HeldCode || piece.Store.MayHoldCode(piece.Offset, piece.Length);
            if (!mayHoldCode || piece.Store.CodeAt(piece.Offset, out ulong address) is not { } code)
                continue;
            Span<byte> bytes = _page.AsSpan(0, piece.Length);
            if (piece.Store.Read(piece.Offset, bytes) && !code.Write(address, bytes, this))
                return false;
        }
        return true;
    }

    /// <summary>HeldCode: some of the bytes may have been code before the program began; they are others afterwards.</summary>
    private readonly record struct Piece(IMemoryStore Store, long Offset, int Length, bool HeldCode);
}
