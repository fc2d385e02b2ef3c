using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>Who the device is, and what was wrong.</summary>
internal static class IdentityCommands
{
    public static DeviceStatus SenseId(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[IdentityData.SenseIdSize];
        IdentityData.SenseId(bytes, device.Identity);
        data.Send(bytes);
        return EckdDevice.Ended;
    }

    public static DeviceStatus NoOperation(EckdDevice device, CommandRow row, IDataTransfer data) => EckdDevice.Ended;

    public static DeviceStatus Sense(EckdDevice device, CommandRow row, IDataTransfer data) => SendSense(device, data);

    /// <summary>256 bytes.</summary>
    public static DeviceStatus ReadConfigurationData(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[IdentityData.ConfigurationSize];
        IdentityData.Configuration(bytes, device.Options, device.Volume.Geometry);
        data.Send(bytes);
        return EckdDevice.Ended;
    }

    /// <summary>64 bytes.</summary>
    public static DeviceStatus ReadDeviceCharacteristics(EckdDevice device, CommandRow row, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[IdentityData.CharacteristicsSize];
        IdentityData.Characteristics(bytes, device.Volume.Geometry, device.Options.Profile);
        data.Send(bytes);
        return EckdDevice.Ended;
    }

    /// <summary>32 sense bytes, which are then forgotten; also what reserve and release give.</summary>
    internal static DeviceStatus SendSense(EckdDevice device, IDataTransfer data)
    {
        Span<byte> bytes = stackalloc byte[EckdSense.Size];
        device.WriteSense(bytes);
        data.Send(bytes);
        return EckdDevice.Ended;
    }
}
