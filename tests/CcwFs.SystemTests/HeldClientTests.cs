using System.Diagnostics;

namespace CcwFs.SystemTests;

/// <summary>
/// A VFIO client whose memory does not answer: pages of a file of another ccwfs, which reads them as long as it likes. It holds up itself and nobody
/// else.
/// </summary>
public sealed class HeldClientTests
{
    /// <summary>How many clients wait; more than there are threads to run programs.</summary>
    private const int Clients = 12;

    [Theory]
    [InlineData("ccw(0xE4, SLI, 40, HELD)", "PROGRAM", "pending")]       // to memory
    [InlineData("ccw(0x63, SLI, 16, HELD)", "PROGRAM", "pending")]       // from memory
    [InlineData("ccw(0x03, CC | SLI, 1, DATA) * 200 + ccw(0xE4, SLI, 40, HELD)", "PROGRAM", "pending")] // not at once: on the threads that all share
    [InlineData("SENSE_ID", "HELD", "processing")]                         // the program itself
    public void It_holds_up_nobody_else(string program, string at, string state)
    {
        using var scratch = new Scratch();
        string image = scratch.MakeImage("shared.ckd", cylinders: 10);
        // all share one volume
        string[] devices = [.. Enumerable.Range(0, Clients + 2).SelectMany(_ => (string[])["--device", $"dasd,image={image}"])];
        using var mounted = new MountedCcwfs(devices);
        // ends first: as long as it holds a thread of the other one, that cannot end
        using var other = new MountedCcwfs(["--device", $"dasd,count={Clients}"]);
        using Process client = mounted.StartPython($$"""
            from vfio import *
            for n in range({{Clients}}):
                if os.fork() == 0:
                    iommu, device, memory, ioas = client(Memory(0x100000, shared=n % 2 == 0), f'0.0.{n:04x}', held=Held('{{other.MountPoint}}', n))
                    memory.poke(PROGRAM, {{program}})
                    result = device.start({{at}})
                    assert result == 24, name(result)
                    signal.pause()
            state = lambda n: open(f'{D}/0.0.{n:04x}/info').read().split('state')[1].split()[0]
            assert eventually(lambda: all(state(n) == '{{state}}' for n in range({{Clients}})))
            print('held', flush=True)
            signal.pause()
            """);
        try
        {
            client.Says("held");
            mounted.Python($$"""
                from vfio import *
                def verb(*words): return subprocess.run([CCWFS, *words, '--mount', D], capture_output=True, text=True, check=True, timeout=15).stdout
                last, another = '0.0.{{Clients + 1:x4}}', '0.0.{{Clients:x4}}'
                for round in range(3):
                    assert len(json.loads(verb('list', '--json'))) == {{Clients + 2}}
                    assert 'state' in open(f'{D}/0.0.0000/info').read() and len(pread(path('schib'), 52)) == 52
                    verb('path', '0.0.0000', '40', 'off'), verb('path', '0.0.0000', '40', 'on')
                    # the files of another one, the same volume; another client; the threads for long programs
                    status, _ = run((0xe4, SLI, 40), dev=last); assert status.dstat == 0x0c
                    verb('run', last, *['NOP'] * 200)
                    iommu, device, memory, ioas = client(dev=another)
                    assert device.run() & 0xff == 0
                    device.close(), os.close(iommu.fd)
                verb('remove', '--force', '0.0.0000'), verb('remove', '--force', '0.0.0001')
                assert not os.path.exists(f'{D}/0.0.0000')
                assert len(json.loads(verb('list', '--json'))) == {{Clients}}
                """);
        }
        finally
        {
            client.Kill(entireProcessTree: true);
            other.Kill(); // its readers get an error
            Child.Run("umount", "-l", other.MountPoint).Ok();
        }
        mounted.Python($$"""
            from vfio import *
            for n in range(2, {{Clients + 2}}):    # all are free again
                iommu, device, memory, ioas = client(dev=f'0.0.{n:04x}')
                assert device.run() & 0xff == 0
            """);
        Assert.DoesNotContain("   at CcwFs", mounted.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_uid_program_that_its_process_becomes_meanwhile_is_not_held_and_not_reached()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0666"]);
        using var other = new MountedCcwfs(["--device", "dasd,count=3", "--allow-other", "--mode", "0666"]);
        mounted.Python($$"""
            from vfio import *
            import shutil
            os.chmod(S, 0o755), os.chmod('{{other.Scratch.Path}}', 0o755), shutil.copy('/bin/sleep', f'{S}/sleeps'), os.chmod(f'{S}/sleeps', 0o4755)
            of_clients = lambda: [link for link in descriptors() if link.endswith('/mem')]
            def memory_of(pid):
                held = open(f'/proc/{pid}/mem', 'rb')
                areas = [line.split() for line in open(f'/proc/{pid}/maps') if line.split()[1] == 'rw-p']
                ends = [[int(end, 16) for end in area[0].split('-')] for area in areas if '[stack]' not in area]
                return b''.join((held.seek(first), held.read(last - first))[1] for first, last in ends)
            for n, (command, through) in enumerate(((ALLOC, 0), (MAP, 0), (BIND, 1))):
                process = os.fork()
                if process == 0:
                    os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
                    file, held = os.open(f'{D}/iommu' if not through else path('device'), os.O_RDWR), Held('{{other.MountPoint}}', n)
                    os.set_inheritable(file, True)
                    threading.Thread(target=lambda: ioctl(file, command, held.address)).start()
                    try:
                        while not [t for t in os.listdir('/proc/self/task') if open(f'/proc/self/task/{t}/syscall').read().startswith('16 ')]:
                            pass
                    finally:
                        os.execv(f'{S}/sleeps', ['sleeps', '60'])
                assert eventually(lambda: os.stat(f'/proc/{process}').st_uid == 0 and open(f'/proc/{process}/comm').read() == 'sleeps\n', 20), 'it is held'
                assert eventually(lambda: open(f'/proc/{process}/syscall').read().split()[0] in ('230', '35'))    # clock_nanosleep, nanosleep
                before = memory_of(process)
                answer = "from ccw import *; poke(PROGRAM, ccw(0xe4, SLI, 40, DATA)); start(dev=sys.argv[1])"    # what is held is answered, by an interrupt
                subprocess.run([sys.executable, '-c', answer, f'0.0.{n:04x}'], env=dict(os.environ, D='{{other.MountPoint}}'), check=True)
                assert eventually(lambda: not of_clients()), of_clients()
                assert memory_of(process) == before and os.stat(f'/proc/{process}').st_uid == 0
                os.kill(process, signal.SIGKILL), os.waitpid(process, 0)
            iommu, device, memory, ioas = client()
            assert device.run() & 0xff == 0
            """);
        Assert.DoesNotContain("   at CcwFs", mounted.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_own_reset_and_close_go_on()
    {
        using var mounted = new MountedCcwfs();
        using var other = new MountedCcwfs(["--device", "dasd,count=2"]);
        mounted.Python($$"""
            from vfio import *
            for n, shared in enumerate((False, True)):
                child = os.fork()
                if child:
                    assert os.waitpid(child, 0)[1] == 0
                    continue
                iommu, device, memory, ioas = client(Memory(0x100000, shared=shared), held=Held('{{other.MountPoint}}', n))
                memory.poke(PROGRAM + 0x100, ccw(0xE4, SLI, 40, HELD))
                assert device.start(PROGRAM + 0x100) == 24
                assert ioctl(device.fd, RESET, 0) == 0
                assert device.run() & 0xff == 0
                if shared:
                    assert device.start(PROGRAM + 0x100) == 24
                    assert iommu.unmap(ioas, HELD, 4096) == 0
                    assert device.run() & 0xff == 0
                device.close(), os.close(iommu.fd)
                os._exit(0)
            iommu, device, memory, ioas = client()
            assert device.run() & 0xff == 0
            """);
    }
}
