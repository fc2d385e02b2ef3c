using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram.Packed;

/// <summary>
/// A program in guest memory, its chains fetched once: rules 2 to 4 of this room's README, without the translator's limits, so that a program that
/// is too long can be counted. Format 0 is converted.
/// </summary>
internal sealed class GuestProgram
{
    /// <summary>Where counting ends (arbitrary: far more than can be packed).</summary>
    internal const int MaxCounted = 16_384;

    private readonly List<Chain> _chains = [];
    private int _count;

    /// <summary>CCWs of all chains.</summary>
    internal int Count => _count;

    /// <summary>Fetches; null, or one line about a CCW that is not there. Ends early when there are <see cref="MaxCounted"/> CCWs.</summary>
    internal string? Fetch(in Orb orb, GuestReader read)
    {
        if (!IsCcwAddress(orb.ProgramAddress))
            return $"the ORB begins at {orb.ProgramAddress:X8}, where no CCW can be";
        if (Add(orb.ProgramAddress, orb.Format1, read) is { } first)
            return first;
        for (int c = 0; c < _chains.Count; c++)
        {
            for (int i = 0; i < _chains[c].Ccws.Count && _count < MaxCounted; i++)
            {
                Ccw ccw = _chains[c].Ccws[i];
                if (ccw.IsTransferInChannel && Find(_chains[c], ccw.DataAddress) is null && Add(ccw.DataAddress, orb.Format1, read) is { } wrong)
                    return wrong;
            }
        }
        return null;
    }

    /// <summary>The CCWs, one chain after the other, TICs with offsets, and their guest addresses. Null, or one line about a TIC.</summary>
    internal string? Flatten(List<Ccw> ccws, List<uint> addresses)
    {
        foreach (Chain chain in _chains)
        {
            for (int i = 0; i < chain.Ccws.Count; i++)
            {
                Ccw ccw = chain.Ccws[i];
                uint at = unchecked(chain.Head + PackedProgram.OffsetOf(i));
                if (ccw.IsTransferInChannel)
                {
                    Chain target = Find(chain, ccw.DataAddress)!;
                    if (!IsCcwAddress(ccw.DataAddress))
                        return $"the TIC at {at:X8} goes to {ccw.DataAddress:X8}, where no CCW can be";
                    ccw = ccw with { DataAddress = PackedProgram.OffsetOf(target.First) + (ccw.DataAddress - target.Head) };
                }
                ccws.Add(ccw);
                addresses.Add(at);
            }
        }
        return null;
    }

    /// <summary>What no CCW can be at ends the original with a check, and an offset cannot say it.</summary>
    private static bool IsCcwAddress(uint address) => address % Ccw.Size == 0 && address <= int.MaxValue;

    /// <summary>Rule 3: CCWs up to and with the one that has no chaining flag and is no TIC back into its chain.</summary>
    private string? Add(uint head, bool format1, GuestReader read)
    {
        var chain = new Chain(head, _count);
        Span<byte> bytes = stackalloc byte[Ccw.Size];
        bool goesOn = true;
        while (goesOn && _count < MaxCounted)
        {
            ulong at = head + (ulong)PackedProgram.OffsetOf(chain.Ccws.Count);
            if (!read(at, bytes))
                return $"the CCW at {at:X8} is not in the guest's memory";
            Ccw ccw = format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
            chain.Ccws.Add(ccw);
            _count++;
            goesOn = ccw.Has(CcwFlags.ChainCommand | CcwFlags.ChainData) || (ccw.IsTransferInChannel && chain.Contains(ccw.DataAddress));
        }
        _chains.Add(chain);
        return null;
    }

    /// <summary>
    /// The chain that an address is in, before others the one where the TIC is: overlapping chains are copies, and each loops in itself.
    /// </summary>
    private Chain? Find(Chain own, uint address) => own.Contains(address) ? own : _chains.Find(chain => chain.Contains(address));

    private sealed record Chain(uint Head, int First)
    {
        internal List<Ccw> Ccws { get; } = [];

        /// <summary>By byte, up to the first one of the last CCW, in 32 bits, as the kernel compares.</summary>
        internal bool Contains(uint address) => address >= Head && address <= unchecked(Head + PackedProgram.OffsetOf(Ccws.Count - 1));
    }
}
