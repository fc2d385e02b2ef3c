namespace CcwFs.SystemTests;

/// <summary>What pread and pwrite on the region files answer, errno for errno.</summary>
public sealed class RegionErrorTests(MountedCcwfs mounted) : IClassFixture<MountedCcwfs>
{
    private const string Fresh = """
        def forget():
            while drain(): irb()
            cmd(2); wait(); irb(); drain(); pwrite(path('io'), bytes(124)); pwrite(path('cmd'), bytes(8))
        forget()

        """;

    [Theory]
    // file, offset, length, errno: the length check comes first
    [InlineData("io", 0, 125)]
    [InlineData("io", 124, 1)]
    [InlineData("io", 123, 2)]
    [InlineData("io", 1 << 20, 1)]
    [InlineData("cmd", 0, 9)]
    [InlineData("cmd", 8, 1)]
    [InlineData("cmd", 5, 4)]
    public void Writes_over_the_end_of_a_region_are_EINVAL_and_transfer_nothing(string file, int offset, int length) =>
        mounted.Python(Fresh + $"""
            before = pread(path('{file}'), 124)
            assert name(pwrite(path('{file}'), b'\xff' * {length}, {offset})) == 'EINVAL'
            assert pread(path('{file}'), 124) == before
            """);

    [Theory]
    // ORB word 1, function bits, channel-program address, errno; ret_code holds the same
    [InlineData("FORMAT1", "HALT", "PROGRAM", "EOPNOTSUPP")]
    [InlineData("FORMAT1", "CLEAR", "PROGRAM", "EOPNOTSUPP")]
    [InlineData("FORMAT1", "HALT | CLEAR", "PROGRAM", "EOPNOTSUPP")]
    [InlineData("FORMAT1 | 0x40000", "START", "PROGRAM", "EOPNOTSUPP")]
    [InlineData("FORMAT1", "START", "0x7ffff000", "EINVAL")]
    [InlineData("FORMAT1", "START", "256 << 20", "EINVAL")]
    [InlineData("FORMAT1", "START", "(256 << 20) - 2040", "EINVAL")]
    [InlineData("FORMAT1 | 0x40", "START", "PROGRAM", "EIO")]
    [InlineData("FORMAT1 | 0x02", "START", "PROGRAM", "EIO")]
    [InlineData("FORMAT1 | 0x7e", "START", "PROGRAM", "EIO")]
    [InlineData("(FORMAT1 & ~0xff00) | 0x4000", "START", "PROGRAM", "EACCES")]
    public void A_start_that_is_refused_says_why_twice_and_leaves_the_irb(string word1, string function, string cpa, string expected) =>
        mounted.Python(Fresh + $"""
            poke(PROGRAM, ccw(3, SLI, 1, 0))
            pwrite(path('io'), b'\x5a' * 96, 24)
            result = pwrite(path('io'), orb({cpa}, {word1}) + scsw({function}))
            assert name(result) == '{expected}', name(result)
            assert name(io_ret_code()) == '{expected}'
            assert irb() == b'\x5a' * 96 and drain() == 0
            assert ran((3, SLI, b'')) == []
            """);

    [Theory]
    [InlineData("FORMAT1", "START")]
    [InlineData("FORMAT1", "START | HALT | CLEAR")]
    [InlineData("FORMAT1 & ~0x400000", "START")]
    [InlineData("FORMAT1 & ~0xff00", "START")]
    [InlineData("FORMAT1 | 0xf0000000", "START")]
    [InlineData("FORMAT1 | 0x80", "START")]
    [InlineData("FORMAT1 | 0x01", "START")]
    [InlineData("FORMAT1 | 0x13100000", "START")]
    public void A_start_that_is_accepted_gives_the_count_and_zero(string word1, string function) =>
        mounted.Python(Fresh + $"""
            poke(PROGRAM, ccw(3, SLI, 1, 0))
            result = pwrite(path('io'), orb(PROGRAM, {word1}) + scsw({function}))
            assert result == 24, name(result)
            assert io_ret_code() == 0
            assert wait() == 1
            assert Status(irb()).stctl & 1
            """);

    [Fact]
    public void Without_a_function_nothing_starts_and_the_callers_ret_code_is_the_answer() => mounted.Python(Fresh + """
        def with_code(code): return pwrite(path('io'), bytes(120) + struct.pack('=I', code))
        assert with_code(0) == 124 and with_code(5) == 124 and io_ret_code() == 5
        assert name(with_code(0xfffffff0)) == 'EBUSY' and io_ret_code() == -errno.EBUSY
        assert with_code(0x80000000) == 124
        assert with_code(0) == 124 and drain() == 0
        """);

