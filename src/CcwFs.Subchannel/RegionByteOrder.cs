namespace CcwFs.Subchannel;

/// <summary>
/// The byte order of a VFIO device file, ours and the kernel's: a VFIO client exchanges structures with its CPU's own fields, except in the IRB,
/// where they come back as the architecture writes them. On a little-endian host that is a fixed permutation of the big-endian regions, on a
/// big-endian one nothing. Source: hw/vfio/ccw.c and hw/s390x/css.c of QEMU 10, tried out.
/// </summary>
public static class RegionByteOrder
{
    // Field widths in bytes from the start of a region. 1: bytes in order; so are ret_code and command, which the regions hold in host order already.
    private static readonly byte[] s_scsw = [2, 2, 4, 1, 1, 2];

    private static readonly byte[][] s_widths =
    [
        [4, 2, 1, 1, 4, .. s_scsw, .. Ones(RegionLayout.IoSize - RegionLayout.IrbOffset)], // orb, scsw; irb and ret_code
        [.. Ones(RegionLayout.CmdSize)],
        [4, 2, 2, 1, 1, 1, 1, 2, 1, 1, .. Ones(8), 4, .. s_scsw, 4, 4, 4], // pmcw, scsw, model-dependent words
        [2, 2, .. Ones(4)], // crw, padding
    ];

    private static readonly byte[][] s_little = Array.ConvertAll(s_widths, Reverse);

    /// <summary>
    /// For each byte of the region as a client sees it, where it lies in the big-endian region: a permutation that is its own inverse. Empty on a
    /// big-endian host: every byte lies where the client sees it.
    /// </summary>
    public static ReadOnlySpan<byte> Of(RegionIndex region, bool littleEndian) => littleEndian ? s_little[(int)region] : default;

    private static byte[] Reverse(byte[] widths)
    {
        var order = new List<byte>();
        foreach (byte width in widths)
        {
            int start = order.Count;
            for (int i = 0; i < width; i++)
                order.Add((byte)(start + width - 1 - i));
        }
        return [.. order];
    }

    private static byte[] Ones(int count)
    {
        byte[] ones = new byte[count];
        Array.Fill(ones, (byte)1);
        return ones;
    }
}
