using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>irq/io, irq/crw and irq/req under real readers, pollers and signals.</summary>
public sealed class InterruptFileTests(MountedCcwfs mounted) : IClassFixture<MountedCcwfs>
{
    /// <summary>Waits, by the kernel's own word on it, until a thread is in a system call on ccwfs.</summary>
    private const string Blocked = """

        def until_blocked(tid):
            while True:
                with open(f'/proc/self/task/{tid}/stat') as f:
                    if f.read().rsplit(')', 1)[1].split()[0] in 'SD':
                        with open(f'/proc/self/task/{tid}/syscall') as call:
                            if call.read().split()[0] == '0': return
                os.sched_yield()
        def reader(fd, results):
            ready, tid = threading.Event(), []
            def body():
                tid.append(threading.get_native_id()); ready.set()
                results.append(call(os.read, fd, 8))
            t = threading.Thread(target=body); t.start(); ready.wait(); until_blocked(tid[0])
            return t
        drain(); drain('crw'); drain('req')

        """;

    [Fact]
    public void A_blocked_read_is_answered_by_the_interrupt() => mounted.Python(Blocked + """
        fd = os.open(path('irq/io'), os.O_RDONLY); got = []
        t = reader(fd, got)
        program((3, SLI, b'')); poke(PROGRAM, ccw(3, SLI, 1, 0))
        assert start() == 24
        t.join(30); assert got == [struct.pack('=Q', 1)], got
        """);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Who_waits_again_without_having_read_the_irb_hears_of_his_halt_and_clear(int command) => mounted.Python(Blocked + $"""
        program((3, SLI, b'')); fd = os.open(path('irq/io'), os.O_RDWR); got = []
        for round in range(3):
            assert start() == 24 and os.read(fd, 8) == struct.pack('=Q', 1)
            t = reader(fd, got)
            assert cmd({command}) == 4
            t.join(30); assert got == [struct.pack('=Q', 1)] * (round + 1), got
            assert Status(irb()).fctl == (2, 1)[{command} - 1]
        """);

    [Fact]
    public void Who_waits_longer_takes_no_irb_from_the_one_that_was_woken() => mounted.Python(Blocked + """
        program((3, SLI, b'')); fd = os.open(path('irq/io'), os.O_RDWR); first, second = [], []
        one = reader(fd, first); two = reader(fd, second)
        poll = select.poll(); poll.register(fd, select.POLLIN)
        assert start() == 24
        one.join(30); assert first == [struct.pack('=Q', 1)] and second == []
        assert cmd(1) == 4 and poll.poll(30000)    # there is more for who asks again
        assert Status(irb()).fctl == 4             # that of the one who was woken first
        two.join(30); assert second == [struct.pack('=Q', 1)] and Status(irb()).fctl == 2
        """);

    [Theory]
    [InlineData("os.read(fd, 7)", "EINVAL")]
    [InlineData("os.read(fd, 1)", "EINVAL")]
    [InlineData("os.write(fd, b'1234567')", "EINVAL")]
    [InlineData("os.write(fd, b'\\xff' * 8)", "EINVAL")]
    [InlineData("os.read(fd, 8)", "EAGAIN")]
    [InlineData("os.lseek(fd, 8, 0)", "ESPIPE")]
    public void What_an_eventfd_refuses_is_refused_alike(string expression, string expected) => mounted.Python($"""
        drain('req'); fd = os.open(path('irq/req'), os.O_RDWR | os.O_NONBLOCK)
        assert name(call(lambda: {expression})) == '{expected}', name(call(lambda: {expression}))
        """);

    [Fact]
    public void Writes_add_and_a_read_clears() => mounted.Python("""
        drain('req'); fd = os.open(path('irq/req'), os.O_RDWR)
        for n in 3, 4, 1 << 40: assert os.write(fd, struct.pack('=Q', n)) == 8
        assert os.read(fd, 100) == struct.pack('=Q', (1 << 40) + 7)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
        assert name(call(os.read, fd, 8)) == 'EAGAIN'
        fcntl.fcntl(fd, fcntl.F_SETFL, 0)
        assert os.write(fd, struct.pack('=Q', 1)) == 8 and os.read(fd, 8) == struct.pack('=Q', 1)
        """);

    [Fact]
    public void Poll_and_edge_triggered_epoll_wake_for_every_signal() => mounted.Python("""
        drain('req')
        fd = os.open(path('irq/req'), os.O_RDWR | os.O_NONBLOCK)
        level, edge = select.poll(), select.epoll()
        level.register(fd, select.POLLIN); edge.register(fd, select.EPOLLIN | select.EPOLLET)
        assert level.poll(0) == [] and edge.poll(0) == []
        other = os.open(path('irq/req'), os.O_WRONLY)
        for round in range(20):
            woken = []
            t = threading.Thread(target=lambda: woken.append(edge.poll(30))); t.start()
            os.write(other, struct.pack('=Q', 1)); t.join()
            assert woken and woken[0] and woken[0][0][1] & select.EPOLLIN, round
            assert level.poll(30000)[0][1] & select.POLLIN
            if round % 2:     # an unread count: the next signal is an edge nevertheless
                assert os.read(fd, 8) == struct.pack('=Q', 2)
        assert level.poll(0) == []
        """);

