using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <content>Finding a program's chains: rules 1 to 4 of the conformance vectors.</content>
public sealed partial class Translator
{
    /// <summary>Fetches the chain at a guest address, counts its CCWs and copies them into the arena in format 1.</summary>
    private ProgramFault AddChain(uint head)
    {
        if (_chainCount == MaxChains)
            return Refuse(ProgramFault.Invalid, head, $"TICs link more than {MaxChains} chains");
        MemoryFault fault = IovaMap.Read(_mappings, head, _fetched);
        if (fault != MemoryFault.None)
            return Refuse(ToFault(fault), head, NotFetched);
        int length = CountChain(head, out bool transfers);
        if (length < 0)
            return Refuse(ProgramFault.Invalid, head, $"the chain there has more than {MaxChainLength} CCWs");
        if (_chainCount == _chains.Length)
            Array.Resize(ref _chains, _chains.Length * 2);
        int size = length * Ccw.Size;
        uint hostHead = Arena.Allocate(size + ChainGap);
        Span<byte> host = Arena.Bytes(hostHead, size + ChainGap);
        host[size..].Clear(); // status modifier may lead there: no command of an earlier program
        host = host[..size];
        if (_orb.Format1)
        {
            _fetched.AsSpan(0, size).CopyTo(host);
        }
        else
        {
            for (int at = 0; at < size; at += Ccw.Size)
                Ccw.ReadFormat0(_fetched.AsSpan(at)).WriteFormat1(host[at..]);
        }
        _chains[_chainCount++] = new Chain { GuestHead = head, HostHead = hostHead, Length = length, Scanned = transfers ? 0 : length };
        return ProgramFault.None;
    }

    private static string NotFetched => $"the {FetchSize} bytes there, which are always fetched, are not all in the memory that the client has mapped to be read";

    private ProgramFault Refuse(ProgramFault fault, uint head, string reason)
    {
        Fault = new TranslationFault(head, reason);
        return fault;
    }

    /// <summary>
    /// Rule 3: CCWs up to and with the one that has no chaining flag and is no TIC back into [head, its own address]; -1 when the 256th goes on.
    /// <paramref name="transfers"/>: there is a TIC among them.
    /// </summary>
    private int CountChain(uint head, out bool transfers)
    {
        bool format1 = _orb.Format1;
        transfers = false;
        for (int i = 0; i < MaxChainLength; i++)
        {
            ReadOnlySpan<byte> bytes = _fetched.AsSpan(i * Ccw.Size, Ccw.Size);
            Ccw ccw = format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
            transfers |= ccw.IsTransferInChannel;
            if (ccw.Has(CcwFlags.ChainCommand | CcwFlags.ChainData))
                continue;
            if (ccw.IsTransferInChannel && IsWithin(ccw.DataAddress, head, i + 1))
                continue;
            return i + 1;
        }
        return -1;
    }

    /// <summary>True when the address lies in [head, address of CCW number <paramref name="length"/> of the chain], 32-bit arithmetic, by byte.</summary>
    private static bool IsWithin(uint address, uint head, int length)
    {
        uint last = unchecked(head + ((uint)(length - 1) * Ccw.Size));
        return address >= head && address <= last;
    }

    private int FindChain(uint guestAddress)
    {
        for (int c = 0; c < _chainCount; c++)
        {
            if (IsWithin(guestAddress, _chains[c].GuestHead, _chains[c].Length))
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
            ref Chain chain = ref _chains[current];
            if (chain.Scanned == chain.Length)
            {
                current = chain.Parent;
                continue;
            }
            Ccw ccw = Ccw.ReadFormat1(Arena.Bytes(chain.HostHead + (uint)(chain.Scanned++ * Ccw.Size), Ccw.Size));
            if (!ccw.IsTransferInChannel || FindChain(ccw.DataAddress) >= 0)
                continue;
            ProgramFault fault = AddChain(ccw.DataAddress);
            if (fault != ProgramFault.None)
                return fault;
            _chains[_chainCount - 1].Parent = current;
            current = _chainCount - 1;
        }
        return ProgramFault.None;
    }

    private struct Chain
    {
        public uint GuestHead;
        public uint HostHead;
        public int Length;
        public int Translated;
        public int Scanned;     // CCWs whose TICs have been followed
        public int Parent = -1; // where the walk goes on after this chain; -1: it ends

        public Chain()
        {
        }
    }
}
