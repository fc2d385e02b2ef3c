using System.Runtime.InteropServices;

namespace CcwFs.Fuse.Protocol;

// FUSE over io_uring as linux/fuse.h has it since Linux 6.14, which is newer than the header of many systems.

/// <summary>Numbers of it.</summary>
internal static class RingProtocol
{
    /// <summary>FUSE_OVER_IO_URING, bit 41, in the second word of INIT's flags.</summary>
    internal const uint OverRings = 1 << 9;

    /// <summary>FUSE_IO_URING_CMD_REGISTER: an entry of a queue, with its memory.</summary>
    internal const uint Register = 1;

    /// <summary>FUSE_IO_URING_CMD_COMMIT_AND_FETCH: the reply that stands in an entry, which then waits for the next request.</summary>
    internal const uint CommitAndFetch = 2;

    /// <summary>FUSE_URING_IN_OUT_HEADER_SZ: room for struct fuse_in_header or fuse_out_header.</summary>
    internal const int HeaderRoom = 128;

    /// <summary>FUSE_URING_OP_IN_OUT_SZ: room for the first argument of a request.</summary>
    internal const int ArgumentRoom = 128;
}

/// <summary>struct fuse_uring_ent_in_out: about the rest of an entry's request or reply.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RingEntryInOut
{
    internal ulong Flags, CommitId;
    internal uint PayloadSize, Padding;
    internal ulong Reserved;
}

/// <summary>struct fuse_uring_cmd_req: the operands of a command.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct RingCommand
{
    internal ulong Flags, CommitId;
    internal ushort Queue;
}

/// <summary>struct iovec, by number.</summary>
internal struct RingVector
{
    internal ulong Address, Length;
}
