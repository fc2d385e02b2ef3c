namespace CcwFs.SystemTests;

/// <summary>profile= and ese of a SPEC: what the control unit says of itself, what it takes, and where an ESE volume's space goes.</summary>
public sealed class ProfileTests
{
    private const string Helpers = """
        def unit(dev):
            return 0x0150 + int(dev[-4:], 16)
        def prepare(suborder, dev=DEV):
            return 0x27, 0, struct.pack('>BxxxHB5x', 0x18, unit(dev), suborder)
        def ask(suborder, length, dev=DEV, flags=0):
            return ran(prepare(suborder, dev), (0x3e, flags, length), dev=dev)[0]
        def info(dev=DEV):
            text = subprocess.check_output([CCWFS, 'info', dev, '--mount', D], text=True)
            return dict(line.split(None, 1) for line in text.splitlines() if ' ' in line)
        def release(dev=DEV, first=None, last=None):
            ranges = b'' if first is None else cchh(first) + cchh(last)
            return 0xf7, 0, struct.pack('>BxBxH14xHxx', 0x81, 0x20 if ranges else 0, unit(dev), len(ranges) // 8) + ranges

        """;

    [Fact]
    public void A_profile_says_what_it_has_and_takes_nothing_else()
    {
        using var mounted = new MountedCcwfs(
            ["--device", "dasd,profile=minimal", "--device", "dasd", "--device", "dasd,profile=full", "--device", "dasd,profile=linux,ese"]);
        mounted.Python(Helpers + """
            MINIMAL, LINUX, FULL, ESE = ('0.0.%04x' % n for n in range(4))
            assert [info(dev)['profile'] for dev in (MINIMAL, LINUX, FULL, ESE)] == ['minimal', 'linux', 'full', 'linux']
            assert [info(dev)['space'].startswith('on demand (ESE)') for dev in (MINIMAL, LINUX, FULL, ESE)] == [False, False, False, True]
            bits = {dev: ask(0x41, 256, dev) + ran((0x64, 0, 64), dev=dev)[0] for dev in (MINIMAL, LINUX, FULL, ESE)}
            assert not any(bits[MINIMAL][:256]) and bits[MINIMAL][262:266] == b'\x10\0\0\0'    # operation 16 is basic
            for dev in (LINUX, FULL, ESE):    # PREFIX, track data read and written, host access, initialized release; READ TRACK in a domain
                announced = bits[dev]
                assert [announced[at] & bit for at, bit in ((8, 1), (9, 0x20), (12, 0x40), (14, 0x80), (56, 1), (262, 0x40))] == [1, 0x20, 0x40, 0x80, 1, 0x40]
            def refused(dev, *commands):
                status, _ = run(*commands, dev=dev)
                assert status.dstat in (0x0c, 0x0e)
                if status.dstat == 0x0e:    # invalid command, or invalid parameter
                    assert status.sense[0] == 0x80 and status.sense[7] in (1, 4) and status.sense[27] & 0x80, status.sense.hex()
                return status.dstat == 0x0e
            prefix = 0xe7, 0, b'\x00\x80' + bytes(10) + struct.pack('>BB6x', 0x40, 0xc0) + cchh(1) + cchh(1) + bytes(36)
            for dev in (MINIMAL, LINUX, FULL):
                assert refused(dev, prefix) == refused(dev, prepare(0x52, dev)) == (dev == MINIMAL), dev
                format_track(0, 2, 512, dev=dev)
                assert refused(dev, prepare(0x00, dev)) == refused(dev, (7, 0, bytes(6)), (0x5e, SLI, 57326)) == (dev != FULL), dev
            assert [refused(dev, release(dev)) for dev in (MINIMAL, LINUX, FULL, ESE)] == [True, True, True, False]
            assert [ask(0x52, 28, dev)[0] for dev in (LINUX, ESE)] == [0, 0x20]
            """);
    }

    [Theory]
    [InlineData("dasd,profile=huge", 2)]
    [InlineData("dasd,ese=yes", 2)]
    [InlineData("dasd,profile=minimal,ese", 2)]
    public void A_profile_that_cannot_be_is_refused_in_one_line(string spec, int status)
    {
        using var scratch = new Scratch();
        Child.Ccwfs("mount", scratch.MakeDirectory("m"), "--device", spec).Refused(status);
    }

