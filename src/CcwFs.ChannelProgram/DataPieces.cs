using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>A run of guest storage that a CCW names, inside of one page.</summary>
/// <param name="Guest">Its guest address; 0 for the copy of an argument, which the guest does not see.</param>
/// <param name="Store">Where it is.</param>
/// <param name="Offset">Its first byte there.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct DataPiece(ulong Guest, IMemoryStore Store, long Offset, int Length);

/// <summary>The storage of one CCW of a complete program, IDAW by IDAW. The walk over it, for foreach, allocates nothing.</summary>
public readonly ref struct DataPieces
{
    private readonly HostProgram _program;
    private readonly HostAddress _list;
    private readonly int _idaws;
    private readonly int _count;

    /// <summary>That of a CCW of this program; none where it moves no data.</summary>
    public DataPieces(HostProgram program, in ProgramCcw ccw) =>
        (_program, _list, _idaws, _count) = (program, ccw.List, ccw.IdawCount, ccw.Ccw.Count);

    /// <summary>A walk, before the first piece.</summary>
    public Walk GetEnumerator() => new(_program, _list, _idaws, _count);

    /// <summary>Copies the first bytes; gives how many there were, fewer where memory is gone.</summary>
    public int Read(Span<byte> destination)
    {
        int done = 0;
        foreach (DataPiece piece in this)
        {
            int length = Math.Min(piece.Length, destination.Length - done);
            if (length == 0 || !piece.Store.Read(piece.Offset, destination.Slice(done, length)))
                break;
            done += length;
        }
        return done;
    }

    /// <summary>A place in the list.</summary>
    public ref struct Walk
    {
        private readonly HostProgram _program;
        private HostAddress _next;
        private int _idaws;
        private int _left;

        internal Walk(HostProgram program, HostAddress list, int idaws, int count) =>
            (_program, _next, _idaws, _left) = (program, list, idaws, count);

        /// <summary>The piece reached.</summary>
        public DataPiece Current { readonly get; private set; }

        /// <summary>To the next piece; false after the last one, or where an IDAW leads nowhere.</summary>
        public bool MoveNext()
        {
            if (_idaws == 0 || _left == 0 || !_program.TryFetchIdaw(_next, out ulong idaw)
                || !_program.TryResolve(idaw, out IMemoryStore store, out long offset, out int inPage))
                return false;
            int block = _program.IdawBlock;
            int length = Math.Min(Math.Min(_left, inPage), block - (int)(idaw & (ulong)(block - 1)));
            _program.Pins.TryGuestAddress(idaw, out ulong guest);
            Current = new DataPiece(guest, store, offset, length);
            _left -= length;
            _idaws--;
            _next = _next.Plus(HostProgram.IdawSize);
            return true;
        }
    }
}
