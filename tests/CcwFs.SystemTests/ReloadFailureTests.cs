using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>A reload whose new devices prove bad only when they are opened: all stays as it was, and a line says why.</summary>
public sealed class ReloadFailureTests : ReloadHarness
{
    private MountedCcwfs? _other;

    public override void Dispose()
    {
        base.Dispose();
        _other?.Dispose();
    }

    [Theory]
    [InlineData("dasd,id=0.0.0001,image=bad.ckd", "bad.ckd")]
    [InlineData("dasd,id=0.0.0001,image=locked.ckd", "another process has it in use")]
    [InlineData("fba,id=0.0.0001,blocks=4294967295,block-size=4096", "half of what this machine has")]
    [InlineData("vfio,id=0.0.0001,device=/dev/null,iommu=/dev/zero", "could not be bound")]
    public void A_changed_device_that_cannot_be_opened_leaves_the_old_one_running(string spec, string because)
    {
        File.WriteAllBytes(Scratch.At("bad.ckd"), new byte[1 << 20]);
        _other = new MountedCcwfs(["--device", "dasd,image=" + Scratch.MakeImage("locked.ckd")]);
        Mount("""{ "devices": [ "dasd,id=0.0.0000", "dasd,id=0.0.0001", "dasd,id=0.0.0002" ] }""");
        string before = Identity("0.0.0001");
        using Process client = Mounted.StartPython("""
            from vfio import *
            DEV = '0.0.0001'
            poke(PROGRAM, ccw(0x03, CC | SLI, 1, DATA) + ccw(0x08, 0, 0, PROGRAM))
            start(PROGRAM, dev=DEV)
            print('runs', flush=True)
            sys.stdin.readline()
            assert cmd(1, dev=DEV) == 4 and wait(dev=DEV) == 1
            """);
        client.Says("runs");
        Assert.Contains("reload failed", Reload($$"""
            { "devices": [ "dasd,id=0.0.0000,readonly", "dasd,id=0.0.0005",
              "{{spec}}" ] }
            """), StringComparison.Ordinal);
        Assert.Equal("0.0.0000\n0.0.0001\n0.0.0002\n", Ids());
        Assert.Equal(before, Identity("0.0.0001"));
        Mounted.Logged("0.0.0001 stays as it is, nothing is changed");
        string line = Assert.Single(Mounted.Log.Split('\n'), l => l.Contains("stays as it is", StringComparison.Ordinal));
        Assert.Contains($"{Scratch.At("c.json")}:2: ", line, StringComparison.Ordinal);
        Assert.Contains(because, line, StringComparison.Ordinal);
        Child.Finish(client, "\n"u8.ToArray()).Ok();
        Assert.Contains("reloaded", Reload("""{ "devices": [ "dasd,id=0.0.0001,chpids=41" ] }"""), StringComparison.Ordinal);
        Assert.Equal("0.0.0001\n", Ids());
        Assert.NotEqual(before, Identity("0.0.0001"));
    }

    [Fact]
    public void Every_device_that_cannot_be_opened_is_told()
    {
        File.WriteAllBytes(Scratch.At("bad.ckd"), new byte[1 << 20]);
        Mount("""{ "devices": [] }""");
        Reload("""
            { "devices": [
              "dasd,image=bad.ckd",
              "dasd,image=nowhere.ckd" ] }
            """);
        Mounted.Logged("c.json:2: ");
        Mounted.Logged("c.json:3: ");
    }

    [Fact]
    public void Two_devices_exchange_their_images()
    {
        string one = Scratch.MakeImage("one.ckd"), two = Scratch.MakeImage("two.ckd");
        Mount("""{ "devices": [ "dasd,id=0.0.0001,image=one.ckd", "dasd,id=0.0.0002,image=two.ckd" ] }""");
        Assert.Contains("reloaded", Reload("""{ "devices": [ "dasd,id=0.0.0001,image=two.ckd", "dasd,id=0.0.0002,image=one.ckd" ] }"""), StringComparison.Ordinal);
        Assert.Contains(two, Mounted.Ccwfs("info", "0.0.0001").Ok().Output, StringComparison.Ordinal);
        Assert.Contains(one, Mounted.Ccwfs("info", "0.0.0002").Ok().Output, StringComparison.Ordinal);
        Mounted.Python("""
            format_track(3, 2, 512, dev='0.0.0001')
            format_track(3, 2, 512, dev='0.0.0002')
            """);
    }

    [Fact]
    public void A_read_only_image_is_closed_to_be_opened_for_writing_unless_another_device_keeps_it()
    {
        Scratch.MakeImage("v.ckd");
        Mount("""{ "devices": [ "dasd,id=0.0.0001,image=v.ckd,readonly", "dasd,id=0.0.0002,image=v.ckd,readonly" ] }""");
        string one = Identity("0.0.0001"), two = Identity("0.0.0002");
        Assert.Contains("reload failed", Reload("""{ "devices": [ "dasd,id=0.0.0001,image=v.ckd", "dasd,id=0.0.0002,image=v.ckd,readonly" ] }"""), StringComparison.Ordinal);
        Mounted.Logged("0.0.0002 (dasd, image");
        Assert.Equal((one, two), (Identity("0.0.0001"), Identity("0.0.0002")));
        Assert.Contains("reloaded", Reload("""{ "devices": [ "dasd,id=0.0.0001,image=v.ckd", "dasd,id=0.0.0002,image=v.ckd" ] }"""), StringComparison.Ordinal);
        Mounted.Python("format_track(3, 2, 512, dev='0.0.0001')");
    }