    [Fact]
    public void Released_space_goes_back_to_the_hosts_disk_and_the_queries_count_it()
    {
        using var scratch = new Scratch();
        string image = scratch.At("e.ckd");
        Child.Ccwfs("dasd", "create", image, "--cylinders", "40", "--lazy").Ok();
        using var mounted = new MountedCcwfs(["--device", $"dasd,image={image},ese"]);
        mounted.Python($"image = '{image}'\n" + Helpers + """
            def used():
                return os.stat(image).st_blocks * 512, struct.unpack('>I', ask(0x52, 28)[16:20])[0]
            assert struct.unpack('>II', ask(0x52, 28)[20:28]) == (40, 40)
            before = used()
            blocks = [b'x' * 4096] * 12
            for track in range(30, 60):
                format_track(track, 12, 4096); write_records(track, 1, blocks)
            full = used()
            assert full[0] >= before[0] + 30 * 12 * 4096 and full[1] >= before[1] + 1, (before, full)
            ran(release(first=31, last=58))
            assert used()[0] <= full[0] - 28 * 12 * 4096, (full, used())
            for track, there in ((30, True), (31, False), (58, False), (59, True)):
                status, _ = run(extent(0x40, track, track), locate(6, 1, track, 1), (0x86, 0, 4096))
                assert (status.dstat == 0x0c) == there, track
                if not there:    # no record found, with a valid address: Linux takes that for zeros
                    assert (status.sense[1], status.sense[27], status.sense[29:32]) == (8, 0xa0, bytes([0, track // 15, track % 15])), status.sense.hex()
            ran(release())
            assert used()[0] <= 32768 and used()[1] <= 1, used()
            """);
    }

    /// <summary>Mounts a file system of 1 MB, which takes root.</summary>
    [Fact]
    public void A_full_disk_stops_an_ESE_volume_until_there_is_space_again()
    {
        using var scratch = new Scratch();
        string directory = scratch.MakeDirectory("small");
        Child.Run("mount", "-t", "tmpfs", "-o", "size=1m", "ccwfs-test", directory).Ok();
        try
        {
            string image = scratch.At("small/e.ckd");
            Child.Ccwfs("dasd", "create", image, "--cylinders", "40", "--lazy").Ok();
            using var mounted = new MountedCcwfs(["--device", $"dasd,image={image},ese"]);
            mounted.Python($"small = '{directory}'\n" + Helpers + """
                filler = os.open(small + '/filler', os.O_CREAT | os.O_WRONLY)
                while (written := call(os.write, filler, bytes(4096))) == 4096:
                    pass
                assert name(written) == 'ENOSPC'
                status, track = None, 15
                while status is None or status.dstat == 0x0c:    # the first ones may fit into space that is there
                    track += 1; assert track < 60
                    status, _ = run(extent(0, track, track, 4), locate(3, 1, track, 0, 4096), (0x1d, SLI, count_field(track, 1, 0, 4096)))
                sense = status.sense
                assert status.dstat == 0x0e and (sense[0], sense[1], sense[25], sense[27]) == (0x10, 0x82, 0x01, 0xa0), sense.hex()
                def attention():
                    assert wait() == 1
                    status = Status(irb())
                    assert (status.dstat, status.fctl, status.stctl) == (0x80, 0, 0x11), status.bytes.hex()
                def message():
                    return ask(0x03, 4096, flags=SLI)[:8].hex()
                assert message()[:4] == '0009'
                query = ask(0x52, 28); assert query[0] == 0x60 and query[20:24] == bytes(4)    # Linux waits when none is configured
                assert ask(0x53, 40)[36] & 0x02 and 'no space left' in info()['space']
                assert drain() == 0
                os.unlink(small + '/filler'); os.close(filler)
                attention()
                assert [message()[4:8] for _ in range(3)] == ['0603', '0606', '0000']
                assert ask(0x52, 28)[0] == 0x20 and ask(0x53, 40)[36] & 0x02 == 0
                format_track(track, 1, 4096)
                # on a disk that is full again, what is released can be used
                filler = os.open(small + '/filler', os.O_CREAT | os.O_WRONLY)
                while call(os.write, filler, bytes(4096)) == 4096:
                    pass
                ran(release(first=track, last=track))
                format_track(track, 1, 4096)
                """);
        }
        finally
        {
            Child.Run("umount", directory).Ok();
        }
    }
}
