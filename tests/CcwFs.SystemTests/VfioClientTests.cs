namespace CcwFs.SystemTests;

/// <summary>VFIO clients of a mounted ccwfs: real processes with real ioctls, good ones and hostile ones (vfio.py).</summary>
public sealed class VfioClientTests(MountedCcwfs mounted) : IClassFixture<MountedCcwfs>
{
    [Theory]
    [InlineData("Memory(0x100000)")]
    [InlineData("Memory(0x100000, shared=True)")]
    public void A_client_runs_programs_in_its_own_memory(string memory) => Run($$"""
        iommu, device, memory, ioas = client({{memory}})
        assert device.run() & 0xff == 0 and memory.peek(DATA, 7).hex() == 'ff3990e933900a', memory.peek(DATA, 7).hex()
        assert ioctl(device.fd, RESET, 0) == 0
        assert device.run() & 0xff == 0
        # unmapped memory is ENOENT, as with iommufd
        assert device.start(0x200000) == -errno.ENOENT
        assert iommu.unmap(ioas, 0, 0x100000) == 0
        assert device.start() == -errno.ENOENT
        assert device.detach() == 0 and device.start() == -errno.ENOENT
        """);

    [Fact]
    public void Two_parties_keep_each_other_out() => Run("""
        iommu, device, memory, ioas = client()
        other = Device()
        assert other.bind(iommu) == -errno.EINVAL
        assert pwrite(path('io'), bytes(124)) == -errno.EBUSY
        assert pwrite(path('cmd'), struct.pack('=II', 1, 0)) == -errno.EBUSY
        assert len(pread(path('schib'), 52)) == 52
        listed = json.loads(subprocess.run([CCWFS, 'list', '--json', '--mount', D], capture_output=True, check=True).stdout)
        assert listed[0]['use'] is True
        def refused(*words):
            child = subprocess.run([CCWFS, *words], capture_output=True, text=True)
            assert child.returncode == 1 and child.stderr.count('\n') == 1, child
            return child.stderr
        assert 'is in use' in refused('qemu', '--mount', D, '--print', '0.0.0000', '--', 'qemu-system-s390x')
        assert 'belongs to a VFIO client' in refused('run', '--mount', D, '0.0.0000', 'NOP')
        assert 'a VFIO client' in open(path('info')).read()
        device.close()
        assert other.bind(iommu) == 0
        other.close()
        assert eventually(lambda: not json.loads(subprocess.run([CCWFS, 'list', '--json', '--mount', D], capture_output=True, check=True).stdout)[0]['use'])
        # a file user's program that never ends
        poke(PROGRAM, ccw(0x03, CC | SLI, 1, DATA) + ccw(0x08, 0, 0, PROGRAM))
        assert pwrite(path('io'), struct.pack('>III', 0, FORMAT1, PROGRAM) + struct.pack('>I', START) + bytes(8)) == 24
        assert Device().bind(iommu) == -errno.EBUSY
        assert pwrite(path('cmd'), struct.pack('=II', 2, 0)) == 8
        """);

    [Fact]
    public void Bad_arguments_get_the_kernels_errnos() => Run("""
        iommu, device = Iommu(), Device()
        assert ioctl(device.fd, GET_INFO, structure('IIII', 16, 0, 0, 0)) == -errno.EINVAL    # before BIND
        for number, expected in ((-1, errno.EINVAL), (999, errno.EBADF), (os.open('/dev/null', os.O_RDWR), errno.EBADFD), (device.fd, errno.EBADFD),
                                 (os.open(f'{D}/memory', os.O_RDWR), errno.EBADFD)):
            assert device.bind(number) == -expected, number
        assert ioctl(device.fd, BIND, 8) == -errno.EFAULT
        assert call_with(device.fd, BIND, 'IIiI', 15, 0, iommu.fd, 0)[0] == -errno.EINVAL
        assert device.bind(iommu) == 0 and device.bind(iommu) == -errno.EINVAL
        assert device.attach(99) == -errno.ENOENT
        assert ioctl(device.fd, GET_INFO, 8) == -errno.EFAULT
        assert call_with(device.fd, GET_INFO, 'IIII', 15, 0, 0, 0)[0] == -errno.EINVAL
        assert ioctl(device.fd, 0x1234, 0) == -errno.ENOTTY
        assert device.set_irqs(0, EVENTFD | TRIGGER, struct.pack('=i', -2)) == -errno.EINVAL
        assert device.set_irqs(0, EVENTFD | TRIGGER, struct.pack('=i', 999)) == -errno.EBADF
        assert device.set_irqs(0, EVENTFD | TRIGGER, struct.pack('=i', 0)) == -errno.EINVAL
        assert call(os.fsync, device.fd) == -errno.EINVAL
        assert call(os.pread, device.fd, 125, IO) == -errno.EINVAL and call(os.pread, device.fd, 4, 4 << 10) == -errno.EINVAL
        """);

