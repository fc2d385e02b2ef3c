namespace CcwFs.SystemTests;

/// <summary>What clients of the control file may take of ccwfs' memory, and that it gets it back.</summary>
public sealed class ControlLimitsTests : IDisposable
{
    private const string Helpers = """
        import base64, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        MiB = 1 << 20
        def control():
            return os.open(f'{D}/control', os.O_RDWR)
        def send(fd, **request):
            os.write(fd, json.dumps(request).encode())
            reply = b''
            while data := os.read(fd, 65536): reply += data
            return json.loads(reply)
        def resident():
            return resident_kilobytes() >> 10
        def eventually(condition, seconds=30):
            for _ in range(seconds * 10):
                if condition(): return True
                select.select([], [], [], 0.1)
            return False

        """;

    private readonly MountedCcwfs _mounted = new(["--device", "dasd", "--allow-other", "--mode", "0666"]);

    public void Dispose() => _mounted.Dispose();

    [Fact]
    public void Halves_of_requests_are_short_and_their_memory_goes_back() => Run("""
        before, files = resident(), [control() for _ in range(24)]
        for fd in files:
            assert os.write(fd, b'{"verb":"list","spec":"') == 23
            for _ in range(128):                                    # 8 MiB, if it may
                result = call(os.write, fd, b'x' * 65536)
                if result < 0: break
            assert result == -errno.EFBIG, result
        assert resident() < before + 64, (before, resident())
        assert send(files[0], verb='list')['devices']               # what was too long is forgotten
        for fd in files[1:]:
            os.write(fd, b'{"verb":"list","spec":"' + b'x' * 200_000)
        assert resident() < before + 64, (before, resident())
        assert send(control(), verb='list')['devices']
        """);

    [Fact]
    public void A_user_who_takes_all_there_is_leaves_enough_for_the_others_and_gives_it_back() => Run("""
        os.chmod(S, 0o755)
        before, (reader, writer) = resident(), os.pipe()
        def halves():
            files = []                                              # as many as it likes
            while len(files) < 900:
                fd = call(control)
                if fd < 0 or call(os.write, fd, b'{"spec":"' + b'x' * 200_000) < 0: return files
                files.append(fd)
            raise Exception('there is no limit')
        def spaces():
            for fd in halves(): os.close(fd)
            fd = control()                                          # address spaces of programs
            assert 'error' not in send(fd, verb='space', parts=[dict(address=0, length=64 * MiB)])
            assert 'too many programs' in send(control(), verb='space', parts=[dict(address=0, length=64 * MiB)])['error']
            assert 'may have' in send(control(), verb='space', parts=[dict(address=n << 26, length=64 * MiB) for n in range(2)])['error']
            page = base64.b64encode(b'x' * 98304).decode()
            for at in range(0, 63 * MiB, 98304):
                assert send(fd, verb='write', address=at, bytes=page) == {}
            return fd
        def greedy(uid, action):
            child = os.fork()
            if child == 0:
                try:
                    os.setgroups([]), os.setresgid(uid, uid, uid), os.setresuid(uid, uid, uid), ctypes.CDLL(None).prctl(1, signal.SIGKILL)    # PR_SET_PDEATHSIG
                    kept = action()
                    os.write(writer, b'full'), signal.pause()
                finally:
                    os.write(writer, b'fail')
            assert os.read(reader, 4) == b'full'
            return child
        children = [greedy(1000, spaces)] + [greedy(1000 + n, halves) for n in range(1, 6)]
        assert resident() < before + 700, (before, resident())
        fd = control()                                              # root's
        assert send(fd, verb='list')['devices'] and call(os.close, fd) is None
        for child in children:
            assert os.waitpid(child, os.WNOHANG) == (0, 0), 'one of them failed'
            os.kill(child, signal.SIGKILL), os.waitpid(child, 0)
        assert eventually(lambda: resident() < before + 64), (before, resident())
        """);

    [Fact]
    public void A_user_adds_so_many_devices_and_no_more_and_gets_them_back() => Run("""
        os.chmod(S, 0o755)
        def add(spec): return send(control(), verb='add', directory='/', spec=spec)
        def as_user(uid, action):
            child = os.fork()
            if child == 0:
                try:
                    os.setgroups([]), os.setresgid(uid, uid, uid), os.setresuid(uid, uid, uid)
                    action(), os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
        def refused(reply):
            assert 'a user may have 1024 devices' in reply.get('error', ''), reply
        def greedy():
            before = resident()
            refused(add('dasd,count=65536')), refused(add('dasd,count=1025'))
            for _ in range(100):                                    # what fails costs nothing
                assert 'exists already' in add('dasd,count=600,id=0.0.0000')['error']
            assert len(add('dasd,count=1000,id=0.0.1000')['added']) == 1000
            refused(add('dasd,count=25'))
            assert 'error' not in send(control(), verb='remove', id='0.0.1001')
            assert len(add('dasd,count=25,id=0.0.2000')['added']) == 25
            refused(add('dasd'))
            assert resident() < before + 128, (before, resident())
        as_user(1000, greedy)
        as_user(1001, lambda: add('dasd')['added'])
        assert len(add('dasd,count=3000,id=0.0.3000')['added']) == 3000    # root's
        as_user(1000, lambda: refused(add('dasd')))
        """);

