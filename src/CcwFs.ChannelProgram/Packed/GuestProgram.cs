using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram.Packed;

/// <summary>
/// A program in guest memory, its chains fetched once: rules 2 to 4 of this room's README, without the translator's limits, so that a program that
/// is too long can be counted. Format 0 is converted.
/// </summary>
internal sealed class GuestProgram
{
    /// <summary>Where counting ends (arbitrary: far more than can be packed).</summary>
    internal const int MaxCounted = 16_384;

    private readonly List<ProgramChain> _chains = []; // for the backend's addresses they have offsets
    private readonly List<Ccw> _ccws = [];            // of all chains, one after the other

    /// <summary>CCWs of all chains.</summary>
    internal int Count => _ccws.Count;

    /// <summary>Fetches; null, or one line about a CCW that is not there. Ends early when there are <see cref="MaxCounted"/> CCWs.</summary>
    internal string? Fetch(in Orb orb, GuestReader read)
    {
        if (!IsCcwAddress(orb.ProgramAddress))
            return $"the ORB begins at {orb.ProgramAddress:X8}, where no CCW can be";
        if (Add(orb.ProgramAddress, orb.Format1, read) is { } first)
            return first;
        for (int c = 0; c < _chains.Count; c++)
        {
            for (int i = 0; i < _chains[c].Length && Count < MaxCounted; i++)
            {
                Ccw ccw = CcwOf(_chains[c], i);
                if (ccw.IsTransferInChannel && Find(_chains[c], ccw) is null && Add(ccw.DataAddress, orb.Format1, read) is { } wrong)
                    return wrong;
            }
        }
        return null;
    }

    /// <summary>The CCWs, one chain after the other, TICs with offsets, and their guest addresses. Null, or one line about a TIC.</summary>
    internal string? Flatten(List<Ccw> ccws, List<uint> addresses)
    {
        foreach (ProgramChain chain in _chains)
        {
            for (int i = 0; i < chain.Length; i++)
            {
                Ccw ccw = CcwOf(chain, i);
                uint at = chain.GuestHead.Plus(PackedProgram.OffsetOf(i)).Value;
                if (ccw.IsTransferInChannel)
                {
                    ProgramChain target = Find(chain, ccw)!.Value;
                    if (!IsCcwAddress(ccw.DataAddress))
                        return $"the TIC at {at:X8} goes to {ccw.DataAddress:X8}, where no CCW can be";
                    ccw = ccw with { DataAddress = target.HostHead.Value + (ccw.DataAddress - target.GuestHead.Value) };
                }
                ccws.Add(ccw);
                addresses.Add(at);
            }
        }
        return null;
    }

    /// <summary>What no CCW can be at ends the original with a check, and an offset cannot say it.</summary>
    private static bool IsCcwAddress(uint address) => address % Ccw.Size == 0 && address <= int.MaxValue;

    private string? Add(uint head, bool format1, GuestReader read)
    {
        var chain = new ProgramChain(new GuestCcwAddress(head), new HostAddress(PackedProgram.OffsetOf(Count)), 0);
        Span<byte> bytes = stackalloc byte[Ccw.Size];
        for (bool goesOn = true; goesOn && Count < MaxCounted;)
        {
            ulong at = head + (ulong)chain.Size;
            if (!read(at, bytes))
                return $"the CCW at {at:X8} is not in the guest's memory";
            Ccw ccw = format1 ? Ccw.ReadFormat1(bytes) : Ccw.ReadFormat0(bytes);
            _ccws.Add(ccw);
            chain = chain with { Length = chain.Length + 1 };
            goesOn = chain.GoesOnBehind(ccw);
        }
        _chains.Add(chain);
        return null;
    }

    private Ccw CcwOf(in ProgramChain chain, int index) => _ccws[(int)(chain.HostHead.Value / Ccw.Size) + index];

    /// <summary>
    /// The chain that a TIC leads to, before others the one where it is: overlapping chains are copies, and each loops in itself.
    /// </summary>
    private ProgramChain? Find(in ProgramChain own, Ccw transfer)
    {
        var target = new GuestCcwAddress(transfer.DataAddress);
        if (own.Contains(target))
            return own;
        int found = _chains.FindIndex(chain => chain.Contains(target));
        return found < 0 ? null : _chains[found];
    }
}
