using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Orders to the control unit and the data they prepare.</summary>
internal static class SubsystemCommands
{
    public const byte ReadSubsystemDataCode = 0x3E;

    private const byte PrepareForRead = 0x18;
    private const byte SetCharacteristics = 0x1D;

    /// <summary>Bytes of PREPARE FOR READ SUBSYSTEM DATA; the suborder is byte 6.</summary>
    private const int PrepareSize = 12;

    /// <summary>Bytes of SET SUBSYSTEM CHARACTERISTICS.</summary>
    private const int SetCharacteristicsSize = 66;

    /// <summary>
    /// Order 1D is accepted and changes nothing; order 18 with suborder 0E or 41 prepares data. Others are an invalid parameter
    /// (sense 80, byte 7 = 04), which drivers take as "not supported" and do not repeat.
    /// </summary>
    public static DeviceStatus PerformSubsystemFunction(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> order = stackalloc byte[SetCharacteristicsSize];
        if (!device.ReceiveAll(data, order[..1]))
            return EckdDevice.Failed;
        int size = order[0] switch { PrepareForRead => PrepareSize, SetCharacteristics => SetCharacteristicsSize, _ => 0 };
        if (size == 0)
            return device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter));
        if (!device.ReceiveAll(data, order[1..size]))
            return EckdDevice.Failed;
        if (order[0] == SetCharacteristics)
            return EckdDevice.Ended;
        device.Chain.Prepared = order[6] switch
        {
            0x41 => PreparedData.FeatureCodes,
            0x0E => PreparedData.UnitAddressConfiguration,
            _ => PreparedData.None,
        };
        return device.Chain.Prepared == PreparedData.None ? device.Check(EckdSense.CommandReject(SenseMessage.InvalidParameter)) : EckdDevice.Ended;
    }

    /// <summary>256 bytes of feature codes or 512 of unit-address configuration; only right after the order that prepares them.</summary>
    public static DeviceStatus ReadSubsystemData(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[IdentityData.UnitAddressConfigurationSize];
        switch (device.Chain.Prepared)
        {
            case PreparedData.FeatureCodes:
                IdentityData.FeatureCodes(bytes, device.Options.Profile);
                bytes = bytes[..IdentityData.FeatureCodesSize];
                break;
            case PreparedData.UnitAddressConfiguration:
                IdentityData.UnitAddressConfiguration(bytes, device.Options);
                break;
            default:
                return device.Check(EckdSense.CommandReject(SenseMessage.InvalidSequence));
        }
        device.Chain.Prepared = PreparedData.None;
        device.Send(data, bytes);
        return EckdDevice.Ended;
    }
}
