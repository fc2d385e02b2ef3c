using System.Runtime.CompilerServices;
using CcwFs.Fuse.Protocol;

namespace CcwFs.Fuse;

/// <summary>What the kernel expects in answer to an operation.</summary>
public enum FuseReplyKind
{
    /// <summary>Nothing may be answered, not even an error.</summary>
    None,

    /// <summary>An answer now.</summary>
    Now,

    /// <summary>An answer now, or later through <see cref="DeferredReply"/>.</summary>
    MayBeLate,
}

/// <summary>All that the session knows of one operation.</summary>
/// <param name="Code">Its number.</param>
/// <param name="Name">Its name in linux/fuse.h without FUSE_.</param>
/// <param name="MinimalBody">Bytes that must follow the header; a shorter body is answered EIO.</param>
/// <param name="Reply">What is answered.</param>
public sealed record FuseOperation(FuseOpcode Code, string Name, int MinimalBody, FuseReplyKind Reply)
{
    internal Func<FuseWorker, int> Run { get; init; } = FuseOperations.Nothing;
}

/// <summary>One row an operation; whatever has none here is answered ENOSYS.</summary>
public static class FuseOperationTable
{
    private const int Name = 2; // one byte and NUL

    private static readonly FuseOperation?[] ByCode = Build();

    /// <summary>Every row, in the order of the numbers.</summary>
    public static IEnumerable<FuseOperation> All => ByCode.OfType<FuseOperation>();

    /// <summary>The row of an operation's number; null: it is not implemented.</summary>
    public static FuseOperation? Find(uint code) => code < FuseCounters.Operations ? ByCode[code] : null;

    private static IEnumerable<FuseOperation> List()
    {
        yield return Row<Nothing>(FuseOpcode.Lookup, "LOOKUP", Name, FuseReplyKind.Now, FuseOperations.Lookup);
        yield return Row<FuseForgetIn>(FuseOpcode.Forget, "FORGET", 0, FuseReplyKind.None, FuseOperations.Forget);
        yield return Row<FuseGetattrIn>(FuseOpcode.GetAttr, "GETATTR", 0, FuseReplyKind.Now, FuseOperations.GetAttr);
        yield return Row<FuseSetattrIn>(FuseOpcode.SetAttr, "SETATTR", 0, FuseReplyKind.Now, FuseOperations.SetAttr);
        yield return Row<Nothing>(FuseOpcode.ReadLink, "READLINK", 0, FuseReplyKind.Now, FuseOperations.ReadLink);
        yield return Row<Nothing>(FuseOpcode.SymLink, "SYMLINK", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<Nothing>(FuseOpcode.MkNod, "MKNOD", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<Nothing>(FuseOpcode.MkDir, "MKDIR", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<Nothing>(FuseOpcode.Unlink, "UNLINK", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<Nothing>(FuseOpcode.RmDir, "RMDIR", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<Nothing>(FuseOpcode.Rename, "RENAME", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<Nothing>(FuseOpcode.Link, "LINK", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<FuseOpenIn>(FuseOpcode.Open, "OPEN", 0, FuseReplyKind.Now, FuseOperations.Open);
        yield return Row<FuseReadIn>(FuseOpcode.Read, "READ", 0, FuseReplyKind.MayBeLate, FuseOperations.Read);
        yield return Row<FuseWriteIn>(FuseOpcode.Write, "WRITE", 0, FuseReplyKind.MayBeLate, FuseOperations.Write);
        yield return Row<Nothing>(FuseOpcode.StatFs, "STATFS", 0, FuseReplyKind.Now, FuseOperations.StatFs);
        yield return Row<FuseReleaseIn>(FuseOpcode.Release, "RELEASE", 0, FuseReplyKind.Now, FuseOperations.Release);
        yield return Row<FuseFsyncIn>(FuseOpcode.Fsync, "FSYNC", 0, FuseReplyKind.Now, FuseOperations.Fsync);
        yield return Row<Nothing>(FuseOpcode.GetXAttr, "GETXATTR", 0, FuseReplyKind.Now, FuseOperations.NoData);
        yield return Row<Nothing>(FuseOpcode.ListXAttr, "LISTXATTR", 0, FuseReplyKind.Now, FuseOperations.NoData);
        yield return Row<FuseFlushIn>(FuseOpcode.Flush, "FLUSH", 0, FuseReplyKind.Now, FuseOperations.Flush);
        yield return Row<FuseInitIn>(FuseOpcode.Init, "INIT", 0, FuseReplyKind.Now, FuseOperations.Init);
        yield return Row<FuseOpenIn>(FuseOpcode.OpenDir, "OPENDIR", 0, FuseReplyKind.Now, FuseOperations.OpenDir);
        yield return Row<FuseReadIn>(FuseOpcode.ReadDir, "READDIR", 0, FuseReplyKind.Now, FuseOperations.ReadDir);
        yield return Row<FuseReleaseIn>(FuseOpcode.ReleaseDir, "RELEASEDIR", 0, FuseReplyKind.Now, FuseOperations.ReleaseDir);
        yield return Row<FuseFsyncIn>(FuseOpcode.FsyncDir, "FSYNCDIR", 0, FuseReplyKind.Now, FuseOperations.Fsync);
        yield return Row<Nothing>(FuseOpcode.Create, "CREATE", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<FuseInterruptIn>(FuseOpcode.Interrupt, "INTERRUPT", 0, FuseReplyKind.None, FuseOperations.Interrupt);
        yield return Row<Nothing>(FuseOpcode.Destroy, "DESTROY", 0, FuseReplyKind.Now, FuseOperations.Nothing);
        yield return Row<FuseIoctlIn>(FuseOpcode.Ioctl, "IOCTL", 0, FuseReplyKind.MayBeLate, FuseOperations.Ioctl);
        yield return Row<FusePollIn>(FuseOpcode.Poll, "POLL", 0, FuseReplyKind.Now, FuseOperations.Poll);
        yield return Row<FuseBatchForgetIn>(FuseOpcode.BatchForget, "BATCH_FORGET", 0, FuseReplyKind.None, FuseOperations.BatchForget);
        yield return Row<FuseReadIn>(FuseOpcode.ReadDirPlus, "READDIRPLUS", 0, FuseReplyKind.Now, FuseOperations.ReadDir);
        yield return Row<Nothing>(FuseOpcode.Rename2, "RENAME2", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
        yield return Row<Nothing>(FuseOpcode.TmpFile, "TMPFILE", Name, FuseReplyKind.Now, FuseOperations.NotPermitted);
    }

    private static FuseOperation?[] Build()
    {
        FuseOperation?[] rows = new FuseOperation?[FuseCounters.Operations];
        foreach (FuseOperation row in List())
        {
            if (rows[(int)row.Code] is not null)
                throw new InvalidOperationException($"two rows for {row.Name}");
            rows[(int)row.Code] = row;
        }
        return rows;
    }

    // The minimal body is the structure's size and what follows it.
    private static FuseOperation Row<TBody>(FuseOpcode code, string name, int more, FuseReplyKind reply, Func<FuseWorker, int> run)
        where TBody : unmanaged =>
        new(code, name, (typeof(TBody) == typeof(Nothing) ? 0 : Unsafe.SizeOf<TBody>()) + more, reply) { Run = run };

    private readonly struct Nothing;
}
