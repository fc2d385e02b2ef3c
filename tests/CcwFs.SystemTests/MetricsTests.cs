namespace CcwFs.SystemTests;

/// <summary>The files metrics and stats of a mount, as Prometheus and people read them.</summary>
public sealed class MetricsTests : IDisposable
{
    private static readonly (string, string) s_first = ("subchannel", "0.0.0000");

    private readonly MountedCcwfs _mounted = new(["--device", "dasd", "--device", "fba"]);

    public void Dispose() => _mounted.Dispose();

    [Fact]
    public void The_whole_text_is_OpenMetrics_and_says_what_was_done()
    {
        OpenMetrics before = Read();
        _mounted.Python("""
            track = 15
            format_track(track, 3, 4096)
            write_records(track, 1, [b'A' * 4096] * 3)
            read_records(track, 1, 3, 4096)
            status, _ = run((0x77, 0, 1))
            assert status.dstat & 2
            ran((0x63, 0, bytes.fromhex('00000000000000000000000000000009')), (0x43, 0, bytes.fromhex('0600000100000003')), (0x42, 0, 512), dev='0.0.0001')
            assert start(cpa=0x7ffffff0) == -errno.EINVAL
            assert pwrite(path('schib'), b'x') == -errno.EINVAL
            """);
        OpenMetrics metrics = Read();
        double Added(string name, params (string, string)[] labels) => metrics.Value(name, labels) - before.Value(name, labels);
        Assert.Equal(3, Added("ccwfs_programs_total", s_first, ("ending", "well")));
        Assert.Equal(1, Added("ccwfs_programs_total", s_first, ("ending", "unit_check")));
        Assert.Equal(1, Added("ccwfs_programs_total", s_first, ("ending", "not_translated")));
        Assert.Equal(1, Added("ccwfs_unit_checks_total", s_first, ("kind", "command_reject")));
        Assert.Equal(3, Added("ccwfs_commands_total", s_first, ("command", "DEFINE_EXTENT")));
        Assert.Equal(3 * 4096, Added("ccwfs_transferred_bytes_total", s_first, ("direction", "to_storage")));
        Assert.True(Added("ccwfs_transferred_bytes_total", s_first, ("direction", "to_device")) > 3 * 4096);
        Assert.Equal(4, Added("ccwfs_program_duration_seconds_count", s_first));
        Assert.Equal(4, Added("ccwfs_interrupts_given_total", s_first, ("interrupt", "io")));
        Assert.Equal(512, Added("ccwfs_transferred_bytes_total", ("subchannel", "0.0.0001"), ("direction", "to_storage")));
        Assert.True(Added("ccwfs_fuse_requests_total", ("operation", "write")) >= 10);
        Assert.True(Added("ccwfs_fuse_errors_total", ("operation", "write")) >= 2);
        Assert.Equal(1, metrics.Value("ccwfs_client_used", ("resource", "files"))); // this one
        Assert.Equal(0, metrics.Value("ccwfs_subchannel_taken", s_first));
        Assert.Contains(metrics.Samples.Keys, key => key.StartsWith("ccwfs_build_info{version=\"", StringComparison.Ordinal));
        Assert.Equal(
            Child.Ccwfs("--version").Ok().Output.Split('+')[0].Trim(),
            metrics.Samples.Keys.Single(key => key.StartsWith("ccwfs_build_info", StringComparison.Ordinal)).Split('"')[1]);
    }

    [Fact]
    public void A_link_is_read_as_a_collector_of_files_reads_it()
    {
        string text = _mounted.Python("""
            os.symlink(D + '/metrics', S + '/ccwfs.prom')
            assert stat.S_ISREG(os.stat(S + '/ccwfs.prom').st_mode)
            with open(S + '/ccwfs.prom') as file:
                print(file.read(), end='')
            """);
        Assert.True(OpenMetrics.Parse(text).Families.Count > 20);
        Assert.DoesNotContain(text.Split('\n'), line => line.Length > 0 && line[0] != '#' && line.Split("} ")[^1].Split(' ').Length > 2); // no time
    }

    [Fact]
    public void A_client_is_seen_as_long_as_it_has_the_device()
    {
        _mounted.Python("""
            from vfio import *
            def taken():
                with open(D + '/metrics') as file:
                    return next(line.split()[-1] for line in file if line.startswith('ccwfs_subchannel_taken{subchannel="0.0.0000"}'))
            assert taken() == '0'
            iommu, device, memory, ioas = client()
            assert taken() == '1'
            device.close()
            assert eventually(lambda: taken() == "0")
            """);
    }

    [Fact]
    public void A_person_reads_a_table_of_one_subchannel()
    {
        string[] lines = _mounted.Bash("\"$CCWFS\" run 0.0.0000 'SENSE_ID sli count=40' --mount \"$D\" >\"$S/out\"; cat \"$D/0.0.0000/stats\"")
            .Ok().Output.TrimEnd('\n').Split('\n');
        Assert.Equal("programs     1 well", lines[0]);
        Assert.Contains("commands     1 SENSE_ID", lines);
        Assert.Equal("400 400", _mounted.Bash("stat -c %a \"$D/metrics\" \"$D/0.0.0000/stats\" | paste -sd' '").Ok().Output.TrimEnd());
    }

    [Fact]
    public void A_thousand_readers_keep_a_bounded_part_of_memory() => _mounted.Python("""
        before = resident_kilobytes()
        files = []
        try:
            for i in range(1000):
                files.append(os.open(D + ('/metrics' if i % 2 else '/0.0.0000/stats'), os.O_RDONLY))
        except OSError as error:
            assert error.errno in (errno.ENFILE, errno.ENOMEM), error
        assert len(files) >= 100, len(files)
        assert resident_kilobytes() - before < 200 << 10, resident_kilobytes() - before
        assert os.read(files[-1], 100).startswith(b'# TYPE ')
        """);

    private OpenMetrics Read() => OpenMetrics.Parse(_mounted.Bash("cat \"$D/metrics\"").Ok().Output);
}
