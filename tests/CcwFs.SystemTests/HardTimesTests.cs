namespace CcwFs.SystemTests;

/// <summary>Wrong requests, full disks, many opens.</summary>
public sealed class HardTimesTests
{
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
