using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using CcwFs.ChannelIo;

namespace CcwFs.Trace.Views;

/// <summary>The payload of <see cref="TraceEvent.Device"/>, with its length checked.</summary>
/// <param name="ControlUnitType">Type of the control unit, e.g. 3990; 0: not known.</param>
/// <param name="ControlUnitModel">Its model.</param>
/// <param name="DeviceType">Type of the device, e.g. 3390; 0: not known.</param>
/// <param name="DeviceModel">Its model.</param>
/// <param name="Schib">The SCHIB when the recording began.</param>
/// <param name="Facts">What else is known, key and value.</param>
public sealed record DevicePayload(
    ushort ControlUnitType, byte ControlUnitModel, ushort DeviceType, byte DeviceModel, Schib Schib,
    IReadOnlyList<KeyValuePair<string, string>> Facts)
{
    private const int IdentitySize = 8, HeadSize = IdentitySize + Schib.Size;
    private const int MaxFacts = 64; // arbitrary

    /// <summary>Type and model of both, as <c>3390/0c</c> and <c>3990/e9</c>; empty where not known.</summary>
    public (string Device, string ControlUnit) Names => (Name(DeviceType, DeviceModel), Name(ControlUnitType, ControlUnitModel));

    /// <summary>The payload.</summary>
    public byte[] ToBytes()
    {
        byte[] facts = Encoding.UTF8.GetBytes(string.Concat(Facts.Select(fact => $"{fact.Key}={fact.Value}\n")));
        byte[] bytes = new byte[HeadSize + facts.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, ControlUnitType);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(3), DeviceType);
        (bytes[2], bytes[5]) = (ControlUnitModel, DeviceModel);
        Schib.Write(bytes.AsSpan(IdentitySize));
        facts.CopyTo(bytes, HeadSize);
        return bytes;
    }

    /// <summary>False: the payload is too short.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out DevicePayload? device)
    {
        device = null;
        if (payload.Length < HeadSize)
            return false;
        string[] lines = Encoding.UTF8.GetString(payload[HeadSize..]).Split('\n', MaxFacts + 1, StringSplitOptions.RemoveEmptyEntries);
        device = new DevicePayload(
            BinaryPrimitives.ReadUInt16BigEndian(payload), payload[2], BinaryPrimitives.ReadUInt16BigEndian(payload[3..]), payload[5],
            Schib.Read(payload[IdentitySize..]),
            [.. lines.Take(MaxFacts).Select(line => line.Split('=', 2)).Select(part => KeyValuePair.Create(part[0], part.ElementAtOrDefault(1) ?? ""))]);
        return true;
    }

    private static string Name(ushort type, byte model) => type == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{type:x4}/{model:x2}");
}
