using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace CcwFs.ChannelIo;

/// <summary>
/// A subchannel's bus id, cssid.ssid.number, as in /sys/bus/css/devices: <c>0.0.0313</c> (hexadecimal, number in four digits).
/// </summary>
/// <param name="CssId">Channel-subsystem image id, 0 to FF.</param>
/// <param name="SetId">Subchannel-set id, 0 to 3.</param>
/// <param name="Number">Subchannel number.</param>
public readonly record struct SubchannelId(byte CssId, byte SetId, ushort Number) : IComparable<SubchannelId>
{
    /// <summary>The largest subchannel-set id (SSID is two bits of the subsystem-identification word; SA22-7832, chapter 14).</summary>
    public const byte MaxSetId = 3;

    /// <summary>Parses <c>c.s.dddd</c>; anything else is refused, also a short number.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out SubchannelId id)
    {
        bool ok = BusId.TryParse(text, out byte css, out byte set, out ushort number);
        id = new SubchannelId(css, set, number);
        return ok;
    }

    /// <inheritdoc/>
    public int CompareTo(SubchannelId other) =>
        (CssId, SetId, Number).CompareTo((other.CssId, other.SetId, other.Number));

    /// <summary>The bus id as the kernel prints it.</summary>
    public override string ToString() => BusId.Format(CssId, SetId, Number);

    /// <summary>Orders by css, set and number.</summary>
    public static bool operator <(SubchannelId left, SubchannelId right) => left.CompareTo(right) < 0;

    /// <summary>Orders by css, set and number.</summary>
    public static bool operator >(SubchannelId left, SubchannelId right) => left.CompareTo(right) > 0;

    /// <summary>Orders by css, set and number.</summary>
    public static bool operator <=(SubchannelId left, SubchannelId right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by css, set and number.</summary>
    public static bool operator >=(SubchannelId left, SubchannelId right) => left.CompareTo(right) >= 0;
}

/// <summary>A device's bus id, cssid.ssid.device number, as in /sys/bus/ccw/devices: <c>0.0.0150</c>.</summary>
/// <param name="CssId">Channel-subsystem image id, 0 to FF.</param>
/// <param name="SetId">Subchannel-set id, 0 to 3.</param>
/// <param name="Number">Device number.</param>
public readonly record struct DeviceId(byte CssId, byte SetId, ushort Number)
{
    /// <summary>Parses <c>c.s.dddd</c>; anything else is refused.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out DeviceId id)
    {
        bool ok = BusId.TryParse(text, out byte css, out byte set, out ushort number);
        id = new DeviceId(css, set, number);
        return ok;
    }

    /// <summary>The bus id as the kernel prints it.</summary>
    public override string ToString() => BusId.Format(CssId, SetId, Number);
}

internal static class BusId
{
    internal static string Format(byte css, byte set, ushort number) =>
        string.Create(CultureInfo.InvariantCulture, $"{css:x}.{set:x}.{number:x4}");

    internal static bool TryParse(string? text, out byte css, out byte set, out ushort number)
    {
        (css, set, number) = (0, 0, 0);
        string[] parts = (text ?? "").Split('.');
        return parts.Length == 3
            && parts[0].Length is (1 or 2) && byte.TryParse(parts[0], NumberStyles.AllowHexSpecifier, null, out css)
            && parts[1].Length == 1 && byte.TryParse(parts[1], NumberStyles.AllowHexSpecifier, null, out set) && set <= SubchannelId.MaxSetId
            && parts[2].Length == 4 && ushort.TryParse(parts[2], NumberStyles.AllowHexSpecifier, null, out number);
    }
}
