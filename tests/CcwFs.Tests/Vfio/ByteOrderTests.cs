using CcwFs.Subchannel;

namespace CcwFs.Tests.Vfio;

/// <summary>What a client of `device` sees of the big-endian regions, on both kinds of hosts.</summary>
public sealed class ByteOrderTests
{
    private const string OrbBytes = "11223344 00c2 80 01 00001000", ScswBytes = "aabb 4000 00002008 0c 40 0123";
    private const string OrbLittle = "44332211 c200 80 01 00100000", ScswLittle = "bbaa 0040 08200000 0c 40 2301";
    private const string PmcwBytes = "01020304 0506 0708 09 0a 0b 0c 0d0e 0f 10 1112131415161718 191a1b1c";
    private const string PmcwLittle = "04030201 0605 0807 09 0a 0b 0c 0e0d 0f 10 1112131415161718 1c1b1a19";

    [Theory]
    [InlineData(RegionIndex.Io, 0, OrbBytes, OrbBytes, OrbLittle)]
    [InlineData(RegionIndex.Io, 12, ScswBytes, ScswBytes, ScswLittle)]
    [InlineData(RegionIndex.Io, 24, ScswBytes, ScswBytes, ScswBytes)] // the irb's own scsw stays as it is
    [InlineData(RegionIndex.Io, 116, "01020304 05060708", "01020304 05060708", "01020304 05060708")] // irb, ret_code
    [InlineData(RegionIndex.Cmd, 0, "01020304 05060708", "01020304 05060708", "01020304 05060708")]
    [InlineData(RegionIndex.Schib, 0, PmcwBytes, PmcwBytes, PmcwLittle)]
    [InlineData(RegionIndex.Schib, 28, ScswBytes, ScswBytes, ScswLittle)]
    [InlineData(RegionIndex.Schib, 40, "01020304 05060708 090a0b0c", "01020304 05060708 090a0b0c", "04030201 08070605 0c0b0a09")]
    [InlineData(RegionIndex.Crw, 0, "0406 0040 00000000", "0406 0040 00000000", "0604 4000 00000000")]
    public void A_structure_is_seen_in_the_order_of_the_host(RegionIndex region, int at, string value, string big, string little)
    {
        byte[] bytes = Hex(value);
        Assert.Equal(Hex(big), Seen(region, at, bytes, littleEndian: false));
        Assert.Equal(Hex(little), Seen(region, at, bytes, littleEndian: true));
    }

    [Theory]
    [InlineData(RegionIndex.Io)]
    [InlineData(RegionIndex.Cmd)]
    [InlineData(RegionIndex.Schib)]
    [InlineData(RegionIndex.Crw)]
    public void The_order_is_a_permutation_of_the_region_and_its_own_inverse(RegionIndex region)
    {
        byte[] order = RegionByteOrder.Of(region, littleEndian: true).ToArray();
        Assert.Equal(RegionLayout.Size(region), order.Length);
        for (int i = 0; i < order.Length; i++)
            Assert.Equal(i, order[order[i]]);
        Assert.True(RegionByteOrder.Of(region, littleEndian: false).IsEmpty);
    }

    private static byte[] Seen(RegionIndex region, int at, byte[] bytes, bool littleEndian)
    {
        ReadOnlySpan<byte> order = RegionByteOrder.Of(region, littleEndian);
        byte[] seen = new byte[bytes.Length];
        for (int i = 0; i < seen.Length; i++)
            seen[i] = bytes[(order.IsEmpty ? at + i : order[at + i]) - at];
        return seen;
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
