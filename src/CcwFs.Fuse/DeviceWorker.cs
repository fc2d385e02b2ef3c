using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>A worker with its two buffers that reads requests from the device and writes replies there.</summary>
internal sealed class DeviceWorker : FuseWorker
{
    // Before FUSE_MAX_PAGES (7.28) a READ was 32 pages at most, whatever max_write said.
    private const int SmallestPages = 32;

    private readonly FuseSession _session;
    private readonly byte[] _in, _out;
    private int _length;

    internal DeviceWorker(FuseSession session, FuseHandlers handlers)
        : base(session, handlers)
    {
        _session = session;
        int head = Unsafe.SizeOf<FuseInHeader>() + Unsafe.SizeOf<FuseWriteIn>();
        int room = Math.Max(head + session.Options.MaxWrite, (int)FuseConstants.FUSE_MIN_READ_BUFFER);

        // Pinned, so that no collection moves or copies a megabyte; pages are touched only as far as requests need them.
        _in = GC.AllocateUninitializedArray<byte>(room, pinned: true);
        int reply = Math.Max(session.Options.MaxWrite, SmallestPages * session.Options.PageSize);
        _out = GC.AllocateUninitializedArray<byte>(FuseReplies.HeaderLength + reply, pinned: true);
    }

    /// <inheritdoc/>
    internal override ReadOnlySpan<byte> Body => _in.AsSpan(Unsafe.SizeOf<FuseInHeader>(), _length - Unsafe.SizeOf<FuseInHeader>());

    /// <inheritdoc/>
    internal override Span<byte> Payload => _out.AsSpan(FuseReplies.HeaderLength);

    /// <inheritdoc/>
    private protected override IReplyWay LateWay => Session.Replies;

    /// <inheritdoc/>
    private protected override bool OthersWait => _session.IdleWorkers > 0;

    /// <summary>Serves until the connection ends.</summary>
    internal void Run()
    {
        while (true)
        {
            int result = _session.ReadRequest(this, _in);
            if (result >= 0)
                Process(result);
            else if (result is not (-(int)Errno.EINTR or -(int)Errno.ENOENT or -(int)Errno.EAGAIN))
            {
                // ENODEV: unmounted; ECONNABORTED: aborted.
                if (result is not (-(int)Errno.ENODEV or -(int)Errno.ECONNABORTED))
                    FuseLog.DeviceFailed(Session.Replies.Logger, -result);
                return;
            }
        }
    }

    /// <inheritdoc/>
    private protected override void Reply(ulong unique, int result)
    {
        if (result < 0)
            Session.Replies.Send(unique, result, default);
        else
            Session.Replies.SendInPlace(unique, _out.AsSpan(0, FuseReplies.HeaderLength + result));
    }

    private void Process(int length)
    {
        if (length < Unsafe.SizeOf<FuseInHeader>())
        {
            FuseLog.Malformed(Session.Replies.Logger, length, 0, "?");
            return;
        }
        _length = length;
        FuseInHeader header = MemoryMarshal.Read<FuseInHeader>(_in);
        _session.SoleReader.AfterRead(this, header.Pid);
        Serve(header, length);
    }
}
