using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CcwFs.Fuse.Protocol;
using Mono.Unix.Native;

namespace CcwFs.Fuse;

/// <summary>What is said to the kernel's INIT.</summary>
public static class FuseNegotiation
{
    /// <summary>Newest minor version used: that of Linux 6.2.</summary>
    public const uint NewestMinor = 38;

    /// <summary>Oldest minor version understood: that of Linux 4.18.</summary>
    public const uint OldestMinor = 27;

    private const ushort MaxBackground = 64; // arbitrary
    private const ushort CongestionThreshold = 48; // three quarters, as the kernel's default

    // Not FUSE_ATOMIC_O_TRUNC: O_TRUNC is to arrive as SETATTR with size 0.
    private const uint Wanted = FuseConstants.FUSE_ASYNC_READ | FuseConstants.FUSE_BIG_WRITES | FuseConstants.FUSE_DO_READDIRPLUS
        | FuseConstants.FUSE_READDIRPLUS_AUTO | FuseConstants.FUSE_PARALLEL_DIROPS | FuseConstants.FUSE_MAX_PAGES;

    /// <summary>
    /// 0 and the reply, or -EPROTO for a kernel that is too old. A newer major version is answered with ours, and the kernel asks again.
    /// </summary>
    public static int Agree(in FuseInitIn offer, FuseSessionOptions options, out FuseInitOut reply)
    {
        ArgumentNullException.ThrowIfNull(options);
        reply = new FuseInitOut { Major = FuseConstants.FUSE_KERNEL_VERSION, Minor = NewestMinor };
        if (offer.Major > FuseConstants.FUSE_KERNEL_VERSION)
            return 0;
        if (offer.Major < FuseConstants.FUSE_KERNEL_VERSION || offer.Minor < OldestMinor)
            return -(int)Errno.EPROTO;
        reply.Minor = Math.Min(offer.Minor, NewestMinor);
        reply.MaxReadahead = offer.MaxReadahead;
        reply.Flags = offer.Flags & Wanted;
        reply.MaxBackground = MaxBackground;
        reply.CongestionThreshold = CongestionThreshold;
        reply.MaxWrite = (uint)options.MaxWrite;
        reply.TimeGran = 1;
        reply.MaxPages = (ushort)Math.Max(1, options.MaxWrite / options.PageSize);
        return 0;
    }

    /// <summary>The body of an INIT offers FUSE over io_uring (Linux 6.14).</summary>
    internal static bool OffersRings(ReadOnlySpan<byte> body)
    {
        int more = Unsafe.SizeOf<FuseInitIn>(); // flags2 follows what older kernels send
        return body.Length >= more + sizeof(uint) && (MemoryMarshal.Read<FuseInitIn>(body).Flags & FuseConstants.FUSE_INIT_EXT) != 0
            && (MemoryMarshal.Read<uint>(body[more..]) & RingProtocol.OverRings) != 0;
    }

    /// <summary>Says in a reply that queues of io_uring will be registered; the kernel keeps requests back until then.</summary>
    internal static void AgreeOnRings(ref FuseInitOut reply)
    {
        reply.Flags |= FuseConstants.FUSE_INIT_EXT;
        reply.Flags2 |= RingProtocol.OverRings;
    }
}
