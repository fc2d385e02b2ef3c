using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.CommandSets;
using CcwFs.Memory;

namespace CcwFs.Policy;

/// <summary>
/// Judges a translated program before any device sees it. The rule: every CCW that some order of execution may reach is judged, in every state that
/// it may be reached in. After a command with command chaining the next CCW is reached, and the one after it too unless the command is known not to
/// give status modifier; over a transfer in channel its target; chain data goes on as the same command. A CCW that can be reached both as a command
/// and as the continuation of one, or as that of two, or that continues itself, is refused: what it does would depend on the order. So each command
/// has one argument, which is gathered along its own chain of data, copied into the arena and judged there; its IDAWs then lead to the copy: what
/// guest memory holds later makes no difference. Outside its chains the arena holds no command (zeros: a program check). One object per program,
/// reused with it; one walk at a time.
/// </summary>
public sealed class ProgramWalk(HostProgram program)
{
    // What is known of a CCW, one byte each.
    private const byte States = (1 << WriteStates.Count) - 1; // reached as a command in these
    private const byte OnPath = 0x08, Finished = 0x10;        // of the search for loops
    private const byte Continues = 0x20, Command = 0x40, Exists = 0x80;

    private const int KeptNodes = 1024; // arbitrary: four full chains; larger arrays are given back

    private readonly Stack<(int Node, WriteState State)> _pending = new();
    private readonly Stack<int> _path = new();    // of a search through the program
    private readonly HashSet<int> _seen = [];
    private readonly ProgramArguments _arguments = new(program);
    private byte[] _nodes = [];
    private CommandEffect[] _effects = [];
    private int[] _last = [];     // the last CCW of a command's chain of data
    private DevicePolicy _policy = null!;
    private int _count;
    private int _ccws;
    private long _bytes;

    /// <summary>Why the program must not be executed; null: nothing speaks against it.</summary>
    public PolicyRefusal? Refusal { get; private set; }

    /// <summary>
    /// Judges the program, which must be complete; <see cref="Refusal"/> says why it must not be executed. The fault is that of memory
    /// which is gone, or <see cref="ProgramFault.Invalid"/> without a complete program.
    /// </summary>
    public ProgramFault Judge(DevicePolicy policy)
    {
        if (!program.IsComplete)
            return ProgramFault.Invalid;
        (_policy, _ccws, _bytes) = (policy, 0, 0);
        Refusal = null;
        _arguments.Clear();
        _pending.Clear();
        IndexCcws();
        bool good = Reach(0, WriteState.Nowhere);
        while (good && _pending.TryPop(out (int Node, WriteState State) at))
            good = Visit(at.Node, at.State);
        if (_arguments.Fault != ProgramFault.None)
            return _arguments.Fault;
        if (good && !(policy.HasLimit && HasLoop()))
            FindReadsIntoArguments();
        return ProgramFault.None;
    }

    /// <summary>The program has ended: nothing of its memory is kept.</summary>
    public void Forget()
    {
        Refusal = null;
        _arguments.Clear();
        if (_nodes.Length > KeptNodes)
        {
            (_nodes, _effects, _last) = ([], [], []);
            _pending.TrimExcess();
            _path.TrimExcess();
            _seen.TrimExcess();
        }
    }

    private static HostAddress Address(int node) => new HostAddress(HostArena.Base).Plus(node * Ccw.Size);

    private Ccw Fetch(int node) => program.Fetched(Address(node));

    /// <summary>The number of the CCW at an address; -1 when there is none: the channel finds a program check.</summary>
    private int NodeAt(HostAddress address)
    {
        uint into = address.BytesBehind(new HostAddress(HostArena.Base));
        return into % Ccw.Size == 0 && into / Ccw.Size < (uint)_count ? Existing((int)(into / Ccw.Size)) : -1;
    }

    private int Existing(int node) => node < _count && (_nodes[node] & Exists) != 0 ? node : -1;

