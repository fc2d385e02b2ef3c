using CcwFs.ChannelIo;

namespace CcwFs.Emulation.Dasd.Eckd;

/// <summary>
/// Which optional facilities the control unit has: each profile holds those before it. Command rows, orders and feature bits name the least one.
/// </summary>
public enum EckdProfile
{
    /// <summary>No optional feature: every feature code is zero, so drivers keep to the basic ECKD command set.</summary>
    Minimal,

    /// <summary>What Linux' driver uses.</summary>
    Linux,

    /// <summary>All there is, also what only other systems ask for.</summary>
    Full,
}

/// <summary>What distinguishes one emulated device from the others.</summary>
/// <param name="Device">Device number with its css and subchannel set; logical subsystem and unit address are its two bytes.</param>
/// <param name="Serial">Serial of the storage facility, up to 12 letters and digits; null: one made from css and subchannel set.</param>
/// <param name="ReadOnly">Writes are inhibited, whatever the store allows.</param>
/// <param name="Profile">Optional facilities.</param>
/// <param name="SpaceEfficient">An ESE volume: empty tracks are reported as such, space can be given back (not with the minimal profile).</param>
public sealed record EckdOptions(
    DeviceId Device, string? Serial = null, bool ReadOnly = false, EckdProfile Profile = EckdProfile.Linux, bool SpaceEfficient = false)
{
    /// <summary>Bytes of a serial in a node-element descriptor.</summary>
    public const int SerialLength = 12;

    /// <summary>Logical subsystem: high byte of the device number.</summary>
    public byte LogicalSubsystem => (byte)(Device.Number >> 8);

    /// <summary>Unit address: low byte of the device number.</summary>
    public byte UnitAddress => (byte)Device.Number;

    /// <summary>Subsystem id (SSID) of the logical subsystem; 1000 plus its number (arbitrary, must not be 0).</summary>
    public ushort SubsystemId => (ushort)(0x1000 | LogicalSubsystem);

    /// <summary>The serial as shown, 12 characters: padded on the left with zeros, anything but letters and digits as zero.</summary>
    public string ShownSerial
    {
        get
        {
            string text = (Serial ?? $"CCWFS{Device.CssId:X2}{Device.SetId:X1}").ToUpperInvariant();
            text = text.Length > SerialLength ? text[^SerialLength..] : text.PadLeft(SerialLength, '0');
            return string.Create(SerialLength, text, static (span, source) =>
            {
                for (int i = 0; i < span.Length; i++)
                    span[i] = char.IsAsciiLetterOrDigit(source[i]) ? source[i] : '0';
            });
        }
    }
}
