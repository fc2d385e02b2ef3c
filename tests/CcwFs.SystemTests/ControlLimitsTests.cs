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
        def add(spec):
            return send(control(), verb='add', directory=S, spec=spec)
        def remove(dev):
            return send(control(), verb='remove', id=dev)
        def as_user(uid, action):
            child = os.fork()
            if child == 0:
                try:
                    os.setgroups([]), os.setresgid(uid, uid, uid), os.setresuid(uid, uid, uid)
                    action(), os._exit(0)
                except BaseException as failure:
                    os.write(2, repr(failure).encode())
                finally:
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0

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
    public void A_user_adds_so_many_devices_and_no_more_and_gets_them_back() => RunWithImage("""
        os.chmod(f'{S}/v.ckd', 0o666)
        def refused(reply):
            assert 'a user may have 1024 devices' in reply.get('error', ''), reply
        def greedy():
            before = resident()
            refused(add('dasd,count=65536')), refused(add('dasd,count=1025'))
            for _ in range(100):                                    # what fails costs nothing
                assert 'exists already' in add('dasd,image=v.ckd,count=600,id=0.0.0000')['error']
            assert len(add('dasd,image=v.ckd,count=1000,id=0.0.1000')['added']) == 1000
            refused(add('dasd,count=25'))
            assert 'error' not in send(control(), verb='remove', id='0.0.1001')
            assert len(add('dasd,image=v.ckd,count=25,id=0.0.2000')['added']) == 25
            refused(add('dasd'))
            assert resident() < before + 128, (before, resident())
        as_user(1000, greedy)
        as_user(1001, lambda: add('dasd')['added'])
        assert len(add('dasd,count=3000,id=0.0.3000')['added']) == 3000    # root's
        as_user(1000, lambda: refused(add('dasd')))
        """);

    [Fact]
    public void Volumes_in_memory_of_a_user_are_counted_whole_and_their_memory_goes_back() => Run("""
        os.chmod(S, 0o755)
        before = resident()
        def greedy():
            assert 'MiB for volumes in memory' in add('dasd,count=13')['error']         # 1 GB
            added = []
            while 'error' not in (reply := add('dasd')):
                added += reply['added']
                assert len(added) <= 6, 'half a GiB is more than there is for one user'
            assert added and 'MiB for volumes in memory' in reply['error'] and 'remove some first' in reply['error'], reply
            kept = [os.open(path('io', dev), os.O_RDWR) for dev in added[:2]]           # keeps the device, not its memory
            for dev in added[:2]:
                for track in range(400):
                    format_track(track, 12, 4096, dev=dev)
            full = resident()
            assert full > before + 32, (before, full)
            for dev in added: assert 'error' not in remove(dev)
            assert eventually(lambda: resident() < full - 32), (before, full, resident())
            assert 'error' not in remove(add('dasd')['added'][0])
        as_user(1000, greedy)
        assert len(add('dasd,count=20')['added']) == 20                                 # root's
        """);

    [Fact]
    public void Images_of_users_leave_enough_descriptors_for_everybody_else()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0666"], through: ["prlimit", "--nofile=2048:2048"]);
        mounted.Scratch.MakeImage("v.ckd", 1);
        mounted.Python(Helpers + """
            os.chmod(S, 0o755)
            def images(uid):
                os.makedirs(f'{S}/{uid}'), os.chown(f'{S}/{uid}', uid, uid)
                for n in range(100):
                    subprocess.run(['cp', f'{S}/v.ckd', f'{S}/{uid}/{n}.ckd'], check=True), os.chown(f'{S}/{uid}/{n}.ckd', uid, uid)
            def fill(uid, most):
                added = []
                for n in range(100):
                    reply = add(f'dasd,image={S}/{uid}/{n}.ckd')
                    if 'error' in reply: break
                    added += reply['added']
                    format_track(0, 12, 4096, dev=added[-1])                            # makes the redo file
                assert len(added) == most and 'open files' in reply['error'], (len(added), reply)
                if most > 0:
                    assert 'error' not in remove(added[0])
                    assert 'error' not in add(f'dasd,image={S}/{uid}/0.ckd')
            for uid in 1000, 1001, 1002: images(uid)
            for uid, most in (1000, 85), (1001, 85), (1002, 0):                         # an eighth of 2048, a quarter for all; three an image
                as_user(uid, lambda: fill(uid, most))
            assert descriptors() < 700, descriptors()
            for n in range(100):                                                        # root's
                dev, = add(f'dasd,image={S}/1002/{n}.ckd')['added']
                format_track(0, 12, 4096, dev=dev)
            """);
        Assert.True(mounted.IsRunning);
    }

    [Fact]
    public void Devices_that_come_and_go_do_not_fill_the_log_and_names_in_it_are_plain()
    {
        using var mounted = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0666", "--log-level", "information"]);
        mounted.Scratch.MakeImage("v.ckd", 1);
        mounted.Python(Helpers + """
            os.chmod(S, 0o755)
            image = f'{S}/u/\x1b[31m\nred\u202e.ckd'
            os.makedirs(f'{S}/u'), os.rename(f'{S}/v.ckd', image), os.link(image, f'{S}/u/other.ckd')
            for file in f'{S}/u', image: os.chown(file, 1000, 1000)
            def noisy():
                for n in range(100):
                    assert add(f'dasd,image={image},id=0.0.0100,deny=SENSE_ID') == {'added': ['0.0.0100']}
                    if n == 0:
                        shown = pread(path('info', '0.0.0100'), 65536).decode()
                        assert f'{S}/u/?[31m?red?.ckd' in shown and not any(c in shown for c in '\x1b\u202e'), shown
                        assert '\x1b' not in add(f'dasd,image={image}x')['error']
                    poke(PROGRAM, ccw(0xe4, SLI, 40, DATA))
                    start(dev='0.0.0100')
                    assert 'error' not in remove('0.0.0100')
            as_user(1000, noisy)
            assert 'added' in add('dasd,id=0.0.0200')                                   # root's
            """);
        mounted.Logged("0.0.0200 added: dasd, in memory");
        mounted.Signal("TERM");
        Assert.Equal(0, mounted.WaitForExit());
        string[] lines = mounted.Log.Split('\n');
        Assert.InRange(lines.Count(line => line.Contains("0.0.0100", StringComparison.Ordinal)), 10, 130); // 60 a minute; there would be 400
        Assert.Contains("more lines about devices of user 1000 were left out", mounted.Log, StringComparison.Ordinal);
        Assert.Contains("/u/?[31m?red?.ckd", mounted.Log, StringComparison.Ordinal);
        Assert.DoesNotContain('\x1b', mounted.Log);
    }

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
                if (written := call(os.write, fd, b'{"verb":"list"}')) < 0: return written
                reply = b''
                while True:
                    data = call(os.read, fd, 1 << 20)
                    if not isinstance(data, bytes): return data
                    if not data: return json.loads(reply)
                    reply += data
            answers, threads, refused = [None] * len(files), [], (-errno.ENOMEM, -errno.EAGAIN)
            for n in range(len(files)):
                threads.append(threading.Thread(target=lambda n=n: answers.__setitem__(n, ask(files[n]))))
                threads[-1].start()
            for thread in threads: thread.join()
            for answer in answers:
                assert answer in refused or len(answer.get('devices', [])) == 16384 or 'too much is asked' in answer['error']
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
        Assert.Contains("ff3990e9", _mounted.Ccwfs("run", "0.0.0000", "--program", _mounted.Scratch.At("large")).Ok().Output,
            StringComparison.Ordinal);
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

    private void RunWithImage(string script)
    {
        _mounted.Scratch.MakeImage("v.ckd", 1);
        Run("os.chmod(S, 0o755)\n" + script);
    }

    private void Run(string script) => _mounted.Python(Helpers + script);
}