    [Fact]
    public void A_poller_of_io_interrupts_sees_each_program_end() => mounted.Python("""
        drain(); poke(PROGRAM, ccw(3, SLI, 1, 0))
        fd = os.open(path('irq/io'), os.O_RDONLY | os.O_NONBLOCK)
        edge = select.epoll(); edge.register(fd, select.EPOLLIN | select.EPOLLET)
        for _ in range(200):
            assert start() == 24
            assert edge.poll(30), 'no edge'
            assert os.read(fd, 8) == struct.pack('=Q', 1)
            irb()
        """);

    [Fact]
    public void One_signal_wakes_one_of_several_readers_and_none_is_left_behind() => mounted.Python(Blocked + """
        fds = [os.open(path('irq/req'), os.O_RDWR) for _ in range(4)]; got = []
        threads = [reader(fd, got) for fd in fds]
        for n in range(4):
            os.write(fds[0], struct.pack('=Q', 1))
            while len(got) <= n: os.sched_yield()
            assert len(got) == n + 1
        for t in threads: t.join(30)
        assert got == [struct.pack('=Q', 1)] * 4, got
        """);

    [Fact]
    public void A_blocked_read_does_not_stop_a_write_on_the_same_descriptor() => mounted.Python(Blocked + """
        fd = os.open(path('irq/req'), os.O_RDWR); got = []
        t = reader(fd, got)
        assert os.write(fd, struct.pack('=Q', 5)) == 8
        t.join(30); assert got == [struct.pack('=Q', 5)]
        """);

    [Fact]
    public void A_blocked_read_does_not_stop_other_requests() => mounted.Python(Blocked + """
        got = []; threads = [reader(os.open(path('irq/req'), os.O_RDWR), got) for _ in range(32)]
        assert len(pread(path('schib'), 52)) == 52
        ran((0xe4, SLI, 40))
        fd = os.open(path('irq/req'), os.O_RDWR)
        for n in range(32):
            os.write(fd, struct.pack('=Q', 1))
            while len(got) <= n: os.sched_yield()
        for t in threads: t.join(30)
        """);

    [Fact]
    public void SIGINT_ends_a_blocked_reader_and_its_signal_is_not_lost()
    {
        mounted.Python("drain('req')");
        using Process child = mounted.StartPython("""
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            fd = os.open(path('irq/req'), os.O_RDWR); print(os.getpid()); os.read(fd, 8)
            """);
        string pid = child.NextLine()!;
        mounted.Python($"""
            while open('/proc/{pid}/syscall').read().split()[0] != '0': os.sched_yield()
            os.kill({pid}, signal.SIGINT)
            """);
        Assert.True(child.WaitForExit(Child.Patience));
        Assert.Equal(130, child.ExitCode);
        mounted.Python("""
            fd = os.open(path('irq/req'), os.O_RDWR); os.write(fd, struct.pack('=Q', 9))
            assert os.read(fd, 8) == struct.pack('=Q', 9)
            """);
    }

    [Fact]
    public void A_handled_signal_gives_EINTR() => mounted.Python("""
        class Stop(Exception): pass
        def handler(*_): raise Stop
        signal.signal(signal.SIGUSR1, handler); drain('req')
        me = threading.get_native_id(); pid = os.getpid()
        def kick():
            while open(f'/proc/{pid}/task/{me}/syscall').read().split()[0] != '0': os.sched_yield()
            os.kill(pid, signal.SIGUSR1)
        fd = os.open(path('irq/req'), os.O_RDWR)
        t = threading.Thread(target=kick); t.start()
        try:
            os.read(fd, 8); assert False
        except Stop: pass
        t.join()
        """);

    [Fact]
    public void Removing_the_device_ends_held_reads_with_ENODEV_and_wakes_pollers() => mounted.Python(Blocked + """
        new = subprocess.check_output([CCWFS, 'add', 'dasd,id=0.0.0777', '--mount', D], text=True).split()[1]
        assert new == '0.0.0777'
        fds = [os.open(path(f'irq/{i}', new), os.O_RDWR) for i in ('io', 'crw')]; got = []
        threads = [reader(fd, got) for fd in fds]
        polled = os.open(path('irq/io', new), os.O_RDONLY); poller = select.poll(); poller.register(polled, select.POLLIN)
        subprocess.check_call([CCWFS, 'remove', new, '--force', '--mount', D], stdout=subprocess.DEVNULL)
        for t in threads: t.join(30)
        assert [name(g) for g in got] == ['ENODEV'] * 2, got
        assert poller.poll(30000)
        assert name(call(os.read, polled, 8)) == 'ENODEV'
        assert name(call(os.stat, D + '/' + new)) == 'ENOENT'
        """);
}
