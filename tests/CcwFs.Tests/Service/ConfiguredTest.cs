using CcwFs.Emulation.Channel;
using CcwFs.FileSystem;
using CcwFs.Memory;
using CcwFs.Service.Devices;
using CcwFs.Service.Devices.Kinds;
using CcwFs.Service.Reload;
using CcwFs.Subchannel;
using CcwFs.Tests.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace CcwFs.Tests.Service;

/// <summary>A test with the devices of a configuration, in the table of a mount and without the mount.</summary>
public abstract class ConfiguredTest : IDisposable
{
    private readonly ChannelExecutor _executor = new();

    private protected ConfiguredTest()
    {
        var space = new AddressSpace(IovaMap.Identity(new ArrayStore(new byte[4096])));
        Factory = new DeviceFactory(Table, space, _executor, NullLoggerFactory.Instance, owner: null);
        Configured = new ConfiguredDevices(Factory, Table, Files.Path);
    }

    /// <summary>Where relative paths of images start.</summary>
    private protected ImageDirectory Files { get; } = new();

    private protected SubchannelTable Table { get; } = new();

    private protected DeviceFactory Factory { get; }

    private protected ConfiguredDevices Configured { get; }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Factory.RemoveAll();
        Factory.Dispose();
        _executor.Dispose();
        Files.Dispose();
    }

    private protected void Add(params string[] specs)
    {
        foreach (string spec in specs)
            Configured.Add(DeviceKinds.Parse(spec));
    }

    private protected ReloadPlan Plan(params string[] wanted) => Configured.Plan([.. wanted.Select(DeviceKinds.Parse)]);
}
