using System.Buffers.Binary;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <content>The IDALs of a translated program, for a backend that hands them on with addresses of its own.</content>
public sealed partial class Translator
{
    /// <summary>A walk over all CCWs of a program; begins as default.</summary>
    public struct ListWalk
    {
        internal int Chain;
        internal int Index;
    }

    /// <summary>
    /// The next list that names pinned pages: its address in the arena and how many IDAWs (8 bytes, big-endian) it has. Lists of CCWs that move no data are
    /// left out: no IDAW of theirs names a pinned page. False: there are no more. Only between <see cref="Prefetch"/> and <see cref="Free"/>.
    /// </summary>
    public bool NextPinnedList(ref ListWalk walk, out uint list, out int count)
    {
        uint block = new IdawFormat(_orb).Block;
        for (; _prefetched && walk.Chain < _chainCount; (walk.Chain, walk.Index) = (walk.Chain + 1, 0))
        {
            ref readonly Chain chain = ref _chains[walk.Chain];
            while (walk.Index < chain.Length)
            {
                Ccw ccw = Ccw.ReadFormat1(Arena.Bytes(chain.HostHead + (uint)(walk.Index++ * Ccw.Size), Ccw.Size));
                if (ccw.IsTransferInChannel)
                    continue;
                ulong first = BinaryPrimitives.ReadUInt64BigEndian(Arena.Bytes(ccw.DataAddress, IdawSize));
                if (!PinRecord.InWindow(first))
                    continue;
                (list, count) = (ccw.DataAddress, Blocks(first, ccw.Count, block));
                return true;
            }
        }
        (list, count) = (0, 0);
        return false;
    }
}
