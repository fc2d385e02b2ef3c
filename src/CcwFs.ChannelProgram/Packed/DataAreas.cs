using CcwFs.ChannelIo;

namespace CcwFs.ChannelProgram.Packed;

/// <summary>Copies guest memory out; false when not all of it is there.</summary>
public delegate bool GuestReader(ulong address, Span<byte> destination);

/// <summary>One piece of guest memory that a CCW uses.</summary>
/// <param name="Ccw">The CCW's index.</param>
/// <param name="Address">Guest address.</param>
/// <param name="Length">Bytes; within one block of the IDAW format, except for a list.</param>
/// <param name="IsList">The IDAW list, not data.</param>
/// <param name="NeedsBytes">What is there matters: the device or the channel reads it.</param>
internal readonly record struct DataArea(int Ccw, ulong Address, int Length, bool IsList, bool NeedsBytes);

/// <summary>What memory a program's CCWs use: rules 6 and 7 of this room's README, in guest addresses.</summary>
internal static class DataAreas
{
    /// <summary>Most bytes of an area: a block; lists are shorter.</summary>
    internal const int MaxLength = 4096;

    private const int FetchedPerIdaw = 8; // bytes of a list that the translator reads, of either format

    /// <summary>
    /// The areas in the order of the CCWs, data in the order of its bytes. Null, or one line about a list that cannot be read. TICs hold offsets.
    /// </summary>
    internal static string? Find(IReadOnlyList<Ccw> ccws, Orb orb, GuestReader read, List<DataArea> areas)
    {
        var format = new IdawFormat(orb);
        HashSet<uint> continued = [.. ChainedTargets(ccws)];
        bool unknown = false;
        foreach ((int i, CommandInEffect at) in CommandInEffect.Over(ccws).Index())
        {
            Ccw ccw = at.Ccw;
            if (ccw.IsTransferInChannel)
                continue;
            unknown = continued.Contains(PackedProgram.OffsetOf(i)) || (unknown && at.Continues);
            bool moves = at.MayMoveData || (unknown && ccw.Count != 0);
            bool fills = !unknown && CommandCode.MovesToStorage(ccw.Command) && CommandCode.MovesToStorage(at.Command);
            if (ccw.Has(CcwFlags.IndirectData))
            {
                if (AddIndirect(i, ccw, moves, !fills, format, read, areas) is { } wrong)
                    return wrong;
            }
            else if (moves)
            {
                AddDirect(i, ccw, !fills, format, areas);
            }
        }
        DataArea far = areas.Find(a => a.Address > PackedProgram.OrbAddress - (ulong)a.Length);
        return far.Length == 0 ? null : $"CCW {far.Ccw} uses the last page of the address space ({far.Address:X}), which a packed program cannot";
    }

    /// <summary>Where data chaining goes on over a TIC: the command is one of several then, or unknown.</summary>
    private static IEnumerable<uint> ChainedTargets(IReadOnlyList<Ccw> ccws)
    {
        for (int i = 1; i < ccws.Count; i++)
        {
            if (ccws[i].IsTransferInChannel && !ccws[i - 1].IsTransferInChannel && ccws[i - 1].Has(CcwFlags.ChainData))
                yield return ccws[i].DataAddress;
        }
    }

    private static void AddDirect(int index, Ccw ccw, bool needsBytes, in IdawFormat format, List<DataArea> areas)
    {
        ulong address = ccw.DataAddress;
        for (int left = ccw.Count; left > 0;)
        {
            int length = format.LeftInBlock(address, left);
            areas.Add(new DataArea(index, address, length, IsList: false, needsBytes));
            left -= length;
            address += (ulong)length;
            if (!format.Is64Bit)
                address = (uint)address;
        }
    }

    private static string? AddIndirect(
        int index, Ccw ccw, bool moves, bool needsBytes, in IdawFormat format, GuestReader read, List<DataArea> areas)
    {
        Span<byte> idaw = stackalloc byte[format.Size];
        int count = 1;
        for (int i = 0, left = ccw.Count; i < count; i++)
        {
            ulong at = ccw.DataAddress + (ulong)(i * format.Size);
            if (!read(at, idaw))
                return $"CCW {index}: its IDAW at {at:X8} is not there";
            ulong address = format.Read(idaw);
            if (i == 0)
                count = format.Blocks(address, ccw.Count);
            if (moves && left > 0)
            {
                int length = format.LeftInBlock(address, left);
                areas.Add(new DataArea(index, address, length, IsList: false, needsBytes));
                left -= length;
            }
        }
        areas.Add(new DataArea(index, ccw.DataAddress, count * format.Size, IsList: true, NeedsBytes: true));
        areas.Add(new DataArea(index, ccw.DataAddress, count * FetchedPerIdaw, IsList: true, NeedsBytes: false));
        return null;
    }
}
