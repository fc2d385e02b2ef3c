using CcwFs.ChannelIo;
using CcwFs.Control;
using CcwFs.Host;

namespace CcwFs.Tests.Host;

/// <summary>What is read of a host's sysfs, from recorded trees.</summary>
public sealed class HostResolverTests : IDisposable
{
    private const string Uuid = "11111111-2222-4333-8444-555555555555";
    private readonly string _root = Directory.CreateTempSubdirectory("ccwfs-test-").FullName;

    private HostResolver Resolver => new(new HostRoots(_root, _root + "/proc", "/dev"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("0.0.0313", "0.0.2b09")]
    [InlineData("0.1.0313", "0.1.2b09")]
    [InlineData("3.2.0313", "3.2.2b09")]
    public void A_device_that_Linux_uses_is_found_by_either_bus_id(string subchannel, string device)
    {
        AddSubchannel(subchannel, device, HostDevice.IoDriver);
        foreach (string word in new[] { subchannel, device, "sch:" + subchannel, "dev:" + device })
        {
            HostDevice found = Resolver.Resolve(word);
            Assert.Equal((subchannel, device, "io_subchannel", "3390/0c", "3990/e9"),
                (found.Id.ToString(), found.Device.ToString(), found.Driver, found.DeviceType, found.ControlUnitType));
            Assert.Equal((true, true, null), (found.IsIo, found.IsOnline, found.Mdev));
            Assert.Equal(["80", "80", "ff"], found.Masks);
            Assert.Equal("4000000000000000", found.Chpids);
        }
    }

    [Fact]
    public void A_mediated_device_tells_its_group_and_its_character_device()
    {
        AddSubchannel("0.0.0313", "0.0.2b09", HostDevice.VfioDriver);
        AddMdev("0.0.0313");
        foreach (string word in new[] { "0.0.0313", "0.0.2b09", Uuid, Uuid.ToUpperInvariant() })
        {
            HostDevice found = Resolver.Resolve(word);
            Assert.Equal(new HostMdev(Uuid, 7, "vfio3"), found.Mdev);
            Assert.Equal(("0.0.0313", "0.0.2b09"), (found.Id.ToString(), found.Device.ToString()));
        }
        HostMdev mdev = Resolver.Resolve(Uuid).Mdev!;
        Assert.Equal(("/dev/vfio/devices/vfio3", "/dev/vfio/7"), (mdev.CdevPath(Resolver.Roots), mdev.GroupPath(Resolver.Roots)));
    }

    [Fact]
    public void An_older_kernel_has_no_character_device()
    {
        AddSubchannel("0.0.0313", "0.0.2b09", HostDevice.VfioDriver);
        AddMdev("0.0.0313");
        Directory.Delete($"{_root}/devices/css0/0.0.0313/{Uuid}/vfio-dev", recursive: true);
        HostMdev mdev = Resolver.Resolve(Uuid).Mdev!;
        Assert.Equal((null, "/dev/vfio/7"), (mdev.CdevPath(Resolver.Roots), mdev.GroupPath(Resolver.Roots)));
    }

    [Fact]
    public void A_bus_id_that_is_a_subchannel_and_another_device_has_to_be_told_apart()
    {
        AddSubchannel("0.0.0001", "0.0.0002", HostDevice.IoDriver);
        AddSubchannel("0.0.0002", "0.0.0150", HostDevice.VfioDriver);
        string message = Assert.Throws<CommandException>(() => Resolver.Resolve("0.0.0002")).Message;
        Assert.Contains("sch:0.0.0002 or dev:0.0.0002", message, StringComparison.Ordinal);
        Assert.Equal("0.0.0150", Resolver.Resolve("sch:0.0.0002").Device.ToString());
        Assert.Equal("0.0.0001", Resolver.Resolve("dev:0.0.0002").Id.ToString());
    }

    [Theory]
    [InlineData("0.0.9999")]
    [InlineData("99999999-2222-4333-8444-555555555555")]
    public void What_is_not_there_is_refused(string word)
    {
        AddSubchannel("0.0.0313", "0.0.2b09", HostDevice.IoDriver);
        Assert.Contains($"has no subchannel, device or mediated device {word};",
            Assert.Throws<CommandException>(() => Resolver.Resolve(word)).Message, StringComparison.Ordinal);
        Assert.Null(Resolver.Find(word));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2b09")]
    [InlineData("0.4.2b09")]
    [InlineData("0.0.2b09/../..")]
    [InlineData("{11111111-2222-4333-8444-555555555555}")]
    public void What_is_no_name_is_wrong_usage(string word)
    {
        Assert.False(HostResolver.IsName(word));
        Assert.Equal(CommandException.WrongUsage, Assert.Throws<CommandException>(() => Resolver.Find(word)).Status);
    }

    [Fact]
    public void A_machine_without_channel_subsystem_is_named()
    {
        Assert.Contains("this is no s390x Linux", Assert.Throws<CommandException>(() => Resolver.Resolve("0.0.0313")).Message,
            StringComparison.Ordinal);
        Assert.Empty(Resolver.All());
    }

    /// <summary>Attributes of any content: nothing is thrown, and nothing of it comes out.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("n/a")]
    [InlineData("none")]
    [InlineData("\u001b[31m\0\u00ff")]
    [InlineData("ffff/ff ffff/ff ffff/ff ffff/ff ffff/ff ffff/ff ffff/ff ffff/ff ffff/ff ffff/ff")]
    public void Attributes_of_an_unknown_shape_are_unknown(string text)
    {
        AddSubchannel("0.0.0313", "0.0.2b09", HostDevice.IoDriver);
        string directory = $"{_root}/devices/css0/0.0.0313";
        foreach (string file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Where(file => new FileInfo(file).LinkTarget is null))
            File.WriteAllText(file, text);
        HostDevice found = Resolver.Resolve("0.0.0313");
        Assert.Equal((false, null, "", ""), (found.IsIo, found.IsOnline, found.DeviceType, found.ControlUnitType));
        Assert.Empty(found.Masks);
        Assert.Empty(found.Chpids);
        Assert.DoesNotContain('\u001b', found.Override ?? "");
    }

    [Fact]
    public void A_mediated_device_of_another_bus_is_refused()
    {
        Directory.CreateDirectory($"{_root}/devices/vfio_ap/matrix/{Uuid}");
        Directory.CreateDirectory($"{_root}/bus/mdev/devices");
        File.CreateSymbolicLink($"{_root}/bus/mdev/devices/{Uuid}", $"../../../devices/vfio_ap/matrix/{Uuid}");
        Assert.Contains("not that of a subchannel", Assert.Throws<CommandException>(() => Resolver.Resolve(Uuid)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disconnected_device_is_refused()
    {
        Directory.CreateDirectory($"{_root}/devices/css0/defunct/0.0.2b09");
        Directory.CreateDirectory($"{_root}/bus/ccw/devices");
        File.CreateSymbolicLink($"{_root}/bus/ccw/devices/0.0.2b09", "../../../devices/css0/defunct/0.0.2b09");
        Assert.Contains("is on no subchannel", Assert.Throws<CommandException>(() => Resolver.Resolve("0.0.2b09")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_are_listed_in_the_order_of_their_ids()
    {
        AddSubchannel("0.1.0001", "0.1.0001", HostDevice.IoDriver);
        AddSubchannel("0.0.0313", "0.0.2b09", HostDevice.VfioDriver);
        AddSubchannel("0.0.0002", "0.0.0002", HostDevice.IoDriver);
        Directory.CreateDirectory($"{_root}/bus/css/devices/noise");
        Assert.Equal(["0.0.0002", "0.0.0313", "0.1.0001"], Resolver.All().Select(device => device.Id.ToString()));
    }

    private void AddSubchannel(string id, string device, string driver)
    {
        Assert.True(SubchannelId.TryParse(id, out SubchannelId parsed));
        string css = $"css{parsed.CssId:x}", directory = $"{_root}/devices/{css}/{id}";
        Directory.CreateDirectory(directory);
        Directory.CreateDirectory($"{_root}/bus/css/devices");
        File.CreateSymbolicLink($"{_root}/bus/css/devices/{id}", $"../../../devices/{css}/{id}");
        File.CreateSymbolicLink($"{directory}/driver", $"../../../bus/css/drivers/{driver}");
        Write($"{directory}/type", "0\n");
        Write($"{directory}/dev_busid", device + "\n");
        Write($"{directory}/driver_override", "(null)\n");
        Write($"{directory}/pimpampom", "80 80 ff\n");
        Write($"{directory}/chpids", "40 00 00 00 00 00 00 00 \n");
        if (driver != HostDevice.IoDriver)
            return;
        Directory.CreateDirectory($"{directory}/{device}");
        Directory.CreateDirectory($"{_root}/bus/ccw/devices");
        File.CreateSymbolicLink($"{_root}/bus/ccw/devices/{device}", $"../../../devices/{css}/{id}/{device}");
        Write($"{directory}/{device}/devtype", "3390/0c\n");
        Write($"{directory}/{device}/cutype", "3990/e9\n");
        Write($"{directory}/{device}/online", "1\n");
    }

    private void AddMdev(string id)
    {
        string mdev = $"{_root}/devices/css0/{id}/{Uuid}";
        Directory.CreateDirectory($"{mdev}/vfio-dev/vfio3");
        Directory.CreateDirectory($"{_root}/bus/mdev/devices");
        File.CreateSymbolicLink($"{mdev}/iommu_group", "../../../../kernel/iommu_groups/7");
        File.CreateSymbolicLink($"{_root}/bus/mdev/devices/{Uuid}", $"../../../devices/css0/{id}/{Uuid}");
    }

    private static void Write(string path, string text) => File.WriteAllText(path, text);
}
