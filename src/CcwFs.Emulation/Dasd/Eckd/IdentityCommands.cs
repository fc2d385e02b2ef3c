using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.ControlUnit;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Who the device is, in the words of a DASD; SENSE ID is common to all control units.</summary>
internal static class IdentityCommands
{
    /// <summary>256 bytes.</summary>
    public static DeviceStatus ReadConfigurationData(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[IdentityData.ConfigurationSize];
        IdentityData.Configuration(bytes, program.Options, program.Volume.Geometry);
        data.Send(bytes);
        return UnitStatus.Ended;
    }

    /// <summary>64 bytes.</summary>
    public static DeviceStatus ReadDeviceCharacteristics(EckdProgram program, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[IdentityData.CharacteristicsSize];
        IdentityData.Characteristics(bytes, program.Volume.Geometry, program.Announced);
        data.Send(bytes);
        return UnitStatus.Ended;
    }
}