    [Fact]
    public void Any_write_in_range_is_a_request_on_the_whole_region() => mounted.Python(Fresh + """
        poke(PROGRAM, ccw(3, SLI, 1, 0))
        assert pwrite(path('io'), orb()) == 12 and drain() == 0
        assert pwrite(path('io'), scsw(), 12) == 12 and wait() == 1
        irb()
        assert pwrite(path('io'), b'\0\0\0\0', 120) == 4 and wait() == 1, 'only ret_code written: the start is still there'
        irb()
        assert pwrite(path('io'), b'\0', 100) == 1 and wait() == 1
        irb()
        """);

    [Theory]
    [InlineData(1, 2)] // HSCH
    [InlineData(2, 1)] // CSCH
    public void A_program_that_loops_is_busy_until_halt_or_clear(int command, int function) => mounted.Python(Fresh + $"""
        result = loop_for_ever(); assert result == 24, name(result)
        for attempt in orb() + scsw(), bytes(24), orb(word1=FORMAT1 | 0x40000) + scsw():
            assert name(pwrite(path('io'), attempt)) == 'EBUSY'
        assert name(pwrite(path('io'), bytes(125))) == 'EINVAL'
        assert name(io_ret_code()) == 'EBUSY'
        assert drain() == 0
        assert 'pending' in open(path('info')).read()
        assert cmd({command}) == 4
        assert wait() == 1
        status = Status(irb())
        assert status.fctl & {function} and status.stctl & 1, status.bytes.hex()
        assert cmd_ret_code() == 0 and name(io_ret_code()) == 'EBUSY'
        assert ran((3, SLI, b'')) == [] and io_ret_code() == 0
        """);