    /// <summary>The CCW that is used when this one is next: over one transfer in channel, for two are a program check. -1: none.</summary>
    private int Follow(int node)
    {
        if (Existing(node) < 0 || Fetch(node) is var ccw && !ccw.IsTransferInChannel)
            return Existing(node);
        int target = NodeAt(new HostAddress(ccw.DataAddress));
        return target >= 0 && !Fetch(target).IsTransferInChannel ? target : -1;
    }

    /// <summary>A CCW's number is that of its place in the arena, where chains lie in their order and other things between them.</summary>
    private void IndexCcws()
    {
        ProgramChain last = program.Chains[^1];
        _count = (HostArena.OffsetOf(last.HostHead) / Ccw.Size) + last.Length;
        if (_nodes.Length < _count)
            (_nodes, _effects, _last) = (new byte[_count], new CommandEffect[_count], new int[_count]);
        _nodes.AsSpan(0, _count).Clear();
        foreach (ref readonly ProgramCcw at in program.Ccws)
            _nodes[HostArena.OffsetOf(at.Host) / Ccw.Size] = Exists;
    }

    /// <summary>A CCW may come next, as a command.</summary>
    private bool Reach(int node, WriteState state)
    {
        int at = Follow(node);
        if (at < 0 || (_nodes[at] & (1 << (int)state)) != 0 || CommandCode.IsInvalid(Fetch(at).Command))
            return true; // nothing, or nothing new, or a program check
        if ((_nodes[at] & Continues) != 0)
            return Ambiguous(at);
        _pending.Push((at, state));
        return true;
    }

    private bool Visit(int node, WriteState state)
    {
        byte known = _nodes[node];
        if ((known & (1 << (int)state)) != 0)
            return true;
        if ((known & Continues) != 0)
            return Ambiguous(node);
        _nodes[node] |= (byte)(Command | (1 << (int)state));
        if ((known & Command) == 0 && !Open(node))
            return false;
        Ruling ruling = WriteStates.Advance(_policy, _effects[node], state, out WriteState next);
        if (ruling.IsRefusal)
            return Refuse(node, ruling);
        bool good = true;
        for (int way = 1; way <= Ways(node) && good; way++)
            good = Reach(_last[node] + way, next);
        return good;
    }

    /// <summary>
    /// How many CCWs after a command's last one may be next: none (chain data comes before chain command: a command that ends in such a CCW ends the
    /// program), one, or two.
    /// </summary>
    private int Ways(int node)
    {
        Ccw end = Fetch(_last[node]);
        return !end.Has(CcwFlags.ChainCommand) || end.Has(CcwFlags.ChainData) ? 0 : _policy.Commands.MaySkip(Fetch(node).Command) ? 2 : 1;
    }

    /// <summary>A command's first visit: its chain of data, the limits, its code and its argument.</summary>
    private bool Open(int node)
    {
        Ccw ccw = Fetch(node);
        byte code = ccw.Command;
        ArgumentRow? row = PolicyCommands.Find(_policy, code);
        int at = node;
        if (!Count(node, ccw))
            return false;
        while (ccw.Has(CcwFlags.ChainData) && Follow(at + 1) is var next && next >= 0)
        {
            if ((_nodes[next] & (Command | Continues)) != 0)
                return Ambiguous(next);
            _nodes[next] |= Continues;
            (at, ccw) = (next, Fetch(next));
            if (!Count(node, ccw))
                return false;
        }
        _last[node] = at;
        Ruling ruling = PolicyCommands.Judge(_policy, code);
        if (!ruling.IsRefusal && row is not null)
            ruling = JudgeArgument(node, row);
        _effects[node] = ruling.Effect;
        return _arguments.Fault == ProgramFault.None && (!ruling.IsRefusal || Refuse(node, ruling));
    }

    private bool Count(int node, Ccw ccw)
    {
        _bytes += ccw.Count;
        return ++_ccws > _policy.MaxCcws ? Refuse(node, new Ruling(RefusalKind.OverLimit, $"max-ccws={_policy.MaxCcws}", CommandEffect.None))
            : _bytes <= (_policy.MaxBytes ?? long.MaxValue)
                || Refuse(node, new Ruling(RefusalKind.OverLimit, $"max-bytes={_policy.MaxBytes}", CommandEffect.None));
    }

