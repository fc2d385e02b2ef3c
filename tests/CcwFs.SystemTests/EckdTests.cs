namespace CcwFs.SystemTests;

/// <summary>Real ECKD I/O through the files.</summary>
public sealed class EckdTests(MountedCcwfs mounted) : IClassFixture<MountedCcwfs>
{
    [Fact]
    public void A_track_is_formatted_written_and_read_back() => mounted.Python("""
        blocks = [bytes([n]) * 4096 for n in range(1, 13)]
        format_track(30, 12, 4096)
        assert read_records(30, 1, 12, 4096) == [bytes(4096)] * 12
        write_records(30, 1, blocks)
        assert read_records(30, 1, 12, 4096) == blocks
        assert read_records(30, 7, 2, 4096) == blocks[6:8]
        counts = ran(extent(0x40, 30, 30), locate(6, 3, 30, 0), (0x12, 0, 8), (0x92, 0, 8), (0x92, 0, 8))
        assert [c.hex() for c in counts] == ['0002000001001000', '0002000002001000', '0002000003001000']
        """);

    [Fact]
    public void A_seek_a_search_and_a_TIC_find_a_record() => mounted.Python("""
        format_track(31, 5, 512)
        write_records(31, 4, [b'found' + bytes(507)])
        poke(DATA, bytes(2) + cchh(31)); poke(DATA + 8, cchh(31) + b'\x04')
        poke(PROGRAM, ccw(7, CC, 6, DATA) + ccw(0x31, CC, 5, DATA + 8) + ccw(8, 0, 0, PROGRAM + 8) + ccw(6, 0, 512, DATA + 64))
        assert start() == 24 and wait() == 1
        assert Status(irb()).dstat == 0x0c and peek(DATA + 64, 5) == b'found'
        """);

    [Fact]
    public void Indirect_addresses_scatter_the_data() => mounted.Python("""
        format_track(32, 1, 4096)
        block = os.urandom(4096)
        write_records(32, 1, [block])
        _, _, de = extent(0x40, 32, 32); _, _, lr = locate(6, 1, 32, 1, 4096)
        poke(DATA, de); poke(DATA + 16, lr)
        poke(DATA + 64, struct.pack('>QQ', 0x40800, 0x50000))            # 2048 bytes in the first page, the rest in another
        poke(PROGRAM, ccw(0x63, CC, 16, DATA) + ccw(0x47, CC, 16, DATA + 16) + ccw(0x86, IDA, 4096, DATA + 64))
        assert start() == 24 and wait() == 1
        status = Status(irb()); assert (status.dstat, status.cstat) == (0x0c, 0)
        assert peek(0x40800, 2048) + peek(0x50000, 2048) == block and peek(0x50800, 8) == bytes(8)
        """);

    [Fact]
    public void A_rejected_command_gives_a_unit_check_with_its_sense() => mounted.Python("""
        status, _ = run((0xff, SLI, 8))
        assert status.dstat & 0x02 and status.cstat == 0, status.bytes.hex()
        if status.bytes[17] & 0x3f or status.bytes[16] & 0x01:      # concurrent sense
            assert status.sense[0] == 0x80 and status.sense[27] & 0x80 == 0x80, status.sense.hex()
        else:
            sense = ran((4, 0, 32))[0]
            assert sense[0] == 0x80, sense.hex()
        ran((3, SLI, b''))
        """);

    [Fact]
    public void A_record_that_is_not_there_is_no_record_found() => mounted.Python("""
        format_track(33, 3, 1024)
        status, _ = run(extent(0x40, 33, 33), locate(6, 1, 33, 9, 1024), (0x86, 0, 1024))
        assert status.dstat & 0x02 and status.sense[1] & 0x08, status.bytes.hex()
        """);

    [Fact]
    public void A_write_where_the_mask_inhibits_it_is_refused_and_changes_nothing() => mounted.Python("""
        format_track(34, 1, 512)
        status, _ = run(extent(0x40, 34, 34), locate(1, 1, 34, 1, 512), (0x85, 0, b'x' * 512))
        assert status.dstat & 0x02
        assert read_records(34, 1, 1, 512) == [bytes(512)]
        """);

    [Fact]
    public void A_wrong_length_is_told_with_the_residual_count() => mounted.Python("""
        format_track(35, 1, 512)
        status, data = run(extent(0x40, 35, 35), locate(6, 1, 35, 1, 512), (0x86, 0, 600))
        assert status.cstat == 0x40 and status.count == 88, status.bytes.hex()
        """);

    [Fact]
    public void A_program_controlled_interruption_comes_before_the_end() => mounted.Python("""
        poke(PROGRAM, ccw(3, CC | SLI | PCI, 1, 0) + ccw(3, SLI, 1, 0))
        assert start() == 24
        count, seen = 0, []
        while count < 2:
            count += wait(); seen.append(Status(irb()))
        assert seen[0].stctl & 8 and seen[0].cstat & 0x80 and seen[-1].stctl & 7 == 7, [s.bytes.hex() for s in seen]
        """);

