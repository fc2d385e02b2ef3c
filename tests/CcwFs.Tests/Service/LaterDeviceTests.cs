using System.Text;
using CcwFs.ChannelIo;
using CcwFs.FileSystem;
using CcwFs.Metrics;
using CcwFs.Service.Devices;
using CcwFs.Service.Reload;
using CcwFs.Subchannel;
using Mono.Unix.Native;

namespace CcwFs.Tests.Service;

/// <summary>
/// Of a SPEC with count= and without an image, all devices but the first are made when somebody uses them. Nobody sees whether one is made.
/// </summary>
public sealed class LaterDeviceTests : ConfiguredTest
{
    [Theory]
    [InlineData("dasd,count=3")]
    [InlineData("fba,count=3,blocks=100")]
    [InlineData("dasd,count=3,readonly,profile=full")]
    [InlineData("dasd,count=3,id=1.2.0100,devno=1.2.4000,css=fe,chpids=41.42")]
    public void What_is_asked_before_one_is_made_is_answered_as_afterwards(string spec)
    {
        Add(spec);
        Assert.Equal([true, false, false], Table.All.Select(one => one.Made is not null));
        foreach (MountedSubchannel one in Table.All)
        {
            (SubchannelId, SubchannelId, DeviceId, DeviceId, SubchannelIdentity, DeviceState, bool, string, string) All() => (
                one.Id, one.HostId, one.Number, one.HostNumber, one.Identity, one.State, one.IsBusy, Stored(one), Counted(one));
            var before = All();
            VfioCcwDevice device = one.Device;
            Assert.Same(device, one.Made);
            Assert.Equal(before, All());
            Assert.Equal(
                (device.Id, device.HostId, device.Device, device.HostDevice), (before.Item1, before.Item2, before.Item3, before.Item4));
            Assert.Equal(device.Subchannel.Identity, before.Item5);
        }
    }

    [Theory]
    [InlineData("dasd,count=2,image=v%d.ckd")] // what is wrong with an image must be told now
    [InlineData("dasd,count=2,fault=read -> check equipment_check")]
    [InlineData("dasd,count=2,hostile=7")]
    public void A_device_with_a_file_or_faults_is_made_at_once(string spec)
    {
        Files.Create("v0.ckd", 1);
        Files.Create("v1.ckd", 1);
        Add(spec);
        Assert.All(Table.All, one => Assert.NotNull(one.Made));
    }

    [Fact]
    public void Its_schib_is_the_first_ones_with_another_device_number()
    {
        Add("dasd,count=2");
        string[] schibs = [.. Table.All.Select(one =>
        {
            byte[] schib = new byte[Schib.Size];
            Assert.Equal(Schib.Size, one.Device.ReadRegion(RegionIndex.Schib, 0, schib));
            return Convert.ToHexString(schib);
        })];
        Assert.Equal(schibs[0].Replace("0150", "0151", StringComparison.Ordinal), schibs[1]);
    }

    [Fact]
    public void A_reload_reaches_those_that_are_made_and_those_that_are_not()
    {
        Add("dasd,count=3");
        Assert.NotNull(Table.All[1].Device);
        List<string> changed = [];
        Assert.Empty(Configured.CarryOut(Plan("dasd,count=3,deny=SENSE_ID"), changed.Add));
        Assert.Equal(["0.0.0000", "0.0.0001", "0.0.0002"], changed.Select(line => line.Split(':')[0]));
        Assert.Null(Table.All[2].Made);
        Assert.All(Table.All, one => Assert.NotNull(one.Device.Policy?.Deny));
        Assert.Empty(Plan("dasd,count=3,deny=SENSE_ID").Lines);
    }

    [Theory]
    [InlineData("dasd,count=3")]
    [InlineData("fba,count=3,blocks=100")]
    public void One_that_is_made_while_a_policy_forbids_writing_can_be_written_when_it_is_gone(string spec)
    {
        Add(spec);
        Assert.Empty(Configured.CarryOut(Plan(spec + ",readonly"), _ => { }));
        Assert.All(Table.All.Take(2), one => Assert.Equal("read and write", Access(one)));
        Assert.Empty(Configured.CarryOut(Plan(spec), _ => { }));
        Assert.All(Table.All, one => Assert.Equal("read and write", Access(one)));
    }

