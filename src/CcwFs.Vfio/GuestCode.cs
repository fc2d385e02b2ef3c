using System.Runtime.InteropServices;

namespace CcwFs.Vfio;

/// <summary>
/// Tells how a guest's emulator drops what it has made of the guest's code (its translations). An ioctl of ours on an iommufd, which has none like
/// it: <see cref="IommufdIoctl.SetGuestCode"/>. Host byte order.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct GuestCodeChannel
{
    /// <summary>The guest's processor runs its code itself (KVM): nothing is to be dropped, and no descriptor is given.</summary>
    public const uint FlagHardware = 1;

    /// <summary>In place of a descriptor that is not given.</summary>
    public const int NoDescriptor = -1;

    /// <summary>Size of the structure as the caller knows it.</summary>
    public uint Size;

    /// <summary>Flag*.</summary>
    public uint Flags;

    /// <summary>A stream socket whose other end takes commands of QEMU's qtest protocol.</summary>
    public int Channel;

    /// <summary>That other end, to take back commands that it has not read.</summary>
    public int OtherEnd;

    /// <summary>
    /// A memory file laid out as <see cref="GuestCodeMarks"/>, sealed against shrinking; <see cref="NoDescriptor"/>: every page may hold code.
    /// </summary>
    public int Marks;
}

/// <summary>
/// The file in which the emulator's plugin marks what it has translated. One byte for each page of the emulator's own address space, counted up at
/// each translation (255 is followed by 1) and set to 0 when all of the page has been dropped; then two tables for the ends of instructions that lie
/// over a page's border, whose second page the plugin cannot know: by their bytes there.
/// </summary>
public static class GuestCodeMarks
{
    /// <summary>Bytes of a page.</summary>
    public const int PageSize = 4096;

    /// <summary>Pages of an address space of 48 bits (arm64; x86-64 has 47; QEMU maps nothing above).</summary>
    public const long Pages = 1L << (48 - 12);

    /// <summary>Offset of the table of ends of 2 bytes, one byte for each value.</summary>
    public const long ShortEnds = Pages;

    /// <summary>Offset of the table of ends of 4 bytes, one byte for each value of <see cref="LongEnd"/>.</summary>
    public const long LongEnds = ShortEnds + 0x1_0000;

    /// <summary>Bytes of the file.</summary>
    public const long Size = LongEnds + LongEndCount;

    /// <summary>Most bytes of an instruction after a page's border (z/Architecture: instructions have 2, 4 or 6).</summary>
    public const int LongestEnd = 4;

    private const int LongEndCount = 1 << LongEndBits, LongEndBits = 20;

    /// <summary>Place of an end of 2 bytes, big-endian, in the file.</summary>
    public static long ShortEnd(ushort value) => ShortEnds + value;

    /// <summary>Place of an end of 4 bytes, big-endian, in the file: the upper bits of a product, so that neighbours lie apart.</summary>
    public static long LongEnd(uint value) => LongEnds + (unchecked(value * 2_654_435_761) >> (32 - LongEndBits));
}
