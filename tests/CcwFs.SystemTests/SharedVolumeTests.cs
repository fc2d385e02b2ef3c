namespace CcwFs.SystemTests;

/// <summary>Two subchannels on one image: what each sees of the other, and who holds the volume.</summary>
public sealed class SharedVolumeTests
{
    private const string Helpers = """
        from vfio import *
        from ccw import ccw
        A, B = '0.0.0000', '0.0.0001'
        AT_B = dict(dev=B, at=0x100000, data=0x110000)
        RDC, RESERVE, RELEASE, STEAL = (0x64, 0, 64), (0xb4, SLI, 32), (0x94, SLI, 32), (0x14, SLI, 32)
        START_PENDING = 0x20
        def activity(dev):
            return (struct.unpack('>I', pread(path('schib', dev), 52)[28:32])[0] >> 5) & 0x7f
        def reserved(dev):
            text = subprocess.check_output([CCWFS, 'info', dev, '--mount', D], text=True)
            return next(line.split(None, 1)[1] for line in text.splitlines() if line.startswith('reserved'))
        def waits(dev=A, at=PROGRAM, data=DATA):
            program(RDC, at=at, data=data)
            assert start(cpa=at, dev=dev) == 24
            assert eventually(lambda: activity(dev) == START_PENDING), hex(activity(dev))    # it is tried after the answer, and found busy
            assert drain(dev=dev) == 0
        def has_run(dev=A):
            assert wait(dev=dev) == 1
            status = Status(irb(dev)); assert (status.dstat, status.cstat) == (0x0c, 0), status.bytes.hex()

        """;

    [Theory]
    [InlineData("count=2")]
    [InlineData("two specs")]
    public void Two_subchannels_on_one_image_see_each_others_writes(string how)
    {
        using var scratch = new Scratch();
        string image = scratch.MakeImage("v.ckd", 3);
        Child.Run("ln", image, scratch.At("link.ckd")).Ok();
        string[] devices = how == "count=2"
            ? ["--device", $"dasd,image={image},count=2"]
            : ["--device", $"dasd,image={image}", "--device", $"dasd,image={scratch.At("link.ckd")}"];
        using var mounted = new MountedCcwfs(devices);
        mounted.Python(Helpers + """
            format_track(10, 3, 512)
            write_records(10, 1, [b'a' * 512] * 3)
            assert read_records(10, 1, 3, 512, **AT_B) == [b'a' * 512] * 3
            write_records(10, 2, [b'b' * 512], **AT_B)
            assert read_records(10, 1, 3, 512) == [b'a' * 512, b'b' * 512, b'a' * 512]
            assert reserved(A) == reserved(B) == 'no'
            """);
    }

    [Fact]
    public void A_start_on_a_volume_that_is_reserved_elsewhere_waits_until_it_is_released_or_halted() => Run("""
        ran(RESERVE)
        assert (reserved(A), reserved(B)) == ('by this device', 'by 0.0.0150')
        waits(**AT_B)
        assert name(start(cpa=0x100000, dev=B)) == 'EBUSY'
        ran((0xe4, SLI, 40)); ran(RDC)    # the holder goes on
        assert drain(dev=B) == 0
        ran(RELEASE)
        has_run(B)
        ran(RESERVE)
        for command, function in ((1, 6), (2, 1)):
            waits(**AT_B)
            assert cmd(command, dev=B) == 4 and wait(dev=B) == 1
            status = Status(irb(B)); assert (status.fctl, status.dstat, status.cstat) == (function, 0, 0), status.bytes.hex()
            assert activity(B) == 0
        ran((0xe4, SLI, 40), **AT_B); ran((0x34, SLI, 12), **AT_B)    # these pass
        ran(RELEASE)
        ran(RDC, **AT_B)
        """);

    [Fact]
    public void A_volume_that_is_stolen_tells_its_former_holder_once_and_then_lets_it_wait() => Run("""
        ran(RESERVE)
        ran(STEAL, **AT_B)
        assert (reserved(A), reserved(B)) == ('by 0.0.0151', 'by this device')
        status, _ = run(RDC)
        assert status.dstat == 0x0e and (status.sense[0], status.sense[7], status.sense[27]) == (0x10, 0x3f, 0x80), status.bytes.hex()
        waits()
        ran(STEAL, (0x94, SLI, 32), **AT_B)
        has_run()
        assert reserved(A) == 'no'
        """);

    [Fact]
    public void A_reserve_ends_with_a_reset_with_its_client_and_with_its_device() => Run("""
        kept = []    # a client's memory lives as long as it
        def reserving_client():
            kept[:] = client(dev=B)
            iommu, device, memory, ioas = kept
            memory.poke(PROGRAM, ccw(0xB4, SLI, 32, DATA))
            assert device.run() == 0x0c00
            return device
        device = reserving_client()
        assert reserved(A) == 'by 0.0.0151'
        waits()
        assert ioctl(device.fd, RESET, 0) == 0
        has_run()
        assert device.run() == 0x0c00
        waits()
        device.close()
        has_run()
        child = os.fork()
        if child == 0:
            reserving_client()
            waits()
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        has_run()
        ran(RESERVE, **AT_B)
        waits()
        subprocess.check_call([CCWFS, 'remove', B, '--mount', D], stdout=subprocess.DEVNULL)
        has_run()
        assert reserved(A) == 'no'
        """);

    private static void Run(string script)
    {
        using var scratch = new Scratch();
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={scratch.MakeImage("v.ckd")},count=2"]);
        mounted.Python(Helpers + script);
    }
}
