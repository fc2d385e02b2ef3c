using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <content>Finding a program's chains: rules 1 to 4 of this room's README.</content>
public sealed partial class Translator
{
    private const int FewPositions = 4, KeptPositions = 64; // arbitrary; a larger array is given back

    private Position[] _positions = new Position[FewPositions]; // one a chain

    /// <summary>Fetches the chain at a guest address, counts its CCWs and copies them into the program in format 1.</summary>
    private ProgramFault AddChain(GuestCcwAddress head, int parent)
    {
        HostProgram program = Program;
        int number = program.Chains.Length;
        if (number == MaxChains)
            return Refuse(head, $"TICs link more than {MaxChains} chains");
        MemoryFault fault = IovaMap.Read(program.Mappings, head.Value, _fetched);
        if (fault != MemoryFault.None)
        {
            Fault = TranslationFault.OfHead(head);
            return Faults.Of(fault);
        }
        int length = CountChain(head, out bool transfers);
        if (length < 0)
            return Refuse(head, $"the chain there has more than {MaxChainLength} CCWs");
        Span<byte> host = program.AddChain(head, length);
        if (_isFormat1)
        {
            _fetched.AsSpan(0, host.Length).CopyTo(host);
        }
        else
        {
            for (int at = 0; at < host.Length; at += Ccw.Size)
                Ccw.ReadFormat0(_fetched.AsSpan(at)).WriteFormat1(host[at..]);
        }
        program.KeepGuest(host);
        if (number == _positions.Length)
            Array.Resize(ref _positions, _positions.Length * 2);
        _positions[number] = new Position { Scanned = transfers ? 0 : length, Parent = parent };
        return ProgramFault.None;
    }

    private ProgramFault Refuse(GuestCcwAddress head, string reason)
    {
        Fault = new TranslationFault(head, reason);
        return ProgramFault.Invalid;
    }

    /// <summary>
    /// The CCWs up to and with the one behind which the chain does not go on; -1 when the 256th goes on.
    /// <paramref name="transfers"/>: there is a TIC among them.
    /// </summary>
    private int CountChain(GuestCcwAddress head, out bool transfers)
    {
        bool format1 = _isFormat1;
        transfers = false;
        for (int i = 0; i < MaxChainLength; i++)
        {
            ReadOnlySpan<byte> bytes = _fetched.AsSpan(i * Ccw.Size, Ccw.Size);
            Ccw ccw = format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
            transfers |= ccw.IsTransferInChannel;
            if (!new ProgramChain(head, default, i + 1).GoesOnBehind(ccw))
                return i + 1;
        }
        return -1;
    }

    private int FindChain(GuestCcwAddress address)
    {
        ReadOnlySpan<ProgramChain> chains = Program.Chains;
        for (int c = 0; c < chains.Length; c++)
        {
            if (chains[c].Contains(address))
                return c;
        }
        return -1;
    }

    /// <summary>Rule 4, depth first with an explicit position in every chain: no recursion, whatever a guest nests.</summary>
    private ProgramFault FollowTransfers()
    {
        int current = 0;
        while (current >= 0)
        {
            ref Position position = ref _positions[current];
            ref readonly ProgramChain chain = ref Program.Chains[current];
            if (position.Scanned == chain.Length)
            {
                current = position.Parent;
                continue;
            }
            Ccw ccw = Program.Fetched(chain.HostHead.Plus(position.Scanned++ * Ccw.Size));
            var target = new GuestCcwAddress(ccw.DataAddress);
            if (!ccw.IsTransferInChannel || FindChain(target) >= 0)
                continue;
            ProgramFault fault = AddChain(target, parent: current);
            if (fault != ProgramFault.None)
                return fault;
            current = Program.Chains.Length - 1;
        }
        return ProgramFault.None;
    }

    /// <summary>How far the search has come in a chain.</summary>
    private struct Position
    {
        internal int Scanned; // CCWs whose TICs have been followed
        internal int Parent;  // the chain in which the search goes on after this one; -1: it ends
    }
}