    [Fact]
    public void Two_clients_do_not_see_each_others_address_spaces() => Run("""
        first, second = Iommu(), Iommu()
        one = first.alloc()
        first.alloc()
        other = first.alloc()
        memory = Memory(0x10000)
        assert second.map(one, 0, memory) == -errno.ENOENT
        device = Device()
        assert device.bind(second) == 0 and device.attach(other) == -errno.ENOENT
        """);

    [Fact]
    public void A_client_killed_in_the_middle_of_a_program_leaves_nothing() => Run("""
        before = None
        for round in range(4):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                iommu, device, memory, ioas = client(Memory(0x100000, shared=round % 2 == 1))
                device.event(2)
                memory.poke(PROGRAM, ccw(0x03, CC | SLI, 1, DATA) + ccw(0x08, 0, 0, PROGRAM))    # loops for ever
                assert device.start() == 24
                os.write(writer, b'.')
                signal.pause()
            assert os.read(reader, 1) == b'.'
            os.close(reader), os.close(writer)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            iommu, device, memory, ioas = client()    # at once
            assert device.run() & 0xff == 0
            device.close(), os.close(iommu.fd)
            if round == 1:
                before = len(descriptors())
        assert eventually(lambda: len(descriptors()) <= before), (before, descriptors())
        """);

    /// <summary>Else ccwfs, killed while it has a descriptor of a client's that is of its own mount, would wait for itself and never end.</summary>
    [Fact]
    public void A_close_asks_nothing_of_ccwfs() => Run("""
        files = [os.open(f'{D}/{file}', os.O_RDWR) for file in ('iommu', 'control', 'memory', f'{DEV}/device', f'{DEV}/io', f'{DEV}/irq/io')]
        files.append(os.open(f'{D}/sys/bus/css/devices/{DEV}/uevent', os.O_RDONLY))
        os.kill(int(P), signal.SIGSTOP)
        closing = threading.Thread(target=lambda: [os.close(fd) for fd in files], daemon=True)
        closing.start()
        closing.join(10)
        os.kill(int(P), signal.SIGCONT)
        assert not closing.is_alive(), 'the daemon was asked'
        """);

    [Fact]
    public void What_was_opened_lives_as_long_as_somebody_has_it() => Run("""
        # whoever makes the first ioctls, refused ones too, and ends: what others do with the files goes on
        iommu, device, memory, event = Iommu(), Device(), Memory(0x100000, shared=True), os.eventfd(0, os.EFD_NONBLOCK)
        def child(body):
            pid = os.fork()
            if pid == 0:
                body()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        def refused():
            assert ioctl(iommu.fd, MAP, 8) == -errno.EFAULT and iommu.unmap(7, 0, 4096) == -errno.ENOENT and ioctl(device.fd, 0x1234, 0) == -errno.EINVAL
        def opens():
            ioas, private = iommu.alloc(), Memory(0x10000)
            assert ioas == 1 and iommu.map(ioas, 0, memory) == 0 and iommu.map(ioas, 0x200000, private) == 0
        def binds():
            assert device.bind(iommu) == 0 and device.attach(1) == 0
            assert device.set_irqs(0, EVENTFD | TRIGGER, struct.pack('=i', event)) == 0
        child(refused), child(opens), child(binds)
        device.events[0] = event
        memory.poke(PROGRAM, SENSE_ID)
        assert device.run() & 0xff == 0 and memory.peek(DATA, 1) == b'\xff'
        assert device.start(0x200000) == -errno.EFAULT    # memory of a process that is no more
        memory.poke(PROGRAM, ccw(0xe4, SLI, 40, 0x201000))
        assert device.run() & 0x20                        # program check
        assert iommu.unmap(1, 0x200000, 0x10000) == 0 and iommu.map(1, 0x200000, Memory(0x10000)) == 0
        # one that is killed in the middle of a program of its own
        def loops():
            memory.poke(PROGRAM, ccw(0x03, CC | SLI, 1, DATA) + ccw(0x08, 0, 0, PROGRAM))
            assert device.start() == 24
        child(loops)
        assert ioctl(device.fd, RESET, 0) == 0
        memory.poke(PROGRAM, SENSE_ID)
        assert device.run() & 0xff == 0
        other = Device()
        device.close()
        assert other.bind(iommu) == 0 and other.attach(1) == 0    # it goes with its last close
        other.close()
        """);

