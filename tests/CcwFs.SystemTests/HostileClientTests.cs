using System.Globalization;

namespace CcwFs.SystemTests;

/// <summary>Attacks of VFIO clients through a real mount: none gains anything, none hurts the others or ccwfs.</summary>
public sealed class HostileClientTests(MountedCcwfs mounted) : IClassFixture<MountedCcwfs>
{
    /// <summary>How long the fuzz lasts; CCWFS_FUZZ_SECONDS says something else, CCWFS_FUZZ_SEED repeats one (arbitrary).</summary>
    private const int Seconds = 5;

    [Fact]
    public void Who_executes_a_setuid_program_has_no_memory_any_more()
    {
        using var open = new MountedCcwfs(["--device", "dasd", "--allow-other"]);
        open.Python("""
        from vfio import *
        os.chmod(S, 0o755)
        assert subprocess.run(['cp', '/bin/sleep', f'{S}/sleeps']).returncode == 0
        os.chmod(f'{S}/sleeps', 0o4755)
        iommu, device, shared = Iommu(), Device(), Memory(0x100000, shared=True)
        event = os.eventfd(0, os.EFD_NONBLOCK)
        for fd in iommu.fd, device.fd, event:
            os.set_inheritable(fd, True)
        child = os.fork()
        if child == 0:
            os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
            private, ioas = Memory(0x10000), iommu.alloc()
            assert iommu.map(ioas, 0, shared) == 0 and iommu.map(ioas, 0x200000, private) == 0 and device.bind(iommu) == 0 and device.attach(ioas) == 0
            assert device.set_irqs(0, EVENTFD | TRIGGER, struct.pack('=i', event)) == 0
            private.poke(0, SENSE_ID)
            shared.poke(PROGRAM, ccw(0xe4, SLI, 40, 0x201000))
            os.execv(f'{S}/sleeps', ['sleeps', '60'])
        try:
            assert eventually(lambda: os.path.basename(os.readlink(f'/proc/{child}/exe')) == 'sleeps' and os.stat(f'/proc/{child}').st_uid == 0)
            device.events[0] = event
            assert device.start(0x200000) == -errno.EFAULT, 'the program was in the memory of the process'
            assert device.start() == 24 and device.wait() == 1    # the data
            assert device.irb()[9] & 0x20, device.irb().hex()     # program check
            shared.poke(PROGRAM, SENSE_ID)
            assert device.run() & 0xff == 0                       # memory that it shares with others is still that
            assert os.waitpid(child, os.WNOHANG) == (0, 0)
        finally:
            os.kill(child, signal.SIGKILL), os.waitpid(child, 0)
        assert len(os.pread(device.fd, 4, IO)) == 4    # the file is still there, and so is what was made of it
        assert device.start() == 24 and device.wait() == 1 and device.irb()[9] == 0
        """);
    }

    [Fact]
    public void A_file_open_for_reading_is_never_written() => Run("""
        with open(f'{S}/data', 'wb') as file:
            file.write(b'good' * 4096)
        fd, length = os.open(f'{S}/data', os.O_RDONLY), 16384
        iommu, device, memory, ioas = client()
        shared = Memory.of(length, mmap.PROT_READ, mmap.MAP_SHARED, fd)
        assert iommu.map(ioas, 0x200000, shared) == -errno.EFAULT
        assert iommu.map_file(ioas, 0x200000, fd, 0, length) < 0
        private = Memory.of(length, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE, fd)
        assert iommu.map(ioas, 0x200000, private) == 0
        memory.poke(PROGRAM, ccw(0xe4, SLI, 40, 0x200000))
        assert device.run() & 0xff == 0 and ctypes.string_at(private.address, 2) == b'\xff\x39'    # its own copy
        Memory.of(length, mmap.PROT_READ, mmap.MAP_SHARED, fd, private.address)                    # the file in its place
        assert device.start() == 24 and device.wait() == 1
        assert device.irb()[9] & 0x20, device.irb().hex()
        assert open(f'{S}/data', 'rb').read() == b'good' * 4096
        """);

