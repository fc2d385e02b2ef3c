using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>Kills, full disks and hostile users.</summary>
public sealed class HardTimesTests
{
    private const int KillRounds = 25;

    [Theory]
    [InlineData("1")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"verb":7}""")]
    [InlineData("""{"verb":"dance"}""")]
    [InlineData("""{"verb":"info","id":"0.0.9999"}""")]
    [InlineData("""{"verb":"add"}""")]
    [InlineData("""{"verb":"add","spec":"dasd","directory":"relative"}""")]
    [InlineData("""{"verb":"path","id":"0.0.0000","chpid":"zz"}""")]
    [InlineData("""{"verb":"run","id":"0.0.0000","orb":"zzzzzzzzzzzzzzzzzzzzzzzz","storage":"AAAA"}""")]
    [InlineData("""{"verb":"run","id":"0.0.0000","orb":"000000000000000000000000","storage":"AAAA"}""")]
    [InlineData("""{"verb":"run","id":"0.0.0000","orb":"000000000000000000000000","storage":"?"}""")]
    public void A_control_request_that_is_wrong_is_answered_in_words(string request)
    {
        using var mounted = new MountedCcwfs();
        Outcome outcome = Child.Run(
            "python3", "-c", "import os,sys; fd=os.open(sys.argv[1],os.O_RDWR); os.write(fd,sys.argv[2].encode()); os.write(1,os.read(fd,65536))",
            $"{mounted.MountPoint}/control", request == "{" ? "{]" : request).Ok();
        Assert.StartsWith("{\"error\":\"", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("CcwFs.", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void No_kill_loses_an_acknowledged_record_or_tears_a_track()
    {
        using var scratch = new Scratch();
        string image = scratch.MakeImage("v.ckd");
        string point = scratch.MakeDirectory("m");
        for (int round = 0; round < KillRounds; round++)
        {
            using var mounted = new MountedCcwfs(["--device", "dasd,image=" + image, "--memory", "8M"], mountPoint: point);
            mounted.Python(round == 0 ? "format_track(3, 12, 4096)" : $"""
                acknowledged = int(open('{scratch.Path}/acknowledged').read())
                blocks = read_records(3, 1, 12, 4096)
                found = [struct.unpack('>I', b[:4])[0] for b in blocks]
                assert all(b == struct.pack('>I', n) * 1024 for b, n in zip(blocks, found)), 'a torn record'
                assert len(set(found)) == 1 and found[0] in (acknowledged, acknowledged + 1), (acknowledged, found)
                """);
            using Process writer = mounted.StartPython($"""
                first = {round * 1000}
                for n in range(first, first + 1000):
                    write_records(3, 1, [struct.pack('>I', n) * 1024] * 12)
                    print(n)
                """);
            string last = "";
            for (int acknowledged = 0; acknowledged <= round % 7; acknowledged++)
                last = writer.StandardOutput.ReadLine()!;
            mounted.Kill();
            while (writer.StandardOutput.ReadLine() is { } line) // those that were on their way
                last = line;
            writer.WaitForExit();
            File.WriteAllText(scratch.At("acknowledged"), last);
        }
        Child.Run("umount", "-l", point);
        Assert.Contains("0 findings", Child.Ccwfs("dasd", "check", image).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_is_an_equipment_check_a_log_line_and_leaves_the_old_track()
    {
        using var scratch = new Scratch();
        string disk = scratch.MakeDirectory("disk");
        Child.Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk).Ok();
        try
        {
            Child.Ccwfs("dasd", "create", disk + "/v.ckd", "--cylinders", "20", "--lazy").Ok();
            using var mounted = new MountedCcwfs(["--device", $"dasd,image={disk}/v.ckd"]);
            mounted.Python($"""
                format_track(3, 12, 4096); old = [b'old!' * 1024] * 12; write_records(3, 1, old)
                written = []
                for track in range(4, 200):
                    status, _ = run(extent(0, track, track, 4), locate(3, 12, track, 0, 4096),
                                    *[(0x1d, SLI, count_field(track, r, 0, 4096)) for r in range(1, 13)])
                    if status.dstat & 0x02: break
                    written.append(track)
                assert status.dstat & 0x02 and status.sense[0] & 0x10, status.bytes.hex()
                assert len(written) > 2
                assert read_records(3, 1, 12, 4096) == old
                assert read_records(written[-1], 1, 12, 4096) == [bytes(4096)] * 12
                """);
            Assert.Contains("v.ckd", mounted.Log + " ", StringComparison.Ordinal);
            Child.Ccwfs("umount", mounted.MountPoint).Ok();
            mounted.WaitForExit();
            Assert.Contains("0 findings", Child.Ccwfs("dasd", "check", disk + "/v.ckd").Output, StringComparison.Ordinal);
        }
        finally
        {
            Child.Run("umount", "-l", disk);
        }
    }

    [Fact]
    public void Random_bytes_from_several_processes_leave_it_alive_and_answering()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd,count=2"]);
        Process[] attackers = [.. Enumerable.Range(1, 4).Select(seed => mounted.StartPython($"""
            random.seed({seed}); files = [path(f, d) for d in (DEV, '0.0.0001') for f in ('io', 'cmd', 'irq/io', 'irq/req', 'schib', 'crw')] + [D + '/memory', D + '/control']
            fds = [(f, os.open(f, (os.O_RDONLY if f.endswith(('schib', 'crw')) and 'irq' not in f else os.O_RDWR) | os.O_NONBLOCK)) for f in files]
            for n in range(3000):
                f, fd = random.choice(fds); data = random.randbytes(random.choice((1, 4, 8, 12, 24, 124, 200)))
                where = random.choice((0, 0, 0, 12, 120, 0x1000, random.randrange(1 << 28), 1 << 62))
                if f.endswith('/io') and 'irq' not in f and n % 3:
                    data, where = orb(random.choice((0x1000, 0x1008, random.randrange(1 << 31))), FORMAT1 ^ (1 << random.randrange(32))) + scsw(random.choice((START, START, 0, HALT))), 0
                if f.endswith('control'): data = random.choice((data, b'[' * 500, b'null', json.dumps(dict(verb=random.choice(('run', 'info', 'path', 'add', 'list')), id=DEV, orb='00' * 12, storage='AAAA', spec='dasd,image=/dev/null')).encode()))
                call(os.write, fd, data) if 'irq' in f or 'control' in f else call(os.pwrite, fd, data, where)
                if not f.endswith('control'): call(os.read, fd, random.choice((1, 8, 124, 4096))) if 'irq' in f else call(os.pread, fd, random.choice((1, 8, 124, 4096)), where)
            """))];
        foreach (Process attacker in attackers)
            Child.Finish(attacker).Ok();
        Assert.True(mounted.IsRunning);
        mounted.Python("""
            for dev in DEV, '0.0.0001':
                cmd(2, dev); wait(dev=dev); irb(dev); drain(dev=dev)
                while irb(dev) and drain(dev=dev): pass
                pwrite(path('io', dev), bytes(124)); ran((0xe4, SLI, 40), dev=dev)
            """);
        Assert.DoesNotContain("   at CcwFs", mounted.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_thousand_opens_leak_no_descriptor_and_no_memory()
    {
        using var mounted = new MountedCcwfs();
        mounted.Python("""
            def some(n):
                for _ in range(n):
                    for f in 'io', 'schib', 'info', 'irq/io', 'irq/crw':
                        fd = os.open(path(f), os.O_RDONLY | os.O_NONBLOCK); call(os.read, fd, 124); os.close(fd)
            some(200)
            before = descriptors(), resident_kilobytes()
            some(2000)
            after = descriptors(), resident_kilobytes()
            assert after[0] <= before[0] + 2 and after[1] < before[1] + 32768, (before, after)
            """);
    }
}
