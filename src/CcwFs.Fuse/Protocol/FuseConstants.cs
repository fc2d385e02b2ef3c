namespace CcwFs.Fuse.Protocol;

/// <summary>Constants of linux/fuse.h, by its own names.</summary>
public static class FuseConstants
{
#pragma warning disable CA1707, CS1591 // names as the header spells them
    public const uint FUSE_KERNEL_VERSION = 7;
    public const uint FUSE_MIN_READ_BUFFER = 8192;

    public const uint FUSE_ASYNC_READ = 1 << 0;
    public const uint FUSE_BIG_WRITES = 1 << 5;
    public const uint FUSE_DO_READDIRPLUS = 1 << 13;
    public const uint FUSE_READDIRPLUS_AUTO = 1 << 14;
    public const uint FUSE_PARALLEL_DIROPS = 1 << 18;
    public const uint FUSE_MAX_PAGES = 1 << 22;
    public const uint FUSE_INIT_EXT = 1 << 30;

    public const uint FUSE_POLL_SCHEDULE_NOTIFY = 1 << 0;
    public const uint FUSE_FSYNC_FDATASYNC = 1 << 0;

    public const int FUSE_NOTIFY_POLL = 1;
    public const int FUSE_NOTIFY_RETRIEVE = 5;
#pragma warning restore CA1707, CS1591
}
