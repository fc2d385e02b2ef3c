namespace CcwFs.Fuse.Protocol;

/// <summary>enum fuse_opcode of linux/fuse.h. An unknown value stays a value and is answered ENOSYS.</summary>
public enum FuseOpcode : uint
{
#pragma warning disable CS1591 // the kernel's names say it all
    Lookup = 1, Forget = 2, GetAttr = 3, SetAttr = 4, ReadLink = 5, SymLink = 6, MkNod = 8, MkDir = 9, Unlink = 10, RmDir = 11, Rename = 12,
    Link = 13, Open = 14, Read = 15, Write = 16, StatFs = 17, Release = 18, Fsync = 20, SetXAttr = 21, GetXAttr = 22, ListXAttr = 23,
    RemoveXAttr = 24, Flush = 25, Init = 26, OpenDir = 27, ReadDir = 28, ReleaseDir = 29, FsyncDir = 30, GetLk = 31, SetLk = 32, SetLkW = 33,
    Access = 34, Create = 35, Interrupt = 36, BMap = 37, Destroy = 38, Ioctl = 39, Poll = 40, NotifyReply = 41, BatchForget = 42,
    FAllocate = 43, ReadDirPlus = 44, Rename2 = 45, LSeek = 46, CopyFileRange = 47, SetupMapping = 48, RemoveMapping = 49, SyncFs = 50,
    TmpFile = 51,
#pragma warning restore CS1591
}
