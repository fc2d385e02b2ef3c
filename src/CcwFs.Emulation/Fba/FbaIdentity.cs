using System.Buffers.Binary;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.Fba;

/// <summary>What a 9336 model 10 says it is.</summary>
internal static class FbaIdentity
{
    /// <summary>Bytes that READ DEVICE CHARACTERISTICS gives: as many as drivers ask for, of the 64 that there may be.</summary>
    public const int CharacteristicsSize = 32;

    private const byte Modes = 0x30;          // 20 burst mode, 10 data chaining: without it Linux sends one LOCATE a block
    private const byte Features = 0x08;
    private const byte DirectAccess = 0x21;   // device class
    private const byte UnitType = 0x11;       // 9336
    private const int CyclicalGroup = 111, AccessPosition = 777; // blocks; of a 9336-20, whose number of blocks may be any

    /// <summary>A 6310 with a 9336 model 10.</summary>
    public static DeviceIdentity Identity => new(0x6310, 0x01, 0x9336, 0x10);

    /// <summary>
    /// The characteristics (struct dasd_fba_characteristics of Linux, big-endian): 0 modes, 1 features, 2 class, 3 unit type, 4-5 bytes of a block,
    /// 6-9 blocks of a cyclical group, 10-13 of an access position, 14-17 of the disk, then 18-25 blocks under fixed heads, of the alternate and the
    /// CE area, and 26-31 times: zero.
    /// </summary>
    public static void WriteCharacteristics(Span<byte> destination, BlockGeometry geometry)
    {
        destination[..CharacteristicsSize].Clear();
        (destination[0], destination[1], destination[2], destination[3]) = (Modes, Features, DirectAccess, UnitType);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], (ushort)geometry.BlockSize);
        BinaryPrimitives.WriteInt32BigEndian(destination[6..], CyclicalGroup);
        BinaryPrimitives.WriteInt32BigEndian(destination[10..], AccessPosition);
        BinaryPrimitives.WriteUInt32BigEndian(destination[14..], geometry.Blocks);
    }
}
