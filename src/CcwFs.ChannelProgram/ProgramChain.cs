using System.Runtime.CompilerServices;
using CcwFs.ChannelIo;
using CcwFs.Memory;

namespace CcwFs.ChannelProgram;

/// <summary>A run of CCWs that was fetched as one piece, and lies in the arena as one.</summary>
/// <param name="GuestHead">Where the guest has the first CCW.</param>
/// <param name="HostHead">Where the backend finds it.</param>
/// <param name="Length">CCWs.</param>
public readonly record struct ProgramChain(GuestCcwAddress GuestHead, HostAddress HostHead, int Length)
{
    /// <summary>Bytes of the chain.</summary>
    internal uint Size => (uint)(Length * Ccw.Size);

    /// <summary>Rule 3: behind this CCW, its last one as far as it is known, the chain goes on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool GoesOnBehind(Ccw ccw) => ccw.Has(CcwFlags.ChainCommand | CcwFlags.ChainData)
        || (ccw.IsTransferInChannel && Contains(new GuestCcwAddress(ccw.DataAddress)));

    /// <summary>
    /// The guest address lies in [first CCW, last CCW], by byte, compared as 32-bit numbers as the kernel does: a chain over the end of the 4G
    /// contains nothing (rule 4 of this room's README).
    /// </summary>
    internal bool Contains(GuestCcwAddress address) =>
        address.Value >= GuestHead.Value && address.Value <= GuestHead.Plus(Size - Ccw.Size).Value;
}