    [Fact]
    public void What_was_opened_can_be_sent_away_by_who_ends() => Run("""
        import socket
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        pid = os.fork()
        if pid == 0:
            iommu, device, memory, ioas = client(Memory(0x100000, shared=True))
            socket.send_fds(there, [b'.'], [iommu.fd, device.fd, device.events[0], memory.file])
            os._exit(0)
        _, fds, _, _ = socket.recv_fds(here, 1, 4)
        assert os.waitpid(pid, 0)[1] == 0
        device = Device.__new__(Device)
        device.fd, device.events = fds[1], {0: fds[2]}
        assert device.run() & 0xff == 0 and os.pread(fds[3], 1, DATA) == b'\xff'
        """);

    [Fact]
    public void An_eventfd_at_its_maximum_holds_nobody_up() => Run("""
        iommu, device, memory, ioas = client()
        full = os.eventfd(0, os.EFD_CLOEXEC)    # its writers block
        os.eventfd_write(full, 2**64 - 2)
        assert device.set_irqs(0, EVENTFD | TRIGGER, struct.pack('=i', full)) == 0
        for round in range(100):
            assert device.start() in (24, -errno.EBUSY)
        assert eventually(lambda: device.start() == 24)
        assert eventually(lambda: device.irb()[3] & 1 == 1)
        device.event(0)
        assert eventually(lambda: device.start() == 24) and device.wait() >= 1
        """);

    [Fact]
    public void A_client_whose_memory_does_not_answer_holds_up_only_itself() => Run("""
        iommu, device, memory, ioas = client()
        page = Memory(0x10000)
        assert iommu.map(ioas, 0x200000, page) == 0
        uffd = LIBC.syscall(323 if os.uname().machine == 'x86_64' else 355, 0)
        if uffd >= 0:    # a kernel without it has no such client
            fcntl.ioctl(uffd, 0xc018aa3f, struct.pack('=QQQ', 0xaa, 0, 0))
            fcntl.ioctl(uffd, 0xc020aa00, struct.pack('=QQQQ', page.address, page.length, 1, 0))
            stuck = []
            threads = [threading.Thread(target=lambda: stuck.append(device.start(0x200000)), daemon=True) for _ in range(4)]
            threads += [threading.Thread(target=lambda: stuck.append(ioctl(device.fd, GET_INFO, page.address)), daemon=True) for _ in range(4)]
            for thread in threads:
                thread.start()
            for round in range(6):    # others go on
                assert json.loads(subprocess.run([CCWFS, 'list', '--json', '--mount', D], capture_output=True, check=True, timeout=10).stdout)
                assert len(pread(f'{D}/memory', 4096)) == 4096
            os.close(uffd)
        """);

    [Fact]
    public void A_signal_does_not_disturb_what_no_driver_lets_a_signal_disturb() => Run("""
        iommu, device, memory, ioas = client()
        hits = 0
        def hit(*_):
            global hits
            hits += 1
        signal.signal(signal.SIGALRM, hit)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        for i in range(1500):
            other = iommu.alloc()
            assert iommu.map(other, 0, memory) == 0
            assert ioctl(iommu.fd, DESTROY, structure('II', 8, other)) == 0
            assert ioctl(device.fd, RESET, 0) == 0
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert hits > 10, hits
        """);

    [Fact]
    public void A_suspended_program_interrupts_and_goes_on() => Run("""
        iommu, device, memory, ioas = client()
        memory.poke(PROGRAM, ccw(0x03, CC | SLI, 1, DATA) + ccw(0x03, CC | SLI | SUSPEND, 1, DATA) + ccw(0x03, SLI, 1, DATA))
        orb = struct.pack('=IHBBI', 0, 0x08c2, 0x80, 0, PROGRAM)    # suspend control
        assert call(os.pwrite, device.fd, orb + struct.pack('=HHIBBH', 0, START, 0, 0, 0, 0), IO) == 24
        assert device.wait() == 1
        suspended = device.irb()
        assert suspended[3] & 0x21 == 0x21, suspended.hex()
        memory.poke(PROGRAM + 8, ccw(0x03, CC | SLI, 1, DATA))
        assert call(os.pwrite, device.fd, orb + struct.pack('=HHIBBH', 0, START | 0x0820, 0, 0, 0, 0), IO) == 24
        assert device.wait() == 1
        assert device.irb()[8] == 0x0c
        """);

    private void Run(string script) => Child.Finish(mounted.StartPython("from vfio import *\n" + script)).Ok();
}