    private Ruling JudgeArgument(int node, ArgumentRow row)
    {
        _arguments.Begin(node);
        string? wrong = null;
        for (int at = node; wrong is null; at = Follow(at + 1))
        {
            wrong = _arguments.Add(Fetch(at));
            if (at == _last[node])
                break;
        }
        wrong ??= _arguments.Place();
        return wrong is not null
            ? new Ruling(RefusalKind.Sequence, wrong, CommandEffect.None)
            : PolicyCommands.Judge(_policy, row, _arguments.Copy);
    }

    /// <summary>
    /// With a limit, each CCW counts once; so a program may be sent back only as searches are, to the search that failed. True: it was refused.
    /// </summary>
    private bool HasLoop()
    {
        _path.Clear();
        Enter(Follow(0));
        while (_path.TryPeek(out int entry))
        {
            int node = entry >> 2, tried = entry & 3;
            if (tried == Ways(node))
            {
                _path.Pop();
                _nodes[node] = (byte)((_nodes[node] & ~OnPath) | Finished);
                continue;
            }
            _path.Pop();
            _path.Push(entry + 1);
            int next = Follow(_last[node] + 1 + tried);
            if (next < 0 || (_nodes[next] & Command) == 0 || (_nodes[next] & Finished) != 0
                || (next == node && PolicyCommands.IsSearch(_policy, Fetch(node).Command)))
                continue;
            if ((_nodes[next] & OnPath) != 0)
                return !Refuse(node, new Ruling(RefusalKind.OverLimit, "a loop in a program whose length is limited", CommandEffect.None));
            Enter(next);
        }
        return false;
    }

    private void Enter(int node)
    {
        if (node < 0)
            return;
        _nodes[node] |= OnPath;
        _path.Push(node << 2);
    }

    /// <summary>A read into an argument that may come later: the architecture would execute what was read, the copy was taken before.</summary>
    private void FindReadsIntoArguments()
    {
        if (_arguments.Count == 0)
            return;
        _arguments.Sort();
        bool good = true;
        for (int node = 0; node < _count && good; node++)
        {
            if ((_nodes[node] & Command) == 0 || !CommandCode.MovesToStorage(Fetch(node).Command))
                continue;
            for (int at = node; good; at = Follow(at + 1))
            {
                string? wrong = _arguments.Touch(Fetch(at), this, node);
                good = wrong is null || Refuse(node, new Ruling(RefusalKind.Sequence, wrong, CommandEffect.None));
                if (at == _last[node])
                    break;
            }
        }
    }

    /// <summary>
    /// The command <paramref name="later"/> may be executed after the command <paramref name="node"/>; or that is too much work to find out.
    /// </summary>
    internal bool ComesBehind(int later, int node)
    {
        _seen.Clear();
        _path.Clear();
        _path.Push(node);
        while (_path.TryPop(out int at))
        {
            for (int way = 1; way <= Ways(at); way++)
            {
                int next = Follow(_last[at] + way);
                if (next == later || !_arguments.MayWork())
                    return true;
                if (next >= 0 && (_nodes[next] & Command) != 0 && _seen.Add(next))
                    _path.Push(next);
            }
        }
        return false;
    }

    private bool Ambiguous(int node) =>
        Refuse(node,
            new Ruling(RefusalKind.Sequence, "it can be reached as a command and as the continuation of another, or of two", CommandEffect.None));

    private bool Refuse(int node, Ruling ruling)
    {
        Ccw ccw = Fetch(node);
        ccw = ccw with { Flags = ccw.Flags & ~CcwFlags.IndirectData, DataAddress = (uint)_arguments.GuestAddressOf(node, ccw) };
        Refusal = new PolicyRefusal(_policy.Commands, ruling.Kind, ruling.Rule, Address(node).Value, ccw);
        return false;
    }
}