    [Fact]
    public void An_image_that_was_closed_in_vain_is_opened_again_as_before()
    {
        string image = Scratch.MakeImage("v.ckd");
        Mount("""{ "devices": [ "dasd,image=v.ckd,readonly", "dasd,id=0.0.0005" ] }""");
        string bystander = Identity("0.0.0005");
        using (var reader = new MountedCcwfs(["--device", $"dasd,image={image},readonly"])) // whoever reads keeps writers out
        {
            Assert.Contains("reload failed", Reload("""{ "devices": [ "dasd,image=v.ckd", "dasd,id=0.0.0006" ] }"""), StringComparison.Ordinal);
            Mounted.Logged($"another process has it in use (locked by pid {reader.Pid}, \"ccwfs\"); 0.0.0000 was closed for it and is opened again as before, "
                + "nothing is changed");
            Assert.Equal("0.0.0000\n0.0.0005\n", Ids());
            Assert.Equal(bystander, Identity("0.0.0005"));
            Mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok();
        }
        Assert.Contains("reloaded", Reload(null), StringComparison.Ordinal);
        Mounted.Python("format_track(3, 2, 512)");
    }

    [Fact]
    public void A_real_device_is_closed_before_it_is_opened_anew_and_comes_back_when_that_fails()
    {
        _other = new MountedCcwfs();
        string device = $"{_other.MountPoint}/0.0.0000/device";
        Mount($$"""{ "devices": [ "vfio,device={{device}}" ] }""");
        Assert.Contains("reloaded", Reload($$"""{ "devices": [ "vfio,device={{device}},timeout=100" ] }"""), StringComparison.Ordinal);
        Mounted.Ccwfs("run", "0.0.0000", "NOP").Ok();
        Assert.Contains("reload failed", Reload($$"""{ "devices": [ "vfio,device={{device}},iommu=/dev/null" ] }"""), StringComparison.Ordinal);
        Mounted.Logged("0.0.0000 was closed for it and is opened again as before");
        Mounted.Ccwfs("run", "0.0.0000", "NOP").Ok();
        Assert.Equal("0.0.0000\n", Ids());
    }

    [Fact]
    public void A_real_device_that_a_client_has_is_not_taken_from_it()
    {
        _other = new MountedCcwfs();
        string device = $"{_other.MountPoint}/0.0.0000/device";
        Mount($$"""{ "devices": [ "vfio,device={{device}}" ] }""");
        using Process client = Mounted.StartPython("""
            from vfio import *
            iommu, device, memory, ioas = client(Memory(0x100000, shared=True))
            print('has it', flush=True)
            sys.stdin.readline()
            assert device.run() & 0xff == 0
            """);
        client.Says("has it");
        Assert.Contains("reload failed", Reload($$"""{ "devices": [ "vfio,device={{device}},timeout=100" ] }"""), StringComparison.Ordinal);
        Mounted.Logged("a VFIO client (QEMU) has 0.0.0000");
        Child.Finish(client, "\n"u8.ToArray()).Ok();
        Assert.True(SpinWait.SpinUntil(() => !IsInUse(Mounted), Child.Patience), "the client never let go");
        Assert.Contains("reloaded", Reload(null), StringComparison.Ordinal);
        Mounted.Ccwfs("run", "0.0.0000", "NOP").Ok();
    }

    [Fact]
    public void A_device_that_vanishes_before_it_is_in_the_tree_never_comes_there()
    {
        _other = new MountedCcwfs();
        using var stopped = new MountedCcwfs();
        Mount("""{ "devices": [ "dasd,id=0.0.0009" ] }""");
        stopped.Signal("STOP"); // its device hangs when it is opened
        try
        {
            BeginReload($$"""{ "devices": [ "vfio,device={{_other.MountPoint}}/0.0.0000/device,id=0.0.0001", "vfio,device={{stopped.MountPoint}}/0.0.0000/device,id=0.0.0002,devno=0.0.0151" ] }""");
            Assert.True(SpinWait.SpinUntil(() => IsInUse(_other), Child.Patience), "the first device was never opened");
            _other.Ccwfs("remove", "--force", "0.0.0000").Ok();
            Mounted.Logged("0.0.0001: the kernel asks");
        }
        finally
        {
            stopped.Signal("CONT");
        }
        Assert.Contains("reload failed", EndReload(), StringComparison.Ordinal);
        Mounted.Logged("went away while it was added");
        Assert.Equal("0.0.0009\n", Ids());
        _other.Ccwfs("add", "dasd").Ok();
        Assert.Contains("reloaded", Reload(null), StringComparison.Ordinal);
        Assert.Equal("0.0.0001\n0.0.0002\n", Ids());
        Mounted.Ccwfs("run", "0.0.0001", "NOP").Ok();
    }

    private static bool IsInUse(MountedCcwfs mounted) => mounted.Ccwfs("list").Ok().Output.Contains(" yes ", StringComparison.Ordinal);
}
