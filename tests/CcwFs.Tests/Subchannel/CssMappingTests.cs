using CcwFs.ChannelIo;
using CcwFs.Emulation.Channel;
using CcwFs.FileSystem;
using CcwFs.Memory;
using CcwFs.Subchannel;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Subchannel;

/// <summary>The channel subsystem that a device is shown in is the device's own affair: whatever runs its programs keeps its ids.</summary>
public sealed class CssMappingTests : IDisposable
{
    private readonly ChannelExecutor _executor = new();
    private readonly AddressSpace _space = new(IovaMap.Identity(new ArrayStore(new byte[4096])));
    private readonly List<VfioCcwDevice> _devices = [];

    public void Dispose()
    {
        foreach (VfioCcwDevice device in _devices)
            device.Dispose();
        _executor.Dispose();
    }

    private VfioCcwDevice Device(string id, string number, byte? css)
    {
        Assert.True(SubchannelId.TryParse(id, out SubchannelId subchannel) & DeviceId.TryParse(number, out DeviceId device));
        var backend = new TestSubchannel(new EmulatedSubchannel(subchannel, device, [0x40], new TestDevice(), _executor));
        _devices.Add(new VfioCcwDevice(backend, _space, NullLogger.Instance, css));
        return _devices[^1];
    }

    private ReadyDevice Mounted(string id, string number, byte? css) => new(Device(id, number, css));

    [Theory]
    [InlineData(null, "1.2.0003", "1.2.1234", false)]
    [InlineData(0, "0.2.0003", "0.2.1234", true)]
    [InlineData(0xFE, "fe.2.0003", "fe.2.1234", true)]
    [InlineData(1, "1.2.0003", "1.2.1234", false)]
    public void A_device_has_the_id_that_is_shown_and_that_of_the_host(int? css, string id, string number, bool maps)
    {
        VfioCcwDevice device = Device("1.2.0003", "1.2.1234", (byte?)css);
        Assert.Equal((id, number, maps), (device.Id.ToString(), device.Device.ToString(), device.MapsCss));
        Assert.Equal(("1.2.0003", "1.2.1234"), (device.HostId.ToString(), device.HostDevice.ToString()));
    }

    [Fact]
    public void A_table_takes_each_shown_id_each_id_of_the_host_and_each_device_number_once()
    {
        var table = new SubchannelTable();
        MountedSubchannel mapped = Mounted("1.0.0000", "1.0.1234", 0xFE);
        Assert.True(table.TryAdd(mapped));
        Assert.False(table.TryAdd(Mounted("2.0.0000", "2.0.0001", 0xFE)));
        Assert.False(table.TryAdd(Mounted("1.0.0000", "1.0.0001", null)));
        Assert.True(table.TryAdd(Mounted("0.0.0000", "0.0.1234", null)));
        Assert.Same(mapped, table.Find(mapped.Id));
        Assert.Same(mapped, table.FindHost(mapped.HostId));
        Assert.Null(table.Find(mapped.HostId));
        Assert.Same(mapped, table.FindDevice(mapped.Number));
        Assert.False(table.TryAdd(Mounted("0.0.0001", "0.0.1234", null)));
        Assert.False(table.TryAdd(Mounted("3.0.0001", "3.0.1234", 0xFE)));

        Assert.Same(mapped, table.Remove(mapped.Id));
        Assert.Null(table.FindHost(mapped.HostId));
        Assert.Null(table.FindDevice(mapped.Number));
        Assert.True(table.TryAdd(Mounted("1.0.0000", "1.0.1234", null)));
    }

    private sealed class ReadyDevice(VfioCcwDevice device) : MountedSubchannel(device)
    {
        protected override RestingDevice AtRest => throw new InvalidOperationException();

        protected override VfioCcwDevice Make() => throw new InvalidOperationException();
    }
}