    [Fact]
    public void A_looping_program_does_not_starve_other_devices() => mounted.Python(Fresh + """
        others = ['0.0.0010', '0.0.0011', '0.0.0012', '0.0.0013']
        for other in others: subprocess.check_call([CCWFS, 'add', 'dasd,id=' + other, '--mount', D], stdout=subprocess.DEVNULL)
        for other in others: assert loop_for_ever(other) == 24
        for _ in range(20): assert ran((0xe4, SLI, 40), at=0x3000)[0][:7].hex() == 'ff3990e933900a'
        for other in others:
            assert cmd(2, other) == 4 and wait(dev=other) == 1
            subprocess.check_call([CCWFS, 'remove', other, '--mount', D], stdout=subprocess.DEVNULL)
        """);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(0x01000000)]
    [InlineData(-1)]
    public void An_unknown_command_is_EINVAL(int command) => mounted.Python(Fresh + $"""
        assert name(pwrite(path('cmd'), struct.pack('=i', {command}))) == 'EINVAL'
        assert name(cmd_ret_code()) == 'EINVAL' and drain() == 0
        """);

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void Halt_and_clear_of_an_idle_subchannel_interrupt(int command, int function) => mounted.Python(Fresh + $"""
        assert cmd({command}) == 4 and cmd_ret_code() == 0
        assert wait() == 1
        status = Status(irb())
        assert (status.fctl, status.stctl) == ({function}, 1), status.bytes.hex()
        """);

    [Theory]
    [InlineData("(0x02, 0, 0xfffff000)", "EINVAL")] // data not mapped
    [InlineData("(0x02, IDA, 0xfffff000)", "EINVAL")] // indirect-address list not mapped
    public void Data_that_is_not_mapped_is_refused_before_anything_runs(string row, string expected) => mounted.Python(Fresh + $"""
        code, flags, address = {row}
        poke(PROGRAM, ccw(3, CC | SLI, 1, 0) + ccw(code, flags, 16, address & 0x7fffffff))
        assert name(start()) == '{expected}' and drain() == 0
        """);

    [Theory]
    [InlineData(256, "24")]
    [InlineData(257, "EINVAL")]
    public void A_chain_has_256_CCWs_at_most(int ccws, string expected) => mounted.Python(Fresh + $"""
        poke(PROGRAM, ccw(3, CC | SLI, 1, 0) * ({ccws} - 1) + ccw(3, SLI, 1, 0))
        result = start()
        assert str(name(result)) == '{expected}', name(result)
        if result > 0: assert wait() == 1 and Status(irb()).dstat == 0x0c
        """);

    [Fact]
    public void Irb_bytes_of_a_user_read_back_until_the_next_interrupt() => mounted.Python(Fresh + """
        assert pwrite(path('io'), b'\xab' * 96, 24) == 96 and irb() == b'\xab' * 96
        ran((0xe4, SLI, 40))
        assert b'\xab' not in irb()
        """);

    [Fact]
    public void A_client_that_never_reads_an_interrupt_or_an_irb_never_hangs() => mounted.Python(Fresh + """
        poke(PROGRAM, ccw(3, SLI, 1, 0))
        done = 0
        while done < 200:
            result = start()
            assert result == 24 or name(result) == 'EBUSY', name(result)
            done += result == 24
        assert wait() >= 1
        irb(); drain()
        assert ran((0xe4, SLI, 12))[0][:3].hex() == 'ff3990'
        """);

    [Fact]
    public void A_suspended_program_is_busy_gives_one_interrupt_and_clear_ends_it() => mounted.Python(Fresh + """
        poke(PROGRAM, ccw(3, CC | SLI, 1, 0) + ccw(3, SLI | SUSPEND, 1, 0))
        assert start(word1=FORMAT1 | 0x08000000) == 24
        assert wait() == 1
        status = Status(irb())
        assert status.stctl == 9 and status.actl & 1, status.bytes.hex()   # intermediate, pending; suspended
        assert name(start()) == 'EBUSY'
        assert cmd(2) == 4 and wait() == 1 and Status(irb()).fctl == 1
        """);

    [Fact]
    public void Schib_and_crw_refuse_writes() => mounted.Python(Fresh + """
        for file in 'schib', 'crw':
            assert name(pwrite(path(file), b'1234')) == 'EINVAL'
        """);

    [Fact]
    public void A_partial_read_of_crw_takes_one_report() => mounted.Python("""
        subprocess.check_call([CCWFS, 'add', 'dasd,id=0.0.0020,chpids=40.41', '--mount', D], stdout=subprocess.DEVNULL)
        dev = '0.0.0020'
        for state in 'off', 'on':
            subprocess.check_call([CCWFS, 'path', dev, '41', state, '--mount', D])
        assert wait('crw', dev) >= 1
        first = struct.unpack('>I', pread(path('crw', dev), 4))[0]
        second = struct.unpack('>I', pread(path('crw', dev), 8)[:4])[0]
        assert (first & 0x0f000000, first & 0xff, second & 0x0f000000, second & 0xff) == (0x04000000, 0x41, 0x04000000, 0x41), (hex(first), hex(second))
        assert first & 0x3f0000 == 0x060000 and second & 0x3f0000 == 0x020000, (hex(first), hex(second))
        assert pread(path('crw', dev), 8) == bytes(8)
        subprocess.check_call([CCWFS, 'remove', dev, '--mount', D], stdout=subprocess.DEVNULL)
        """);

    [Fact]
    public void A_device_that_is_suddenly_gone_answers_as_the_table_says() => mounted.Python("""
        dev = '0.0.0021'
        subprocess.check_call([CCWFS, 'add', 'dasd,id=' + dev, '--mount', D], stdout=subprocess.DEVNULL)
        files = {f: os.open(path(f, dev), os.O_RDWR if f in ('io', 'cmd') else os.O_RDONLY) for f in ('io', 'cmd', 'schib', 'crw')}
        req = os.open(path('irq/req', dev), os.O_RDONLY)
        subprocess.check_call([CCWFS, 'remove', dev, '--force', '--mount', D], stdout=subprocess.DEVNULL)
        assert name(call(os.stat, path('io', dev))) == 'ENOENT' and dev not in os.listdir(D)
        assert name(call(os.pread, files['schib'], 52, 0)) == 'ENODEV'
        assert name(call(os.pwrite, files['io'], orb() + scsw(), 0)) == 'EIO'
        assert name(call(os.pwrite, files['cmd'], struct.pack('=I', 2), 0)) == 'EIO'
        assert len(os.pread(files['crw'], 8, 0)) == 8
        subprocess.check_call([CCWFS, 'add', 'dasd,id=' + dev, '--mount', D], stdout=subprocess.DEVNULL)
        assert name(call(os.pread, files['schib'], 52, 0)) == 'ENODEV', 'an old file does not see the new device'
        assert len(pread(path('schib', dev), 52)) == 52
        subprocess.check_call([CCWFS, 'remove', dev, '--mount', D], stdout=subprocess.DEVNULL)
        """);
}
