namespace CcwFs.SystemTests;

/// <summary>Clients that take all they can get: they are refused with the errno of the kernel's own limits, and others go on.</summary>
public sealed class ClientLimitTests
{
    /// <summary>What a client does that wants descriptors of ccwfs: one for each memory file that it maps. Gives the errnos it met.</summary>
    private const string Greedy = """
        from vfio import *
        import resource
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        kept, children = [], []
        def greedy(files, maps):
            refused = set()
            for n in range(files):
                iommu = call(os.open, f'{D}/iommu', os.O_RDWR)
                if iommu < 0:
                    return refused | {name(iommu)}
                kept.append(iommu)
                result, (_, _, ioas) = call_with(iommu, ALLOC, 'III', 12, 0, 0)
                for m in range(maps if result == 0 else 0):
                    kept.append(Memory(0x1000, shared=True))
                    result = call_with(iommu, MAP, 'IIIIQQQ', 40, 7, ioas, 0, kept[-1].address, 0x1000, m << 12)[0]
                    if result:
                        break
                if result:
                    refused.add(name(result))
            return refused
        def become(user):
            os.setgroups([]), os.setresgid(user, user, user), os.setresuid(user, user, user)
        def child(user, body):
            # The child holds what it has until the end of the script.
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    become(user)
                    os.write(writer, repr(body()).encode() or b'?')
                except BaseException as failure:
                    os.write(writer, repr(failure).encode())
                signal.pause()
            children.append(pid)
            os.close(writer)
            return eval(os.read(reader, 4096))
        def good(user=0):
            def body():
                iommu, device, memory, ioas = client(Memory(0x100000, shared=True))
                done = device.run() & 0xff == 0
                device.close(), os.close(iommu.fd)
                return done
            assert child(user, body) is True

        """;

    [Fact]
    public void One_client_with_as_many_files_and_maps_as_it_likes_is_refused_and_the_rest_goes_on()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"], through: ["prlimit", "--nofile=2048:2048"]);
        mounted.Python(Greedy + """
            of_clients = lambda: len([link for link in descriptors() if 'memfd:guest' in link])
            try:
                assert child(0, lambda: greedy(157, 127)) == {'ENOMEM'}
                assert of_clients() == 128, of_clients()    # a sixteenth of 2048
                good()
                assert json.loads(subprocess.run([CCWFS, 'list', '--json', '--mount', D], capture_output=True, check=True).stdout)
                assert run((0xe4, SLI, 40))[0].dstat == 0x0c
            finally:
                for pid in children:
                    os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)
            assert eventually(lambda: of_clients() == 0)
            """);
        Assert.True(mounted.IsRunning);
        Assert.DoesNotContain("   at CcwFs", mounted.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void One_user_with_many_processes_stops_neither_root_nor_another_user()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0666"],
            through: ["prlimit", "--nofile=2048:2048", "--nproc=1600:1600"]);
        mounted.Python(Greedy + """
            os.chmod(S, 0o755)
            try:
                for process in range(6):    # a sixteenth each, a quarter for all
                    assert child(4001, lambda: greedy(8, 127)) == {'ENOMEM'}
                good(4002), good(0)
                # open files
                def opens():
                    while (fd := call(os.open, path('info'), os.O_RDONLY)) >= 0:
                        pass
                    return name(fd)
                while (met := child(4003, opens)) == 'EMFILE':    # the process's own limit, of the kernel
                    pass
                assert met == 'ENFILE', met
                assert child(4003, lambda: name(call(os.listdir, D))) == 'ENFILE'
                good(4002), good(0)
            finally:
                for pid in children:
                    os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)
            assert eventually(lambda: child(4003, lambda: isinstance(os.listdir(D), list)) is True)
            os.kill(children[-1], signal.SIGKILL), os.waitpid(children[-1], 0)
            """);
        Assert.DoesNotContain("   at CcwFs", mounted.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_for_which_there_is_no_thread_is_refused_and_works_when_there_is_one_again()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd"], through: ["prlimit", "--nproc=320:320"]); // root's own are not limited by it
        mounted.Python("""
            from vfio import *
            files, alloc = [], lambda f: call_with(f.fd, ALLOC, 'III', 12, 0, 0)[0]
            while True:
                files.append(Iommu())
                result = alloc(files[-1])
                if result:
                    break
            assert result == -errno.ENOMEM and len(files) == 21, (name(result), len(files))    # a sixteenth of 320
            assert alloc(files[-1]) == -errno.ENOMEM and alloc(files[0]) == 0
            os.close(files.pop(0).fd)
            assert eventually(lambda: alloc(files[-1]) == 0)
            for file in files:
                os.close(file.fd)
            iommu, device, memory, ioas = client()
            assert device.run() & 0xff == 0
            """);
    }
}
