using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Trace;

/// <summary>
/// The data that the commands of a program have read, found in the guest's storage when the program has ended: for a backend that does not tell of
/// each command. The commands are those of the chain from its first CCW to the one that the status names; what a loop has read is seen once. A walk,
/// before the first command.
/// </summary>
/// <param name="program">The program, which is complete.</param>
/// <param name="scsw">Its status, with the backend's CCW address.</param>
/// <param name="wanted">How many of the first bytes of each command are wanted.</param>
/// <param name="buffer">An array to use; a larger one takes its place where that is needed.</param>
internal ref struct ReadBack(HostProgram program, Scsw scsw, int wanted, byte[] buffer)
{
    private readonly HostProgram _program = program;
    private readonly uint _behind = scsw.CcwAddress; // the CCW after the last one used
    private readonly int _residual = scsw.Residual;
    private ProgramCcws.Walk _ccws = program.Ccws.GetEnumerator();
    private bool _isAhead; // the walk has come to the next command
    private bool _isOver;
    private int _length;

    /// <summary>The array in use.</summary>
    public byte[] Buffer { get; private set; } = buffer;

    /// <summary>Where the guest has the command's first CCW.</summary>
    public GuestCcwAddress Address { get; private set; }

    /// <summary>Command code.</summary>
    public byte Command { get; private set; }

    /// <summary>There was more than was wanted.</summary>
    public bool IsCut { get; private set; }

    /// <summary>The first bytes that it has read.</summary>
    public readonly ReadOnlySpan<byte> Data => Buffer.AsSpan(0, _length);

    /// <summary>To the next command that has read something; false behind the last one.</summary>
    public bool MoveNext()
    {
        while (!_isOver && (_isAhead || _ccws.MoveNext()))
        {
            _isAhead = false;
            (Address, Command, _length, IsCut) = (_ccws.Current.Guest, _ccws.Current.Command, 0, false);
            bool reads = CommandCode.MovesToStorage(Command);
            do
            {
                Take(_ccws.Current, reads);
            }
            while (!_isOver && _ccws.MoveNext() && _ccws.Current.Continues);
            _isAhead = !_isOver;
            if (_length > 0)
                return true;
        }
        return false;
    }

    private void Take(in ProgramCcw ccw, bool reads)
    {
        _isOver = ccw.Host.Plus(Ccw.Size).Value == _behind;
        if (!reads || ccw.Ccw.Has(CcwFlags.Skip))
            return;
        int count = ccw.Ccw.Count - (_isOver ? _residual : 0);
        int length = Math.Clamp(count, 0, wanted - _length);
        IsCut |= length < count;
        if (Buffer.Length < _length + length)
        {
            byte[] larger = new byte[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(_length + length))];
            Data.CopyTo(larger);
            Buffer = larger;
        }
        _length += new DataPieces(_program, ccw).Read(Buffer.AsSpan(_length, length));
    }
}
