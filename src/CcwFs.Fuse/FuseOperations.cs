using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>
/// What each row runs: reads the body (whose minimal length the gate has checked), calls the handler, writes the payload. Gives the
/// payload's length, a negative errno, or <see cref="FuseHandlers.Later"/>.
/// </summary>
internal static class FuseOperations
{
    private const int LinkLimit = 4096; // PATH_MAX, linux/limits.h

    internal static int Nothing(FuseWorker worker) => 0;

    internal static int NotPermitted(FuseWorker worker) => -(int)Errno.EPERM;

    internal static int NoData(FuseWorker worker) => -(int)Errno.ENODATA;

    internal static int Lookup(FuseWorker worker)
    {
        ReadOnlySpan<byte> name = worker.Body;
        int end = name.IndexOf((byte)0);
        if (end <= 0)
            return -(int)Errno.EIO;
        if (end > FuseDirectoryWriter.NameLimit)
            return -(int)Errno.ENAMETOOLONG;
        int result = worker.Handlers.Lookup(worker.Request, name[..end], out FuseEntry entry);
        return result < 0 ? result : worker.Put(FuseEncoding.Entry(entry));
    }

    internal static int Forget(FuseWorker worker)
    {
        worker.Handlers.Forget(worker.Header.Nodeid, worker.Get<FuseForgetIn>().Nlookup);
        return 0;
    }

    internal static int BatchForget(FuseWorker worker)
    {
        ReadOnlySpan<FuseForgetOne> all = MemoryMarshal.Cast<byte, FuseForgetOne>(worker.Body[Unsafe.SizeOf<FuseBatchForgetIn>()..]);
        int count = (int)Math.Min(worker.Get<FuseBatchForgetIn>().Count, (uint)all.Length);
        foreach (FuseForgetOne one in all[..count])
            worker.Handlers.Forget(one.Nodeid, one.Nlookup);
        return 0;
    }

    internal static int GetAttr(FuseWorker worker)
    {
        int result = worker.Handlers.GetAttr(worker.Request, out FuseAttr attr);
        return result < 0 ? result : worker.Put(new FuseAttrOut { Attr = FuseEncoding.Attributes(attr) });
    }

    internal static int SetAttr(FuseWorker worker)
    {
        FuseSetattrIn body = worker.Get<FuseSetattrIn>();
        FuseSetAttr change = new() { Valid = body.Valid, Size = body.Size, Mode = body.Mode, Uid = body.Uid, Gid = body.Gid };
        int result = worker.Handlers.SetAttr(worker.Request, change, out FuseAttr attr);
        return result < 0 ? result : worker.Put(new FuseAttrOut { Attr = FuseEncoding.Attributes(attr) });
    }

    internal static int ReadLink(FuseWorker worker) =>
        FuseWorker.Within(worker.Handlers.ReadLink(worker.Request, worker.Payload[..LinkLimit]), LinkLimit);

    internal static int Open(FuseWorker worker)
    {
        int result = worker.Handlers.Open(worker.Request, worker.Get<FuseOpenIn>().Flags, out FuseOpened opened);
        return Opened(worker, result, opened);
    }

    internal static int OpenDir(FuseWorker worker)
    {
        int result = worker.Handlers.OpenDir(worker.Request, out FuseOpened opened);
        return Opened(worker, result, opened);
    }

    private static int Opened(FuseWorker worker, int result, in FuseOpened opened)
    {
        if (result < 0)
            return result;
        worker.Session.FileOpened();
        return worker.Put(new FuseOpenOut { Fh = opened.Handle, OpenFlags = opened.Flags });
    }

    internal static int Release(FuseWorker worker)
    {
        worker.Handlers.Release(worker.Request, worker.Get<FuseReleaseIn>().Fh);
        worker.Session.FileClosed();
        return 0;
    }

    internal static int ReleaseDir(FuseWorker worker)
    {
        worker.Handlers.ReleaseDir(worker.Request, worker.Get<FuseReleaseIn>().Fh);
        worker.Session.FileClosed();
        return 0;
    }

    internal static int Read(FuseWorker worker)
    {
        FuseReadIn body = worker.Get<FuseReadIn>();
        if (body.Size > (uint)worker.Payload.Length || body.Offset > long.MaxValue)
            return -(int)Errno.EIO;
        worker.AllowDefer((int)body.Size);
        Span<byte> buffer = worker.Payload[..(int)body.Size];
        return FuseWorker.Within(worker.Handlers.Read(worker.Request, body.Fh, (long)body.Offset, body.Flags, buffer), buffer.Length);
    }

