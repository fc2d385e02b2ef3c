using System.Security.Cryptography;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.Subchannel;

namespace CcwFs.Tests.Subchannel;

public sealed class UuidTests
{
    /// <summary>Names of machines so long that the hash is of one block, of two, of three, and on the borders between them.</summary>
    [Fact]
    public void A_uuid_is_half_of_a_sha_256_with_version_8_and_variant_10()
    {
        var id = new SubchannelId(0, 0, 0x1234);
        for (int length = 0; length < 160; length++)
        {
            string machine = new('m', length);
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"ccwfs {machine} 0.0.1234"));
            (hash[6], hash[8]) = ((byte)((hash[6] & 0x0F) | 0x80), (byte)((hash[8] & 0x3F) | 0x80));
            string hex = Convert.ToHexStringLower(hash);
            Assert.Equal($"{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..32]}", SubchannelUuid.Of(id, machine));
        }
    }
}
