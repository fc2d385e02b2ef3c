using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// Where a program is: its current CCW, and how much of the storage that this one names is used. A copy of it is a place to come back to.
/// </summary>
internal struct DataCursor
{
    /// <summary>The CCW whose count is being used.</summary>
    internal Ccw Ccw;

    /// <summary>Address of the CCW fetched last, in the backend's terms.</summary>
    internal HostAddress Current;

    /// <summary>Bytes left in the current CCW.</summary>
    internal int Remaining;

    /// <summary>Address of the next IDAW.</summary>
    internal HostAddress Idaw;

    /// <summary>Where the next byte goes; valid while <see cref="BlockLeft"/> is not 0.</summary>
    internal ulong Data;

    /// <summary>Bytes left in the block that the IDAW used last names.</summary>
    internal int BlockLeft;

    /// <summary>The next IDAW is the CCW's first, which alone may lead into a block.</summary>
    internal bool IsFirstIdaw;

    /// <summary>Bytes of the blocks into which IDAWs cut the data.</summary>
    internal static int IdawBlock(in Orb orb) => orb.Format2Idaws && !orb.TwoKIdaws ? 4096 : 2048;

    /// <summary>A CCW's count begins.</summary>
    internal void BeginCount() => (Remaining, Idaw, BlockLeft, IsFirstIdaw) = (Ccw.Count, new HostAddress(Ccw.DataAddress), 0, true);

    /// <summary>
    /// An IDAW of so many bytes is used: the next bytes are in its block. False, and nothing is changed: only the first one may lead into a block.
    /// </summary>
    internal bool TryUseIdaw(ulong idaw, int size, int block)
    {
        int into = (int)(idaw & (ulong)(block - 1));
        if (into != 0 && !IsFirstIdaw)
            return false;
        (Data, BlockLeft, IsFirstIdaw, Idaw) = (idaw, block - into, false, Idaw.Plus(size));
        return true;
    }

    /// <summary>So many bytes of the block have been used.</summary>
    internal void Advance(int length)
    {
        Remaining -= length;
        BlockLeft -= length;
        Data += (ulong)length;
    }
}
