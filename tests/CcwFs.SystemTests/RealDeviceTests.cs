using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>
/// Real devices: a ccwfs whose kernel is a second mounted ccwfs with an emulated 3390. Everything in between is the kernel's own way: open, ioctl,
/// pread, pwrite, eventfds, maps of memory.
/// </summary>
public sealed class RealDeviceTests : IDisposable
{
    private readonly MountedCcwfs _kernel = new(["--device", "dasd"]);

    private string Device => $"{_kernel.MountPoint}/0.0.0000/device";

    public void Dispose() => _kernel.Dispose();

    [Fact]
    public void A_file_user_a_run_and_a_client_work_as_on_an_emulated_device()
    {
        using MountedCcwfs mounted = Over();
        mounted.Python("""
            format_track(3, 12, 4096)
            blocks = [bytes([n]) * 4096 for n in range(12)]
            write_records(3, 1, blocks)
            assert read_records(3, 1, 12, 4096) == blocks
            loop_for_ever()
            assert pwrite(path('io'), orb() + scsw()) == -errno.EBUSY
            assert cmd(2) == 4 and wait() == 1
            """);
        Assert.Contains("ended well", mounted.Ccwfs("run", "0.0.0000", "SENSE_ID sli count=40").Ok().Output, StringComparison.Ordinal);
        Assert.Matches(@"0\.0\.0150 0\.0\.0000 +3390/0a 3990/e9 .* 80  80  ff   40000000 00000000 vfio +idle", mounted.Ccwfs("list").Ok().Output);
        Assert.Matches($@"(?m)^kernel device +{Device}\nkernel iommu +{_kernel.MountPoint}/iommu\nkernel lacks +nothing\n",
            mounted.Ccwfs("info", "0.0.0000").Ok().Output);
        Client(mounted, """
            iommu, device, memory, ioas = client(Memory(0x100000, shared=True))
            assert device.run() & 0xff == 0 and memory.peek(DATA, 7).hex() == 'ff3990e933900a', memory.peek(DATA, 7).hex()
            assert iommu.unmap(ioas, 0, 0x100000) == 0
            assert device.start() == -errno.ENOENT
            assert iommu.map(ioas, 0, memory) == 0 and device.run() & 0xff == 0
            assert ioctl(device.fd, RESET, 0) == 0 and device.run() & 0xff == 0
            """);
        mounted.Python("ran((0xe4, SLI, 40))");
    }

    [Fact]
    public void What_only_an_emulated_device_has_is_said_so()
    {
        using MountedCcwfs mounted = Over();
        Assert.EndsWith("0.0.0000 is a real device: its channel paths are the host's; there: chchp --vary 0 0.40",
            mounted.Ccwfs("path", "0.0.0000", "40", "off").Refused(1), StringComparison.Ordinal);
        Assert.Contains("only a dasd or fba has the key 'chpids'", mounted.Ccwfs("add", $"vfio,device={Device},chpids=40").Refused(2),
            StringComparison.Ordinal);
        Assert.Contains("only a dasd has the key 'ese'", mounted.Ccwfs("add", $"vfio,device={Device},ese").Refused(2), StringComparison.Ordinal);
    }

    [Fact]
    public void Private_memory_of_a_client_is_refused_whenever_it_comes_and_a_line_says_why()
    {
        using MountedCcwfs mounted = Over();
        Client(mounted, """
            iommu, device = Iommu(), Device()
            ioas, private, shared = iommu.alloc(), Memory(0x10000), Memory(0x10000, shared=True)
            assert iommu.map(ioas, 0, shared) == 0 and device.bind(iommu) == 0 and device.attach(ioas) == 0
            assert iommu.map(ioas, 0x100000, private) == -errno.EFAULT
            assert iommu.map(ioas, 0x100000, private, flags=5) == 0    # to read only: nothing that can be pinned
            assert device.detach() == 0 and iommu.map(ioas, 0x200000, private) == 0
            assert device.attach(ioas) == -errno.EFAULT
            assert iommu.unmap(ioas, 0x200000, 0x10000) == 0 and device.attach(ioas) == 0
            """);
        mounted.Logged("a real device cannot reach its private memory: start it with ccwfs qemu, or give QEMU -object memory-backend-memfd");
    }

