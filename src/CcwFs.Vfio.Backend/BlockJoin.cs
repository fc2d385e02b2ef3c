using System.Buffers.Binary;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Vfio.Backend;

/// <summary>
/// IDAWs of 2K blocks as IDAWs of 4K blocks, for kernels that take no others (before Linux 6.3, drivers/s390/cio/vfio_ccw_cp.c). It is possible where
/// the second half of each 4K block follows its first half, as it does in every list that was made of an address and a count.
/// </summary>
internal static class BlockJoin
{
    private const int IdawSize = HostProgram.IdawSize;
    private const ulong Small = 2048, Large = 4096;

    /// <summary>Changes all lists of a program, or none.</summary>
    /// <param name="program">The program.</param>
    /// <param name="copy">Its CCWs and lists, with the kernel's addresses.</param>
    internal static bool Try(HostProgram program, Span<byte> copy) => Walk(program, copy, change: false) && Walk(program, copy, change: true);

    private static bool Walk(HostProgram program, Span<byte> copy, bool change)
    {
        foreach (ref readonly ProgramCcw at in program.Ccws)
        {
            if (at.Ccw.IsTransferInChannel)
                continue;
            Span<byte> list = copy[HostArena.OffsetOf(at.List)..];
            ulong first = BinaryPrimitives.ReadUInt64BigEndian(list);
            if (first == ulong.MaxValue)
                continue; // leads nowhere
            if (!Join(list[..(at.IdawCount * IdawSize)], change))
                return false;
        }
        return true;
    }

    private static bool Join(Span<byte> list, bool change)
    {
        int kept = 0;
        ulong end = 0; // of the block before
        for (int at = 0; at < list.Length; at += IdawSize)
        {
            ulong idaw = BinaryPrimitives.ReadUInt64BigEndian(list[at..]);
            bool follows = at > 0 && end % Large != 0;
            if (follows && idaw != end)
                return false;
            if (at > 0 && !follows && idaw % Large != 0)
                return false;
            if (!follows)
            {
                if (change)
                    BinaryPrimitives.WriteUInt64BigEndian(list[kept..], idaw);
                kept += IdawSize;
            }
            end = (idaw & ~(Small - 1)) + Small;
        }
        return true;
    }
}
