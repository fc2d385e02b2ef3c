using CcwFs.ChannelIo;
using CcwFs.ChannelProgram;
using CcwFs.Memory;

namespace CcwFs.Emulation.Channel;

/// <summary>A program that was translated as a whole: everything is in it, and every CCW that moves data has a list.</summary>
internal sealed class TranslatedSource : ProgramSource
{
    private HostProgram _program = null!;
    private int _block;

    /// <inheritdoc/>
    internal override bool IsLive => false;

    /// <summary>Begins a program; the ORB is the host's.</summary>
    internal void Begin(in Orb orb, HostProgram program) => (_program, _block) = (program, DataCursor.IdawBlock(orb));

    /// <inheritdoc/>
    internal override void Forget() => _program = null!;

    /// <inheritdoc/>
    internal override SubchannelStatus FetchCcw(HostAddress address, byte? continued, out Ccw ccw) => Status(_program.TryFetchCcw(address, out ccw));

    /// <inheritdoc/>
    internal override SubchannelStatus NextBlock(ref DataCursor cursor) => Status(
        cursor.Ccw.Has(CcwFlags.IndirectData)
        && _program.TryFetchIdaw(cursor.Idaw, out ulong idaw)
        && cursor.TryUseIdaw(idaw, HostProgram.IdawSize, _block));

    /// <inheritdoc/>
    internal override SubchannelStatus Resolve(ulong address, bool toStorage, out IMemoryStore store, out long offset, out int left) =>
        Status(_program.TryResolve(address, out store, out offset, out left));

    private static SubchannelStatus Status(bool good) => good ? SubchannelStatus.None : SubchannelStatus.ProgramCheck;
}
