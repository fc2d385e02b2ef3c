namespace CcwFs.Fuse.Protocol;

/// <summary>Turns the handlers' structures into the kernel's.</summary>
internal static class FuseEncoding
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const uint PreferredBlock = 4096; // st_blksize; arbitrary

    internal static FuseAttrWire Attributes(in FuseAttr from)
    {
        (ulong seconds, uint nanoseconds) = Time(from.TimeNs);
        return new FuseAttrWire
        {
            Ino = from.Node,
            Size = from.Size,
            Atime = seconds,
            Mtime = seconds,
            Ctime = seconds,
            Atimensec = nanoseconds,
            Mtimensec = nanoseconds,
            Ctimensec = nanoseconds,
            Mode = from.Mode,
            Nlink = from.Links,
            Uid = from.Uid,
            Gid = from.Gid,
            Blksize = PreferredBlock,
        };
    }

    internal static FuseEntryOut Entry(in FuseEntry from)
    {
        (ulong entrySeconds, uint entryNanoseconds) = Time(from.EntryValidNs);
        (ulong attrSeconds, uint attrNanoseconds) = Time(from.AttrValidNs);
        return new FuseEntryOut
        {
            Nodeid = from.Node,
            EntryValid = entrySeconds,
            EntryValidNsec = entryNanoseconds,
            AttrValid = attrSeconds,
            AttrValidNsec = attrNanoseconds,
            Attr = Attributes(from.Attr),
        };
    }

    // Seconds are signed in a time stamp: the kernel takes the same 64 bits back as time64_t.
    private static (ulong Seconds, uint Nanoseconds) Time(long nanoseconds)
    {
        (long seconds, long rest) = Math.DivRem(nanoseconds, NanosecondsPerSecond);
        return rest < 0 ? ((ulong)(seconds - 1), (uint)(rest + NanosecondsPerSecond)) : ((ulong)seconds, (uint)rest);
    }
}