    [Fact]
    public void A_device_that_the_kernel_asks_back_goes_and_a_client_is_asked_first()
    {
        using MountedCcwfs mounted = Over();
        Client(mounted, $$"""
            iommu, device, memory, ioas = client(Memory(0x100000, shared=True))
            device.event(2)
            subprocess.run([CCWFS, 'remove', '0.0.0000', '--mount', '{{_kernel.MountPoint}}'], check=True)
            assert device.wait(2) >= 1 and eventually(lambda: not os.path.exists(path('io')))
            assert device.run() & 0xff == 0    # works until it is given back
            """);
        Assert.DoesNotContain("0.0.0000", mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
        _kernel.Ccwfs("add", "dasd").Ok();
        Assert.Contains("added 0.0.0000", mounted.Ccwfs("add", "vfio,device=" + Device).Ok().Output, StringComparison.Ordinal);
        mounted.Python($$"""
            ran((0xe4, SLI, 40))
            subprocess.run([CCWFS, 'remove', '--force', '0.0.0000', '--mount', '{{_kernel.MountPoint}}'], check=True)
            import time
            until = time.monotonic() + 30
            while os.path.exists(path('io')) and time.monotonic() < until: time.sleep(.05)
            assert not os.path.exists(path('io'))
            """);
    }

    [Fact]
    public void The_upper_one_killed_leaves_the_device_free()
    {
        using (MountedCcwfs first = Over())
        {
            first.Python("loop_for_ever()");
            first.Kill();
            Child.Run("umount", "-l", first.MountPoint).Ok();
        }
        using MountedCcwfs second = Over();
        Assert.Contains("ended well", second.Ccwfs("run", "0.0.0000", "NOP").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_lower_one_killed_ends_what_runs_and_the_device_goes()
    {
        using MountedCcwfs mounted = Over();
        using Process run = Child.Start("/", null, Places.Program, "run", "0.0.0000", "again: NOP", "tic=again", "--mount", mounted.MountPoint);
        mounted.Python("""
            import time
            until = time.monotonic() + 30
            while b'pending' not in open(path('info'), 'rb').read() and time.monotonic() < until: time.sleep(.05)
            """);
        _kernel.Kill();
        Assert.Contains("was ended by a reset", Child.Finish(run).Refused(1), StringComparison.Ordinal);
        Assert.DoesNotContain("0.0.0000", mounted.Ccwfs("list").Ok().Output, StringComparison.Ordinal);
        mounted.Logged("is gone");
        Child.Run("umount", "-l", _kernel.MountPoint);
        Assert.Contains("added", mounted.Ccwfs("add", "dasd").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_without_an_end_ends_after_the_time_that_was_chosen()
    {
        using MountedCcwfs mounted = Over(",timeout=1");
        Outcome run = mounted.Ccwfs("run", "0.0.0000", "again: NOP", "tic=again");
        Assert.Contains("interface-control check", run.Output + run.Error, StringComparison.Ordinal);
        mounted.Logged("no interrupt within 1 s");
        Assert.Contains("ended well", mounted.Ccwfs("run", "0.0.0000", "NOP").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_a_device_is_refused_in_a_line()
    {
        using MountedCcwfs mounted = Over();
        string own = mounted.MountPoint + "/0.0.0000/device";
        foreach ((string spec, string says, bool usage) in ((string, string, bool)[])[
            ("vfio", "needs device=", true),
            ("vfio,device=/nowhere/device", "no such file", false),
            ("vfio,device=/dev/null,iommu=/dev/zero", "could not be bound", false),
            ("vfio,device=" + own, "inside this ccwfs itself", false),
            ("vfio,device=" + Device, "exists already", false),
            ("vfio,id=0.0.0009,device=" + Device, "another program may have it", false),
            ("vfio,id=0.0.0009,timeout=0,device=" + Device, "a number of seconds", true),
            ("vfio,id=0.0.0009,uuid=7,device=" + Device, "it is written like", true),
            ("vfio,id=0.0.0009,image=x,device=" + Device, "only a dasd or fba has the key 'image'", true)])
            Assert.Contains(says, mounted.Ccwfs("add", spec).Refused(usage ? 2 : 1), StringComparison.Ordinal);
        Assert.Contains("ended well", mounted.Ccwfs("run", "0.0.0000", "NOP").Ok().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_holds_and_the_arguments_that_were_judged_are_what_the_kernel_gets()
    {
        string image = _kernel.Scratch.MakeImage("shared.ckd");
        foreach (string id in (string[])["0.0.0001", "0.0.0002"])
            _kernel.Ccwfs("add", $"dasd,image={image},id={id}").Ok();
        _kernel.Python("""
            format_track(3, 12, 4096, dev='0.0.0002')
            write_records(3, 1, [b'old!' * 1024] * 12, dev='0.0.0002')
            """);
        using var mounted = new MountedCcwfs(["--device", $"vfio,device={_kernel.MountPoint}/0.0.0001/device,id=0.0.0000,readonly"]);
        mounted.Python("""
            assert read_records(3, 1, 12, 4096) == [b'old!' * 1024] * 12    # define extent and locate record: from copies in our arena
            try:
                write_records(3, 1, [b'new!' * 1024] * 12)
                done = True
            except AssertionError:
                done = False
            assert not done and read_records(3, 1, 12, 4096) == [b'old!' * 1024] * 12
            """);
        mounted.Logged("0.0.0000"); // which CCW, and which rule
    }

    [Fact]
    public void A_rule_that_its_family_has_not_is_refused_once_the_device_has_said_what_it_is()
    {
        using MountedCcwfs mounted = Over();
        _kernel.Ccwfs("add", "dasd,id=0.0.0001").Ok();
        string spec = $"vfio,device={_kernel.MountPoint}/0.0.0001/device,id=0.0.0001";
        string line = mounted.Ccwfs("add", spec + ",deny=LOCATE").Refused(1); // of a 9336
        Assert.Contains("is a 3390/0a behind a 3990/e9 (eckd): deny=LOCATE: 'LOCATE' is no command", line, StringComparison.Ordinal);
        mounted.Ccwfs("add", spec + ",deny=LOCATE_RECORD").Ok(); // nothing has kept it
        Assert.Matches("(?m)^commands +eckd$", mounted.Ccwfs("info", "0.0.0001").Ok().Output);
    }

    [Fact]
    public void Guest_storage_in_a_file_is_no_place_for_a_real_device()
    {
        string file = _kernel.Scratch.At("memory");
        Child.Run("truncate", "-s", "16M", file).Ok();
        using var mounted = new MountedCcwfs(["--device", "dasd,id=0.0.0001", "--memory", file]);
        Assert.Contains("mount with --memory SIZE", mounted.Ccwfs("add", "vfio,device=" + Device).Refused(1), StringComparison.Ordinal);
    }

    private MountedCcwfs Over(string keys = "") => new(["--device", $"vfio,device={Device}{keys}"]);

    private static void Client(MountedCcwfs mounted, string script) => Child.Finish(mounted.StartPython("from vfio import *\n" + script)).Ok();
}