    [Fact]
    public void All_that_a_reload_changes_are_made_in_one_way()
    {
        Add("dasd,count=4");
        LaterDevices before = Assert.IsType<OpenDevice>(Table.All[1]).Later!;
        Assert.Empty(Configured.CarryOut(Plan("dasd,count=4,deny=SENSE_ID"), _ => { }));
        LaterDevices after = Assert.IsType<OpenDevice>(Table.All[1]).Later!;
        Assert.NotSame(before, after);
        Assert.All(Table.All.Skip(1), one => Assert.Same(after, Assert.IsType<OpenDevice>(one).Later));
        Assert.Same(Table.All[2].Device.Policy, Table.All[3].Device.Policy);
    }

    [Fact]
    public void Faults_that_cannot_be_had_make_none()
    {
        Add("dasd,count=3");
        Assert.NotEmpty(Configured.CarryOut(Plan("dasd,count=3,fault=read nth=3 -> path_off 77"), _ => { }));
        Assert.Null(Table.All[2].Made);
    }

    [Fact]
    public void Faults_that_a_reload_brings_make_them()
    {
        Add("dasd,count=2");
        Assert.Empty(Configured.CarryOut(Plan("dasd,count=2,fault=read -> check equipment_check"), _ => { }));
        Assert.All(Table.All, one => Assert.Single(Layers.FaultsOf(one.Made!).Rules));
    }

    [Fact]
    public void One_that_nobody_has_used_is_removed_without_being_made()
    {
        Add("dasd,count=3");
        MountedSubchannel removed = Table.All[1];
        Assert.True(Factory.Remove(removed.Id, force: false, out string? fault));
        Assert.Null(fault);
        Assert.Null(removed.Made);
        Assert.Equal(DeviceState.NotOperational, removed.State);
        Assert.Equal(2, Table.Count);
        Assert.Empty(Factory.RemoveAll());
        Assert.Equal(0, Table.Count);
    }

    [Fact]
    public void Who_found_it_before_it_was_removed_gets_a_device_that_is_gone()
    {
        Add("dasd,count=2");
        MountedSubchannel removed = Table.All[1];
        Assert.True(Factory.Remove(removed.Id, force: false, out _));
        Assert.Equal(DeviceState.NotOperational, removed.Device.State);
        Assert.Equal(-(int)Errno.ENODEV, removed.Device.ReadRegion(RegionIndex.Schib, 0, new byte[Schib.Size]));
        Assert.Equal(DeviceState.NotOperational, removed.State);
    }

    [Fact]
    public void Many_who_use_it_for_the_first_time_get_the_same()
    {
        Add("dasd,count=65");
        foreach (MountedSubchannel one in Table.All)
        {
            var made = new VfioCcwDevice[2];
            AtOnce(made.Length, i => made[i] = one.Device);
            Assert.All(made, device => Assert.Same(one.Made, device));
        }
    }

    [Fact]
    public void One_that_is_used_while_it_is_removed_ends()
    {
        Add("dasd,count=65");
        foreach (MountedSubchannel one in Table.All.Skip(1))
        {
            AtOnce(2, i =>
            {
                if (i == 0)
                    _ = one.Device;
                else
                    Assert.True(Factory.Remove(one.Id, force: false, out _));
            });
            Assert.Equal(DeviceState.NotOperational, one.Device.State);
        }
    }

    /// <summary>On as many threads, which begin together.</summary>
    private static void AtOnce(int count, Action<int> action)
    {
        using var barrier = new Barrier(count);
        Task[] all = [.. Enumerable.Range(0, count).Select(i => Task.Factory.StartNew(
            () =>
            {
                barrier.SignalAndWait();
                action(i);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Task.WaitAll(all);
    }

    private static string Access(MountedSubchannel one) => DeviceInfo.Facts(one.Device).Single(fact => fact.Key == "access").Value;

    private static string Stored(MountedSubchannel one)
    {
        Assert.True(one.Store(out Schib schib));
        byte[] bytes = new byte[Schib.Size];
        schib.Write(bytes);
        return Convert.ToHexString(bytes);
    }

    private static string Counted(MountedSubchannel one) => Encoding.UTF8.GetString(
        [.. MetricFamily.Render(new MetricSources("1.2.3", 1, [one.Metrics], [], [], UsesRings: false)), .. StatsText.Render(one.Metrics)]);
}
