using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>
/// Where a run gets its program from: CCWs, IDAWs and the places of data bytes. What cannot be had is given as the check that it ends with; no status
/// is none.
/// </summary>
internal abstract class ProgramSource
{
    /// <summary>
    /// The program is fetched at its turn, from memory that others may change meanwhile: what a command has stored may be what the next one is made
    /// of.
    /// </summary>
    internal abstract bool IsLive { get; }

    /// <summary>Stands before each command; null: nothing does.</summary>
    internal virtual ILiveGate? Gate => null;

    /// <summary>The program has ended.</summary>
    internal abstract void Forget();

    /// <summary>A new command: what was kept of the one before is not used again.</summary>
    internal virtual void BeginCommand()
    {
    }

    /// <summary>From here on the CCWs and IDAWs of the current command are fetched ahead, until <see cref="EndAhead"/>.</summary>
    internal virtual void BeginAhead()
    {
    }

    /// <summary>From here on they are given again, as they were fetched.</summary>
    internal virtual void EndAhead()
    {
    }

    /// <summary>The CCW at an address.</summary>
    /// <param name="address">The backend's address.</param>
    /// <param name="continued">The command that it continues by data chaining; null: it begins one.</param>
    /// <param name="ccw">The CCW.</param>
    internal abstract SubchannelStatus FetchCcw(HostAddress address, byte? continued, out Ccw ccw);

    /// <summary>Leads the cursor, which has used up a block, to the next one of its CCW.</summary>
    internal abstract SubchannelStatus NextBlock(ref DataCursor cursor);

    /// <summary>Where a byte of data is, and how many bytes lie behind it there; <paramref name="toStorage"/>: it will be written.</summary>
    internal abstract SubchannelStatus Resolve(ulong address, bool toStorage, out IMemoryStore store, out long offset, out int left);
}