    [Fact]
    public void Two_devices_run_side_by_side() => mounted.Python("""
        dev = subprocess.check_output([CCWFS, 'add', 'dasd', '--mount', D], text=True).split()[1]
        results = []
        def work(dev, base):
            format_track(40, 4, 2048, dev=dev, at=base, data=base + 0x1000)
            for n in range(30):
                blocks = [bytes([n, base >> 20]) * 1024] * 4
                write_records(40, 1, blocks, dev=dev, at=base, data=base + 0x1000)
                assert read_records(40, 1, 4, 2048, dev=dev, at=base, data=base + 0x1000) == blocks
            results.append(dev)
        threads = [threading.Thread(target=work, args=a) for a in ((DEV, 1 << 20), (dev, 2 << 20))]
        for t in threads: t.start()
        for t in threads: t.join()
        assert len(results) == 2
        subprocess.check_call([CCWFS, 'remove', dev, '--mount', D], stdout=subprocess.DEVNULL)
        """);
}

/// <summary>--memory: a size, or a file that others map too.</summary>
public sealed class GuestStorageTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_shared_file_shows_the_same_bytes_to_a_process_that_maps_it()
    {
        using var file = new SharedFile(16 << 20);
        using var mounted = new MountedCcwfs(["--device", "dasd", "--memory", file.Path]);
        mounted.Python($"""
            fd = os.open('{file.Path}', os.O_RDWR); memory = mmap.mmap(fd, 16 << 20)
            memory[0x1000:0x1008] = ccw(0xe4, SLI, 40, 0x2000)
            assert start() == 24 and wait() == 1
            assert memory[0x2000:0x2007].hex() == 'ff3990e933900a'
            poke(0x3000, b'through the file'); assert memory[0x3000:0x3010] == b'through the file'
            memory[0x3000:0x3003] = b'map'; assert peek(0x3000, 3) == b'map'
            assert os.stat(D + '/memory').st_size == 16 << 20
            """);
    }

    [Fact]
    public void A_shared_file_that_is_cut_under_the_mount_gives_errors_and_never_kills()
    {
        using var file = new SharedFile(16 << 20);
        using var mounted = new MountedCcwfs(["--device", "dasd", "--memory", file.Path]);
        mounted.Python($"""
            poke(PROGRAM, ccw(0xe4, CC | SLI, 40, 0x2000) + ccw(0x08, 0, 0, PROGRAM) + ccw(3, SLI, 1, 0))   # reads into storage for ever
            assert start() == 24
            os.truncate('{file.Path}', 0x2000)
            assert name(pread(D + '/memory', 16, 0x8000)) == 'EIO'
            fd = os.open(path('irq/io'), os.O_RDONLY | os.O_NONBLOCK)
            cmd(2); wait(); irb()
            poke(PROGRAM, ccw(0xe4, SLI, 40, 0x2000))
            result = start()
            if result == 24:
                assert wait() >= 1; irb()
            os.truncate('{file.Path}', 0)
            result = start(); assert result == 24 or result < 0
            os.truncate('{file.Path}', 16 << 20)
            drain(); cmd(2); wait(); irb(); drain()
            poke(PROGRAM, ccw(0xe4, SLI, 40, 0x2000))
            assert start() == 24 and wait() == 1 and peek(0x2000, 3).hex() == 'ff3990'
            """);
        Assert.True(mounted.IsRunning);
    }

    [Fact]
    public void Storage_is_sparse_and_as_large_as_asked()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--memory", "8G"]);
        mounted.Python("""
            assert os.stat(D + '/memory').st_size == 8 << 30
            before = resident_kilobytes()
            poke((8 << 30) - 4, b'last'); assert peek((8 << 30) - 4, 100) == b'last'
            assert name(pwrite(D + '/memory', b'x', 8 << 30)) in ('ENOSPC', 'EFBIG')
            assert resident_kilobytes() - before < 65536
            """);
    }

    [Theory]
    [InlineData("0", 2)]
    [InlineData("1000", 2)]
    [InlineData("99999G", 1)]
    [InlineData("/nowhere/file", 1)]
    [InlineData("/dev/null", 1)]
    public void Storage_that_cannot_be_is_refused_in_one_line(string memory, int status) =>
        Assert.Contains("--memory", Child.Ccwfs("mount", _scratch.MakeDirectory("m"), "--device", "dasd", "--memory=" + memory).Refused(status),
            StringComparison.Ordinal);

    private sealed class SharedFile : IDisposable
    {
        internal SharedFile(long size)
        {
            using FileStream file = File.Create(Path);
            file.SetLength(size);
        }

        internal string Path { get; } = $"/dev/shm/ccwfs-test-{Guid.NewGuid():N}";

        public void Dispose() => File.Delete(Path);
    }
}
