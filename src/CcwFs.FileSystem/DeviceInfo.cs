using System.Globalization;
using System.Text;
using CcwFs.ChannelIo;
using CcwFs.ChannelIo.Text;
using CcwFs.Subchannel;

namespace CcwFs.FileSystem;

/// <summary>What a person wants to know about a device: key and value, for the info file and for tables.</summary>
public static class DeviceInfo
{
    /// <summary>The fact that names the device's command set.</summary>
    public const string CommandsKey = "commands";

    /// <summary>The facts, in the order to show them.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Facts(VfioCcwDevice device)
    {
        ISubchannel subchannel = device.Subchannel;
        bool there = subchannel.Store(out Schib schib);
        SubchannelIdentity identity = subchannel.Identity;
        return
        [
            new("subchannel", device.Id.ToString()),
            new("device", device.Device.ToString()),
            .. HostIds(device),
            new("devtype", identity.DeviceType),
            new("cutype", identity.ControlUnitType),
            new(CommandsKey, identity.Commands.Name),
            new("pim", Hex(schib.Pmcw.Pim)),
            new("pam", Hex(schib.Pmcw.Pam)),
            new("pom", Hex(schib.Pmcw.Pom)),
            new("chpids", Chpids(schib.Pmcw)),
            new("backend", identity.Backend),
            new("state", StateName(there ? device.State : DeviceState.NotOperational)),
            new("client", device.IsTaken ? "a VFIO client (QEMU)" : "none"),
            .. device.GuestCode is { } code ? [KeyValuePair.Create("guest code", code)] : Array.Empty<KeyValuePair<string, string>>(),
            new("uuid", SubchannelUuid.Of(device.Id)),
            .. subchannel.Describe().Select(static fact => KeyValuePair.Create(fact.Key, VisibleText.Of(fact.Value))), // names of files too
        ];
    }

    /// <summary>A state as tables name it.</summary>
    public static string StateName(DeviceState state) => state switch
    {
        DeviceState.NotOperational => "not-operational",
        DeviceState.Idle => "idle",
        DeviceState.Processing => "processing",
        DeviceState.Pending => "pending",
        _ => throw new ArgumentOutOfRangeException(nameof(state)),
    };

    internal static byte[] Render(VfioCcwDevice device)
    {
        IReadOnlyList<KeyValuePair<string, string>> facts = Facts(device);
        int width = facts.Max(f => f.Key.Length) + 2;
        var text = new StringBuilder();
        foreach ((string key, string value) in facts)
            text.Append(key.PadRight(width)).Append(value).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>The ids on the host, where they are not those above.</summary>
    private static IEnumerable<KeyValuePair<string, string>> HostIds(VfioCcwDevice device) => !device.MapsCss ? [] :
    [
        new("host id", device.HostId.ToString()),
        new("host device", device.HostDevice.ToString()),
    ];

    /// <summary>A path mask as tables show it, two hex digits.</summary>
    public static string Hex(byte mask) => mask.ToString("x2", CultureInfo.InvariantCulture);

    /// <summary>The ids of the eight channel paths as tables show them, 16 hex digits.</summary>
    public static string Chpids(Pmcw pmcw) => pmcw.ChannelPaths.ToString("x16", CultureInfo.InvariantCulture);
}
