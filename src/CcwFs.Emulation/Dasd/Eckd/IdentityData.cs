using System.Buffers.Binary;
using CcwFs.Emulation.Channel;
using CcwFs.Emulation.Dasd.Images;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// What the device says of itself, byte for byte: the layouts that drivers parse (READ DEVICE CHARACTERISTICS, READ CONFIGURATION
/// DATA, unit-address configuration). Big-endian throughout.
/// </summary>
internal static class IdentityData
{
    public const int CharacteristicsSize = 64;
    public const int ConfigurationSize = 256;
    public const int UnitAddressConfigurationSize = 512;
    public const int FeatureCodesSize = 256;

    private const ushort ControlUnitType = 0x3990;
    private const byte ControlUnitModel = 0xE9;

    /// <summary>Cylinders of a 3390-3; larger volumes are model 0C.</summary>
    private const int LargestModel0A = 3339;

    /// <summary>For SENSE ID. The one of READ CONFIGURATION DATA: type 0, command FA, 256 bytes. Without it Linux makes no block device.</summary>
    public static ReadOnlySpan<uint> CommandInformation => [0x40FA_0100];

    private const int DescriptorSize = 32;
    private const int GeneralQualifierOffset = 224;

    public static DeviceIdentity Identity(CkdGeometry geometry) => new(
        ControlUnitType, ControlUnitModel, geometry.DeviceType, geometry.Cylinders <= LargestModel0A ? (byte)0x0A : (byte)0x0C);

    /// <summary>64 bytes.</summary>
    public static void Characteristics(Span<byte> destination, CkdGeometry geometry, Announcement announced)
    {
        Span<byte> data = destination[..CharacteristicsSize];
        announced.Characteristics.Span.CopyTo(data);
        DeviceIdentity identity = Identity(geometry);
        byte unitType = geometry.Cylinders switch { <= 1113 => 0x26, <= 2226 => 0x27, <= LargestModel0A => 0x24, _ => 0x32 };
        BinaryPrimitives.WriteUInt16BigEndian(data, identity.ControlUnitType);
        data[2] = identity.ControlUnitModel;
        BinaryPrimitives.WriteUInt16BigEndian(data[3..], identity.DeviceType);
        data[5] = identity.DeviceModel;
        data[10] = 0x20; // device class: DASD
        data[11] = unitType;
        BinaryPrimitives.WriteUInt16BigEndian(data[12..], geometry.ShortCylinders);
        BinaryPrimitives.WriteUInt16BigEndian(data[14..], (ushort)geometry.Heads);
        data[16] = SeekCommands.Sectors;
        BinaryPrimitives.WriteUInt16BigEndian(data[18..], 58_786); // track length
        BinaryPrimitives.WriteUInt16BigEndian(data[20..], 1_428); // home address and record 0
        data[22] = 2; // capacity formula and its factors: see TrackCapacity
        ReadOnlySpan<byte> factors = [0x22, 0x13, 0x09, 0x06, 0x74];
        factors.CopyTo(data[23..]);
        data[40] = data[41] = unitType; // MDR and OBR record ids
        data[42] = 0x15; // 3990 model 6
        BinaryPrimitives.WriteUInt16BigEndian(data[44..], TrackCapacity.LongestRecordZero);
        data[48] = 6;
        BinaryPrimitives.WriteInt32BigEndian(data[60..], geometry.Cylinders);
    }

    /// <summary>
    /// 256 bytes: node-element descriptors of device, string, storage director and subsystem, and at 224 the general qualifier. No specific
    /// qualifier: with one, Linux would take the device for an alias unless more is told. Equal on all paths.
    /// </summary>
    public static void Configuration(Span<byte> destination, EckdOptions options, CkdGeometry geometry)
    {
        Span<byte> data = destination[..ConfigurationSize];
        data.Clear();
        DeviceIdentity identity = Identity(geometry);
        string deviceType = $"{identity.DeviceType:X4}", controlUnit = $"{identity.ControlUnitType:X4}";
        string deviceModel = $"0{identity.DeviceModel:X2}", controlModel = $"0{identity.ControlUnitModel:X2}";
        Descriptor(data, 0xDC01_0100, deviceType, deviceModel, options, options.UnitAddress);
        Descriptor(data[DescriptorSize..], 0xD402_0000, deviceType, deviceModel, options, 0);
        Descriptor(data[(2 * DescriptorSize)..], 0xD000_0000, controlUnit, controlModel, options, 0);
        Descriptor(data[(3 * DescriptorSize)..], 0xF000_0001, controlUnit, "000", options, 0);
        Span<byte> qualifier = data[GeneralQualifierOffset..];
        qualifier[0] = 0x80;
        qualifier[6] = 0x1E; // missing-interrupt time: 30 seconds
        BinaryPrimitives.WriteUInt16BigEndian(qualifier[8..], options.SubsystemId);
        qualifier[11] = options.UnitAddress;
    }

    /// <summary>
    /// 256 entries of type and base: this unit address is a base device, the others are not there. The base is an alias's and stays 0 here: Linux
    /// compares it with the one of the configuration data at every path event, and takes a difference for a reassignment (dasd_eckd.c,
    /// dasd_eckd_reload_device).
    /// </summary>
    public static void UnitAddressConfiguration(Span<byte> destination, EckdOptions options)
    {
        destination[..UnitAddressConfigurationSize].Clear();
        destination[2 * options.UnitAddress] = 1;
    }

    private static void Descriptor(Span<byte> block, uint flags, string type, string model, EckdOptions options, byte unitAddress)
    {
        BinaryPrimitives.WriteUInt32BigEndian(block, flags);
        Ebcdic(block[4..], "00" + type);
        Ebcdic(block[10..], model);
        Ebcdic(block[13..], "CFS"); // manufacturer
        Ebcdic(block[16..], "01"); // plant
        Ebcdic(block[18..], options.ShownSerial);
        block[30] = options.LogicalSubsystem;
        block[31] = unitAddress;
    }

    /// <summary>Capital letters and digits in EBCDIC (code page 037 and its kin agree on these).</summary>
    internal static void Ebcdic(Span<byte> destination, string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            destination[i] = (byte)(c switch
            {
                >= '0' and <= '9' => 0xF0 + c - '0',
                >= 'A' and <= 'I' => 0xC1 + c - 'A',
                >= 'J' and <= 'R' => 0xD1 + c - 'J',
                _ => 0xE2 + c - 'S',
            });
        }
    }
}
