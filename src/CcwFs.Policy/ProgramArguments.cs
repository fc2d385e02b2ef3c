using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Policy;

/// <summary>
/// Arguments of a program's commands: gathered through chained data and IDALs out of the pinned pages, copied into the program
/// (<see cref="HostProgram.CopyArgument"/>), and the lists of its CCWs led to the copy.
/// </summary>
internal sealed class ProgramArguments(HostProgram program)
{
    /// <summary>Longest argument; the longest that drivers send has 904 bytes.</summary>
    internal const int MaxSize = HostProgram.MaxArgument;

    /// <summary>Most bytes of all copies (arbitrary: 256 commands with the longest arguments, and the arena stays small).</summary>
    private const int MaxTotal = 512 * 1024;

    /// <summary>Most comparisons of reads with arguments, and CCWs followed between them (arbitrary: some milliseconds).</summary>
    private const int MaxWork = 1 << 18;

    private readonly byte[] _copy = new byte[MaxSize];
    private readonly List<(HostAddress List, int Offset)> _parts = []; // CCWs of the argument being gathered
    private readonly List<Source> _sources = [];
    private int _length, _total, _work, _node;

    /// <summary>Memory that is gone.</summary>
    internal ProgramFault Fault { get; private set; }

    /// <summary>Places that arguments came from.</summary>
    internal int Count => _sources.Count;

    /// <summary>The argument gathered last.</summary>
    internal ReadOnlySpan<byte> Copy => _copy.AsSpan(0, _length);

    internal void Clear()
    {
        _sources.Clear();
        (_length, _total, _work, Fault) = (0, 0, 0, ProgramFault.None);
    }

    /// <summary>A new command's argument.</summary>
    internal void Begin(int node)
    {
        _parts.Clear();
        (_node, _length) = (node, 0);
    }

    /// <summary>Takes the bytes of one of the command's CCWs. Gives null, or why it may not run.</summary>
    internal string? Add(Ccw ccw)
    {
        if (ccw.Count == 0)
            return null;
        if (_length + ccw.Count > MaxSize)
            return $"its argument has more than {MaxSize} bytes";
        var list = new HostAddress(ccw.DataAddress);
        _parts.Add((list, _length));
        for (int left = ccw.Count; left > 0; list = list.Plus(HostProgram.IdawSize))
        {
            if (!TryBlock(list, left, list.Value == ccw.DataAddress, out IMemoryStore store, out long offset, out int length))
                return "its argument cannot be read: an IDAW is wrong";
            if (!store.Read(offset, _copy.AsSpan(_length, length)))
            {
                Fault = ProgramFault.Fault;
                return "its argument is gone";
            }
            _sources.Add(new Source(store, offset, length, _node, GuestAddress(list)));
            _length += length;
            left -= length;
        }
        return null;
    }

    /// <summary>Puts the argument into the program and leads its CCWs there. Gives null, or why it may not run.</summary>
    internal string? Place()
    {
        if (_length == 0)
            return null;
        _total += _length;
        if (_total > MaxTotal)
            return $"the arguments have more than {MaxTotal >> 10} KiB";
        HostAddress copy = program.CopyArgument(Copy);
        foreach ((HostAddress list, int offset) in _parts)
            program.RedirectList(list, copy.Plus(offset));
        return null;
    }

    /// <summary>
    /// Where a command's data begins in guest memory, of its argument before it was copied, or else of its list; 0 when nothing is there.
    /// </summary>
    internal ulong GuestAddressOf(int node, Ccw ccw)
    {
        int first = _sources.FindIndex(s => s.Node == node);
        return first >= 0 ? _sources[first].Guest : GuestAddress(new HostAddress(ccw.DataAddress));
    }

    /// <summary>Orders the places for <see cref="Touch"/>.</summary>
    internal void Sort() => _sources.Sort((a, b) => a.Offset.CompareTo(b.Offset));

    /// <summary>One more step of work; false when there has been too much.</summary>
    internal bool MayWork() => ++_work <= MaxWork;

    /// <summary>
    /// Whether a CCW of the command <paramref name="node"/>, which reads, would store into the argument of a command that may come later; by where
    /// the bytes are: two guest addresses may be one place. Gives null, or why it may not run.
    /// </summary>
    internal string? Touch(Ccw ccw, ProgramWalk walk, int node)
    {
        var list = new HostAddress(ccw.DataAddress);
        for (int left = ccw.Has(CcwFlags.Skip) ? 0 : ccw.Count; left > 0; list = list.Plus(HostProgram.IdawSize))
        {
            if (!TryBlock(list, left, list.Value == ccw.DataAddress, out IMemoryStore store, out long offset, out int length))
                return null; // a program check when the data comes there
            for (int s = FirstFrom(offset - MaxSize); s < _sources.Count && _sources[s].Offset < offset + length; s++)
            {
                Source source = _sources[s];
                bool overlaps = source.Store == store && source.Offset + source.Length > offset;
                if (MayWork() && !(overlaps && walk.ComesBehind(source.Node, node)))
                    continue;
                return _work > MaxWork ? "too many reads and arguments to be told apart" : "it reads into an argument of a later command";
            }
            left -= length;
        }
        return null;
    }

    /// <summary>What one IDAW gives of the bytes that are left, as the channel takes it.</summary>
    private bool TryBlock(HostAddress list, int left, bool first, out IMemoryStore store, out long offset, out int length)
    {
        (store, offset, length) = (null!, 0, 0);
        if (!program.TryFetchIdaw(list, out ulong idaw))
            return false;
        int block = program.IdawBlock, into = (int)(idaw % (ulong)block);
        if ((into != 0 && !first) || !program.Pins.TryResolve(idaw, out store, out offset, out int inPage))
            return false;
        length = Math.Min(left, Math.Min(block - into, inPage));
        return true;
    }

    private ulong GuestAddress(HostAddress list) =>
        program.TryFetchIdaw(list, out ulong idaw) && program.Pins.TryGuestAddress(idaw, out ulong guest) ? guest : 0;

    private int FirstFrom(long offset)
    {
        int low = 0, high = _sources.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_sources[middle].Offset < offset)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private readonly record struct Source(IMemoryStore Store, long Offset, int Length, int Node, ulong Guest);
}
