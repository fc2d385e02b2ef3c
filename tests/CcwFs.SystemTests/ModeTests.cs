namespace CcwFs.SystemTests;

/// <summary>What --mode gives to whom: who may not write changes nothing, by no way.</summary>
public sealed class ModeTests
{
    private const string Modes = """
        def modes():
            names = ('iommu', 'control', 'memory', '0.0.0000', '0.0.0000/io', '0.0.0000/cmd', '0.0.0000/schib', '0.0.0000/crw',
                     '0.0.0000/info', '0.0.0000/device',
                     '0.0.0000/irq', '0.0.0000/irq/io', '0.0.0000/irq/crw', '0.0.0000/irq/req', 'sys', 'sys/devices/css0/0.0.0000/chpids')
            return ' '.join(f'{os.stat(f"{D}/{n}").st_mode & 0o777:o}' for n in names)

        """;

    [Theory]
    [InlineData("0600", "600 600 600 700 600 600 400 400 400 600 700 600 600 600 500 400")]
    [InlineData("0644", "600 600 644 755 600 644 444 400 444 600 755 600 600 600 555 444")]
    [InlineData("0664", "660 660 664 775 660 664 444 440 444 660 775 660 660 660 555 444")]
    [InlineData("0666", "666 666 666 777 666 666 444 444 444 666 777 666 666 666 555 444")]
    [InlineData("0640", "600 600 640 750 600 640 440 400 440 600 750 600 600 600 550 440")]
    public void Files_whose_reading_takes_something_are_read_by_who_may_write(string mode, string expected)
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", mode]);
        Assert.Equal(expected, mounted.Python(Modes + "print(modes())").TrimEnd());
    }

    [Fact]
    public void A_mere_reader_reads_and_changes_nothing()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0644"]);
        mounted.Python("""
            from vfio import *
            os.chmod(S, 0o755)
            pid = os.fork()
            if pid == 0:
                os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
                assert len(os.listdir(f'{D}/0.0.0000/irq')) == 3
                assert len(pread(path('schib'), 52)) == 52 and 'state' in open(path('info')).read()
                assert len(pread(f'{D}/memory', 8)) == 8 and len(pread(path('cmd'), 8)) == 8
                for file in f'{D}/iommu', f'{D}/control', *(path(n) for n in ('io', 'crw', 'device', 'irq/io', 'irq/crw', 'irq/req')):
                    for flags in os.O_RDONLY, os.O_WRONLY, os.O_RDWR:
                        assert call(os.open, file, flags) == -errno.EACCES, file
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            iommu, device, memory, ioas = client()
            assert device.run() & 0xff == 0
            """);
    }

    [Fact]
    public void A_descriptor_for_reading_asks_and_changes_nothing()
    {
        using var mounted = new MountedCcwfs();
        mounted.Python("""
            from vfio import *
            iommu, device, memory, ioas = client()
            read_iommu, read_device = os.open(f'{D}/iommu', os.O_RDONLY), os.open(path('device'), os.O_RDONLY)
            for command in ALLOC, DESTROY, MAP, MAP_FILE, UNMAP:
                assert ioctl(read_iommu, command, memory.address) == -errno.EBADF, hex(command)
            assert call_with(read_iommu, RANGES, 'IIIIQQ', 32, ioas, 0, 0, 0, 0)[0] == -errno.ENOENT
            assert ioctl(read_iommu, 0x1234, 0) == -errno.ENOTTY
            device.close()
            assert call_with(read_device, BIND, 'IIiI', 16, 0, iommu.fd, 0)[0] == -errno.EBADF
            assert ioctl(read_device, GET_INFO, memory.address) == -errno.EINVAL    # not bound
            other = Device()
            assert other.bind(read_iommu) == -errno.EBADF
            assert other.bind(iommu) == 0 and other.attach(ioas) == 0
            """);
    }
}