    [Fact]
    public void A_file_that_is_cut_is_memory_that_is_gone() => Run("""
        for path in None, f'{S}/cut':
            fd = os.memfd_create('cut') if path is None else os.open(path, os.O_RDWR | os.O_CREAT)
            os.ftruncate(fd, 0x10000)
            cut = Memory.of(0x10000, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd)
            iommu, device, memory, ioas = client(Memory(0x100000, shared=True))
            assert iommu.map(ioas, 0x200000, cut) == 0
            os.pwrite(fd, SENSE_ID, 0)
            assert device.run(0x200000) & 0xff == 0
            os.ftruncate(fd, 0)
            assert device.start(0x200000) == -errno.EFAULT
            memory.poke(PROGRAM, ccw(0x63, SLI, 16, 0x204000))    # what the device is to take is not there
            assert device.start() == 24 and device.wait() == 1
            assert device.irb()[9] & 0x20, device.irb().hex()
            memory.poke(PROGRAM, SENSE_ID)
            assert device.run() & 0xff == 0
            device.close(), os.close(iommu.fd)
        """);

    [Fact]
    public void Descriptors_of_other_files_are_no_iommu()
    {
        using var other = new MountedCcwfs();
        Run($$"""
            iommu, device = Iommu(), Device()
            for file in 'iommu', '0.0.0000/device', 'control', 'memory':    # of another ccwfs: FUSE too
                fd = os.open(f'{{other.MountPoint}}/{file}', os.O_RDWR)
                assert device.bind(fd) == -errno.EBADFD, file
                os.close(fd)
                assert device.bind(fd) == -errno.EBADF
            assert device.bind(os.open(f'{D}/iommu', os.O_PATH)) in (-errno.EBADF, -errno.EBADFD)
            assert device.bind(os.dup(iommu.fd)) == 0
            """);
    }

    [Fact]
    public void A_client_in_a_pid_namespace_of_its_own_is_reached_and_one_outside_of_ours_refused()
    {
        mounted.Bash("""
            timeout 20 unshare -pf --kill-child python3 -c 'from vfio import *
            iommu, device, memory, ioas = client()
            assert device.run() & 0xff == 0'
            """).Ok();
        using var scratch = new Scratch();
        Outcome outcome = Child.Finish(Child.Start("/", new Dictionary<string, string> { ["S"] = scratch.Path, ["CCWFS"] = Places.Program }, "bash", "-euc", """
            mkdir $S/m
            unshare -pf --kill-child $CCWFS mount $S/m --device dasd > $S/log 2>&1 & launcher=$!
            trap 'kill -9 $launcher; umount -l $S/m' EXIT
            until grep -q mounted $S/log; do kill -0 $launcher; read -t 0.1 nothing <> <(:) || :; done
            D=$S/m python3 -c 'from vfio import *
            iommu = Iommu()
            assert call_with(iommu.fd, ALLOC, "III", 12, 0, 0)[0] == -errno.EPERM
            assert Device().bind(iommu) == -errno.EPERM'
            grep -q 'another pid namespace' $S/log
            """));
        outcome.Ok();
    }