    [Fact]
    public void Many_long_lists_at_once_take_bounded_memory()
    {
        using var many = new MountedCcwfs(["--device", "dasd,count=16384", "--allow-other", "--mode", "0666"]);
        many.Python(Helpers + """
            os.chmod(S, 0o755)
            os.setgroups([]), os.setresgid(1000, 1000, 1000)
            open(f'/proc/{P}/clear_refs', 'w').write('5')           # the peak from now on
            before = resident()
            os.setresuid(1000, 1000, 0)
            files = [control() for _ in range(48)]
            def ask(fd):
                os.write(fd, b'{"verb":"list"}')
                reply = b''
                while True:
                    data = call(os.read, fd, 1 << 20)
                    if not isinstance(data, bytes): return data
                    if not data: return json.loads(reply)
                    reply += data
            answers, threads = [None] * len(files), []
            for n in range(len(files)):
                threads.append(threading.Thread(target=lambda n=n: answers.__setitem__(n, ask(files[n]))))
                threads[-1].start()
            for thread in threads: thread.join()
            for answer in answers:
                assert answer == -errno.ENOMEM or len(answer.get('devices', [])) == 16384 or 'too much is asked' in answer['error']
            assert any(isinstance(answer, dict) and 'devices' in answer for answer in answers)
            os.seteuid(0)
            peak = next(int(line.split()[1]) >> 10 for line in open(f'/proc/{P}/status') if line.startswith('VmHWM'))
            print(before, peak)
            assert peak < before + 256, (before, peak)
            assert len(ask(control())['devices']) == 16384
            """);
    }

    [Fact]
    public void An_open_that_is_refused_takes_nothing() => Run("""
        os.chmod(S, 0o755)
        os.setgroups([]), os.setresgid(1000, 1000, 1000), os.setresuid(1000, 1000, 0)
        kept = []
        while (fd := call(os.open, f'{D}/memory', os.O_RDONLY)) >= 0:    # all the files that a user may have
            kept.append(fd)
        assert fd == -errno.ENFILE, fd
        for _ in range(30_000):                                          # 4 KiB each would be more than a user's share
            assert call(control) == -errno.ENFILE
        for fd in kept: os.close(fd)
        assert eventually(lambda: call(control) >= 0)
        assert 'error' not in send(control(), verb='space', parts=[dict(address=0, length=64 * MiB)])
        """);

    [Fact]
    public void A_large_program_goes_over_in_pieces_and_comes_back()
    {
        File.WriteAllLines(_mounted.Scratch.At("large"), Enumerable.Repeat("SENSE_ID sli count=65535", 200)); // 13 MB
        Assert.Contains("ff3990e9", _mounted.Ccwfs("run", "0.0.0000", "--program", _mounted.Scratch.At("large")).Ok().Output, StringComparison.Ordinal);
        Run("""
            fd = control()
            assert 'no memory' in send(fd, verb='run', id=DEV, orb='00' * 12)['error']
            page = dict(address=0, length=4096)
            for parts in [], [dict(address=0, length=5)], [dict(address=5, length=4096)], [dict(address=0, length=-4096)], [page] * 2, None, [None]:
                assert 'memory' in send(fd, verb='space', parts=parts)['error'], parts
            assert send(fd, verb='space', parts=[dict(address=0, length=65536), dict(address=1 << 20, length=8192)]) == {}
            program = ccw(0xe4, SLI, 40, 1 << 20)
            assert send(fd, verb='write', address=0x1000, bytes=base64.b64encode(program).decode()) == {}
            for address in 65536, 65530, (1 << 20) + 8190, 1 << 40, (1 << 64) - 1:
                assert 'no part' in send(fd, verb='write', address=address, bytes=base64.b64encode(bytes(8)).decode())['error']
                assert 'no part' in send(fd, verb='read', address=address, length=8)['error']
            assert len(send(fd, verb='run', id=DEV, orb=orb().hex())['irbs']) == 1
            assert base64.b64decode(send(fd, verb='read', address=1 << 20, length=4)['bytes']).hex() == 'ff3990e9'
            assert send(fd, verb='read', address=(1 << 20) + 4096, length=4096) == {}    # zeros
            assert 'length' in send(fd, verb='read', address=0, length=1 << 30)['error'] and 'length' in send(fd, verb='read', address=0, length=-1)['error']
            """);
    }

    private void Run(string script) => _mounted.Python(Helpers + script);
}
