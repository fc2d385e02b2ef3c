using System.Buffers.Binary;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.ControlUnit;

/// <summary>
/// What SENSE ID gives (SA22-7204, "Sense ID"): 0 FF, 1-2 control-unit type, 3 its model, 4-5 device type, 6 its model; where there are
/// command-information words, 7 zero and from 8 on these, four bytes each. Big-endian.
/// </summary>
internal static class SenseIdData
{
    /// <summary>Most command-information words (arbitrary: drivers look at the first eight).</summary>
    public const int MostInformation = 8;

    /// <summary>Most bytes.</summary>
    public const int LongestSize = InformationOffset + MostInformation * WordSize;

    private const int ShortSize = 7;
    private const int InformationOffset = 8;
    private const int WordSize = 4;

    /// <summary>Gives the bytes written.</summary>
    public static int Write(Span<byte> destination, DeviceIdentity identity, ReadOnlySpan<uint> information)
    {
        destination[0] = 0xFF;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], identity.ControlUnitType);
        destination[3] = identity.ControlUnitModel;
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], identity.DeviceType);
        destination[6] = identity.DeviceModel;
        if (information.IsEmpty)
            return ShortSize;
        destination[7] = 0;
        for (int i = 0; i < information.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(destination[(InformationOffset + (i * WordSize))..], information[i]);
        return InformationOffset + (information.Length * WordSize);
    }
}