    [Fact]
    public void Maps_that_overlap_wrap_or_lie_askew_are_refused_as_iommufd_does() => Run("""
        iommu, memory = Iommu(), Memory(0x10000)
        ioas = iommu.alloc()
        def mapped(iova, address=memory.address, length=0x4000, flags=7, argsz=40):
            return call_with(iommu.fd, MAP, 'IIIIQQQ', argsz, flags, ioas, 0, address, length, iova)[0]
        assert mapped(0x10000) == 0
        for expected, arguments in (
                (errno.EEXIST, dict(iova=0x13000)), (errno.EEXIST, dict(iova=0xd000)), (errno.EINVAL, dict(iova=0x20001)),
                (errno.EINVAL, dict(iova=0x20000, length=1)),
                (errno.EINVAL, dict(iova=0x20000, length=0)), (errno.EINVAL, dict(iova=0x20000, address=memory.address + 1)),
                (errno.EOVERFLOW, dict(iova=2**64 - 0x1000)), (errno.EOVERFLOW, dict(iova=0x20000, address=2**64 - 0x1000)),
                (errno.EFAULT, dict(iova=0x20000, address=0x1000)), (errno.EFAULT, dict(iova=0x20000, address=1 << 63)),
                (errno.EFAULT, dict(iova=0x20000, length=1 << 40)),
                (errno.EOPNOTSUPP, dict(iova=0x20000, flags=8)), (errno.EINVAL, dict(iova=0x20000, flags=1)), (errno.EINVAL, dict(iova=0x20000, argsz=39))):
            result = mapped(**arguments)
            assert result == -expected, (arguments, name(result))
        assert ioctl(iommu.fd, MAP, memory.address + 0x10000 - 8) == -errno.EINVAL    # argsz 0 at the end of a page
        assert ioctl(iommu.fd, MAP, 8) == -errno.EFAULT and ioctl(iommu.fd, MAP, 2**64 - 8) == -errno.EFAULT
        for expected, iova, length in (
                (errno.ENOENT, 0x10000, 0x1000), (errno.ENOENT, 0x40000, 0x1000), (errno.EOVERFLOW, 0x10000, 2**64 - 1), (errno.EINVAL, 0x10000, 0)):
            assert iommu.unmap(ioas, iova, length) == -expected
        assert iommu.unmap(ioas, 0x10000, 0x4000) == 0
        """);

    [Fact]
    public void Reads_and_writes_with_bad_pointers_are_faults_and_change_nothing() => Run("""
        iommu, device, memory, ioas = client()
        LIBC.pread.argtypes = LIBC.pwrite.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long]
        def errno_of(f, length, offset):
            assert f(device.fd, 8, length, offset) == -1
            return ctypes.get_errno()
        for offset, length in ((IO, 124), (CMD, 8), (SCHIB, 52), (CRW, 8)):
            assert errno_of(LIBC.pread, length, offset) == errno.EFAULT
        before = os.pread(device.fd, 124, IO)
        assert errno_of(LIBC.pwrite, 124, IO) == errno.EFAULT and errno_of(LIBC.pwrite, 8, CMD) == errno.EFAULT
        assert os.pread(device.fd, 124, IO) == before and os.pread(device.fd, 8, CMD) == bytes(8)
        """);

    [Fact]
    public void The_owner_of_a_mount_made_by_root_is_served()
    {
        using var owned = new MountedCcwfs(["--device", "dasd", "--owner", "nobody"]);
        owned.Bash("chmod 755 $S").Ok();
        owned.Python("""
            from vfio import *
            os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
            iommu, device, memory, ioas = client()
            assert device.run() & 0xff == 0
            """);
        owned.Python("""
            os.setresgid(12345, 12345, 12345), os.setresuid(12345, 12345, 12345)
            assert call(os.open, f'{D}/iommu', os.O_RDWR) == -errno.EACCES
            """);
        owned.Ccwfs("list").Ok();
    }

    [Fact]
    public void Random_ioctls_accesses_and_requests_of_two_users_who_fork_execute_and_die_leave_it_alive_and_leak_nothing()
    {
        int seconds = int.Parse(Environment.GetEnvironmentVariable("CCWFS_FUZZ_SECONDS") ?? $"{Seconds}", CultureInfo.InvariantCulture);
        string seed = Environment.GetEnvironmentVariable("CCWFS_FUZZ_SEED") ?? Random.Shared.Next().ToString(CultureInfo.InvariantCulture);
        using var own = new MountedCcwfs(["--device", "dasd,count=4", "--allow-other", "--mode", "0666"]);
        TimeSpan patience = TimeSpan.FromSeconds(seconds) + (2 * Child.Patience);
        Outcome outcome = Child.Finish(own.StartPython($"import ioctl_fuzz; ioctl_fuzz.main({seed}, {seconds})"), patience: patience);
        Assert.True(outcome.Status == 0, $"seed {seed}\n{outcome.Output}\n{outcome.Error}\n{own.Log}");
        Assert.True(own.IsRunning);
        Assert.DoesNotContain("   at CcwFs", own.Log, StringComparison.Ordinal);
    }

    private void Run(string script) => Child.Finish(mounted.StartPython("from vfio import *\n" + script)).Ok();
}
