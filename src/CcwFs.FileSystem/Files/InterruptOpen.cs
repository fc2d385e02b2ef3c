using CcwFs.Fuse;
using CcwFs.Subchannel;
using CcwFs.Vfio.Endpoint;

namespace CcwFs.FileSystem.Files;

/// <summary>One open of irq/io, irq/crw or irq/req; the interrupt is shared by all of them.</summary>
internal sealed class InterruptOpen(InterruptFile interrupt, ClientAccount account) : OpenFile(account)
{
    private const uint NonBlocking = 0x800; // O_NONBLOCK of every Linux but alpha, mips, parisc, sparc

    /// <inheritdoc/>
    internal override uint Flags => base.Flags | Streamed;

    /// <inheritdoc/>
    internal override int Read(in FuseRequest request, long offset, uint flags, Span<byte> buffer) =>
        interrupt.Read(request, Account, (flags & NonBlocking) != 0, buffer);

    /// <inheritdoc/>
    internal override int Write(in FuseRequest request, long offset, ReadOnlySpan<byte> data) => interrupt.Write(data);

    /// <inheritdoc/>
    internal override int Poll(ulong pollHandle, bool notify, out uint events) => interrupt.Poll(this, Account, pollHandle, notify, out events);

    /// <inheritdoc/>
    internal override void Close() => interrupt.Release(this);
}
