using System.Runtime.InteropServices;

namespace CcwFs.Fuse.Protocol;

// Structures of linux/fuse.h in the host's byte order. Fields are named after the header's, so that the layout test can compare them:
// lower case there, words joined by underscores. What is neither read nor set is a field all the same, for the layout.
#pragma warning disable CS1591 // the header documents its fields

/// <summary>struct fuse_in_header.</summary>
public struct FuseInHeader
{
    public uint Len, Opcode;
    public ulong Unique, Nodeid;
    public uint Uid, Gid, Pid;
    public ushort TotalExtlen, Padding;
}

/// <summary>struct fuse_out_header.</summary>
public struct FuseOutHeader
{
    public uint Len;
    public int Error;
    public ulong Unique;
}

/// <summary>struct fuse_init_in; 16 bytes before 7.36.</summary>
public struct FuseInitIn
{
    public uint Major, Minor, MaxReadahead, Flags;
}

/// <summary>struct fuse_init_out.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
public struct FuseInitOut
{
    public uint Major, Minor, MaxReadahead, Flags;
    public ushort MaxBackground, CongestionThreshold;
    public uint MaxWrite, TimeGran;
    public ushort MaxPages, MapAlignment;
    public uint Flags2;
}

/// <summary>struct fuse_attr.</summary>
public struct FuseAttrWire
{
    public ulong Ino, Size, Blocks, Atime, Mtime, Ctime;
    public uint Atimensec, Mtimensec, Ctimensec, Mode, Nlink, Uid, Gid, Rdev, Blksize, Flags;
}

/// <summary>struct fuse_entry_out.</summary>
public struct FuseEntryOut
{
    public ulong Nodeid, Generation, EntryValid, AttrValid;
    public uint EntryValidNsec, AttrValidNsec;
    public FuseAttrWire Attr;
}

/// <summary>struct fuse_attr_out.</summary>
public struct FuseAttrOut
{
    public ulong AttrValid;
    public uint AttrValidNsec, Dummy;
    public FuseAttrWire Attr;
}

/// <summary>struct fuse_forget_in.</summary>
public struct FuseForgetIn
{
    public ulong Nlookup;
}

/// <summary>struct fuse_forget_one.</summary>
public struct FuseForgetOne
{
    public ulong Nodeid, Nlookup;
}

/// <summary>struct fuse_batch_forget_in.</summary>
public struct FuseBatchForgetIn
{
    public uint Count, Dummy;
}

/// <summary>struct fuse_getattr_in.</summary>
public struct FuseGetattrIn
{
    public uint GetattrFlags, Dummy;
    public ulong Fh;
}

/// <summary>struct fuse_setattr_in.</summary>
public struct FuseSetattrIn
{
    public uint Valid, Padding;
    public ulong Fh, Size, LockOwner, Atime, Mtime, Ctime;
    public uint Atimensec, Mtimensec, Ctimensec, Mode, Unused4, Uid, Gid, Unused5;
}

/// <summary>struct fuse_open_in.</summary>
public struct FuseOpenIn
{
    public uint Flags, OpenFlags;
}

/// <summary>struct fuse_open_out.</summary>
public struct FuseOpenOut
{
    public ulong Fh;
    public uint OpenFlags, Padding;
}

/// <summary>struct fuse_release_in.</summary>
public struct FuseReleaseIn
{
    public ulong Fh;
    public uint Flags, ReleaseFlags;
    public ulong LockOwner;
}

/// <summary>struct fuse_flush_in.</summary>
public struct FuseFlushIn
{
    public ulong Fh;
    public uint Unused, Padding;
    public ulong LockOwner;
}

/// <summary>struct fuse_read_in.</summary>
public struct FuseReadIn
{
    public ulong Fh, Offset;
    public uint Size, ReadFlags;
    public ulong LockOwner;
    public uint Flags, Padding;
}

/// <summary>struct fuse_write_in; the data follow.</summary>
public struct FuseWriteIn
{
    public ulong Fh, Offset;
    public uint Size, WriteFlags;
    public ulong LockOwner;
    public uint Flags, Padding;
}

/// <summary>struct fuse_write_out.</summary>
public struct FuseWriteOut
{
    public uint Size, Padding;
}

/// <summary>struct fuse_kstatfs, all of struct fuse_statfs_out.</summary>
[StructLayout(LayoutKind.Sequential, Size = 80)]
public struct FuseKstatfs
{
    public ulong Blocks, Bfree, Bavail, Files, Ffree;
    public uint Bsize, Namelen, Frsize, Padding;
}

/// <summary>struct fuse_fsync_in.</summary>
public struct FuseFsyncIn
{
    public ulong Fh;
    public uint FsyncFlags, Padding;
}

/// <summary>struct fuse_interrupt_in.</summary>
public struct FuseInterruptIn
{
    public ulong Unique;
}

/// <summary>struct fuse_ioctl_in; what the kernel copied in follows.</summary>
public struct FuseIoctlIn
{
    public ulong Fh;
    public uint Flags, Cmd;
    public ulong Arg;
    public uint InSize, OutSize;
}

/// <summary>struct fuse_ioctl_out; what the kernel copies out follows.</summary>
public struct FuseIoctlOut
{
    public int Result;
    public uint Flags, InIovs, OutIovs;
}

/// <summary>struct fuse_poll_in.</summary>
public struct FusePollIn
{
    public ulong Fh, Kh;
    public uint Flags, Events;
}

/// <summary>struct fuse_poll_out.</summary>
public struct FusePollOut
{
    public uint Revents, Padding;
}

/// <summary>struct fuse_dirent; the name follows, padded to 8 bytes.</summary>
public struct FuseDirent
{
    public ulong Ino, Off;
    public uint Namelen, Type;
}

/// <summary>struct fuse_notify_poll_wakeup_out.</summary>
public struct FuseNotifyPollWakeupOut
{
    public ulong Kh;
}

/// <summary>struct fuse_notify_retrieve_out.</summary>
public struct FuseNotifyRetrieveOut
{
    public ulong NotifyUnique, Nodeid, Offset;
    public uint Size, Padding;
}