    internal static int Write(FuseWorker worker)
    {
        FuseWriteIn body = worker.Get<FuseWriteIn>();
        ReadOnlySpan<byte> data = worker.Body[Unsafe.SizeOf<FuseWriteIn>()..];
        if (body.Size > (uint)data.Length || body.Offset > long.MaxValue)
            return -(int)Errno.EIO;
        data = data[..(int)body.Size];
        worker.AllowDefer(data.Length);
        int result = FuseWorker.Within(worker.Handlers.Write(worker.Request, body.Fh, (long)body.Offset, body.Flags, data), data.Length);
        return result < 0 ? result : worker.Put(new FuseWriteOut { Size = (uint)result });
    }

    internal static int ReadDir(FuseWorker worker)
    {
        FuseReadIn body = worker.Get<FuseReadIn>();
        int room = (int)Math.Min(body.Size, (uint)worker.Payload.Length);
        FuseDirectoryWriter writer = new(worker.Payload[..room], (FuseOpcode)worker.Header.Opcode == FuseOpcode.ReadDirPlus);
        int result = worker.Handlers.ReadDir(worker.Request, body.Fh, body.Offset, ref writer);
        return result < 0 ? result : writer.Length;
    }

    internal static int StatFs(FuseWorker worker)
    {
        int result = worker.Handlers.StatFs(worker.Request, out FuseStatFs from);
        return result < 0 ? result : worker.Put(new FuseKstatfs
        {
            Blocks = from.Blocks,
            Bfree = from.BlocksFree,
            Bavail = from.BlocksFree,
            Files = from.Files,
            Bsize = from.BlockSize,
            Namelen = from.NameLength,
            Frsize = from.BlockSize,
        });
    }

    internal static int Flush(FuseWorker worker) =>
        Math.Min(worker.Handlers.Flush(worker.Request, worker.Get<FuseFlushIn>().Fh), 0);

    internal static int Fsync(FuseWorker worker)
    {
        FuseFsyncIn body = worker.Get<FuseFsyncIn>();
        bool dataOnly = (body.FsyncFlags & FuseConstants.FUSE_FSYNC_FDATASYNC) != 0;
        return Math.Min(worker.Handlers.Fsync(worker.Request, body.Fh, dataOnly), 0);
    }

    internal static int Ioctl(FuseWorker worker)
    {
        FuseIoctlIn body = worker.Get<FuseIoctlIn>();
        ReadOnlySpan<byte> input = worker.Body[Unsafe.SizeOf<FuseIoctlIn>()..];
        int head = Unsafe.SizeOf<FuseIoctlOut>();
        if (body.InSize > (uint)input.Length || body.OutSize > (uint)(worker.Payload.Length - head))
            return -(int)Errno.EIO;
        Span<byte> output = worker.Payload.Slice(head, (int)body.OutSize);

        // What the handler leaves alone goes to the caller: never an earlier caller's bytes.
        output.Clear();
        worker.AllowDefer(output.Length);
        int result = worker.Handlers.Ioctl(
            worker.Request, body.Fh, body.Cmd, body.Arg, input[..(int)body.InSize], output, out int value);
        return result < 0 ? result : worker.Put(new FuseIoctlOut { Result = value }) + output.Length;
    }

    internal static int Poll(FuseWorker worker)
    {
        FusePollIn body = worker.Get<FusePollIn>();
        bool notify = (body.Flags & FuseConstants.FUSE_POLL_SCHEDULE_NOTIFY) != 0;
        int result = worker.Handlers.Poll(worker.Request, body.Fh, body.Kh, notify, out uint events);
        return result < 0 ? result : worker.Put(new FusePollOut { Revents = events });
    }

    // A reply to INTERRUPT is only sent to have it come again: its request is between read(2) and the handler, or already answered
    // (then the kernel drops it).
    internal static int Interrupt(FuseWorker worker)
    {
        if (!worker.Session.TryInterrupt(worker.Get<FuseInterruptIn>().Unique))
            worker.Session.Replies.SendUnasked(worker.Header.Unique, -(int)Errno.EAGAIN);
        return 0;
    }

    internal static int Init(FuseWorker worker)
    {
        int result = worker.Session.Negotiate(worker.Body, out FuseInitOut reply, out IAfterReply? after);
        if (after is not null)
            worker.After(after);
        return result < 0 ? result : worker.Put(reply);
    }
}
