namespace CcwFs.SystemTests;

/// <summary>One image that several users add through the control file: nobody's devices depend on who opened it first.</summary>
public sealed class SharedImageTests : IDisposable
{
    private const string Helpers = """
        import traceback
        USER, OTHER = 1000, 1001
        FIRST, SECOND = '0.0.0100', '0.0.0101'
        def ask(**request):
            fd, reply = os.open(f'{D}/control', os.O_RDWR), b''
            os.write(fd, json.dumps(request).encode())
            while data := os.read(fd, 65536): reply += data
            os.close(fd)
            return json.loads(reply)
        def add(spec):
            return ask(verb='add', directory=S, spec=spec)
        def added(spec):
            reply = add(spec)
            assert 'added' in reply, reply
            return reply['added']
        def remove(dev):
            assert ask(verb='remove', id=dev) == {}
        def as_user(uid, action):
            child = os.fork()
            if child == 0:
                try:
                    os.setgroups([]), os.setresgid(uid, uid, uid), os.setresuid(uid, uid, uid), action()
                except BaseException:
                    traceback.print_exc(), os._exit(1)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        def shared(owner):
            os.makedirs(f'{S}/home'), os.rename(f'{S}/v.ckd', f'{S}/home/v.ckd')
            for file in f'{S}/home/v.ckd', f'{S}/home': os.chown(file, owner, owner)
            os.chmod(f'{S}/home/v.ckd', 0o666)
            return f'{S}/home/v.ckd'
        def extended(path):
            header = bytearray(open(f'{S}/v.ckd', 'rb').read(512))
            header[:8] = b'CKD_PEAV'
            with open(path, 'wb') as file:
                file.write(header), file.truncate(512 + 1182006 * 15 * 56832)
        def committed():
            return next(int(line.split()[1]) >> 10 for line in open(f'/proc/{P}/status') if line.startswith('VmData'))
        os.chmod(S, 0o755)

        """;

    private readonly MountedCcwfs _mounted = new(["--device", "dasd", "--allow-other", "--mode", "0666", "--log-level", "information"]);

    public void Dispose() => _mounted.Dispose();

    [Theory]
    [InlineData("USER", "0")]     // of root
    [InlineData("USER", "OTHER")] // of one user, opened first by another, who may write it and nothing beside it
    public void Who_has_the_rights_writes_whoever_opened_the_image_first(string first, string owner) => Run($$"""
        image = shared({{owner}})
        as_user({{first}}, lambda: added(f'dasd,image={image},id={FIRST}'))
        as_user({{owner}}, lambda: added(f'dasd,image={image},id={SECOND}'))
        format_track(3, 3, 512, dev=SECOND)
        assert os.stat(f'{image}.redo').st_uid == {{owner}}
        os.remove(f'{image}.redo')                                          # the next write makes it again
        write_records(3, 1, [b'a' * 512], dev=FIRST)
        as_user({{owner}}, lambda: remove(FIRST))
        os.remove(f'{image}.redo')
        write_records(3, 2, [b'b' * 512], dev=SECOND)
        assert read_records(3, 1, 2, 512, dev=SECOND) == [b'a' * 512, b'b' * 512]
        remove(SECOND)
        assert not os.path.exists(f'{image}.redo')
        """);

    [Fact]
    public void Others_who_came_first_do_not_keep_the_owner_from_writing_however_many_they_are() => Run("""
        image = shared(USER)
        others = [f'0.0.02{n:02x}' for n in range(12)]
        for n, other in enumerate(others):
            as_user(2000 + n, lambda: added(f'dasd,image={image},id={other}'))
        as_user(USER, lambda: added(f'dasd,image={image},id={FIRST}'))
        format_track(3, 3, 512, dev=others[-1])
        assert os.stat(f'{image}.redo').st_uid == USER
        """);

    [Fact]
    public void The_redo_file_goes_with_the_last_user_also_when_its_owner_left_first() => Run("""
        image = shared(USER)
        as_user(USER, lambda: added(f'dasd,image={image},id={FIRST}'))
        as_user(OTHER, lambda: added(f'dasd,image={image},id={SECOND}'))
        format_track(3, 3, 512, dev=FIRST)
        as_user(USER, lambda: remove(FIRST))
        write_records(3, 1, [b'a' * 512], dev=SECOND)                       # what is under way goes on
        assert os.path.exists(f'{image}.redo')
        as_user(OTHER, lambda: remove(SECOND))
        assert not os.path.exists(f'{image}.redo')
        """);

    [Fact]
    public void A_redo_file_that_nobody_may_remove_is_said_to_stay_and_to_do_no_harm()
    {
        Run("""
            image = shared(USER)
            as_user(USER, lambda: added(f'dasd,image={image},id={FIRST}'))
            as_user(OTHER, lambda: added(f'dasd,image={image},id={SECOND}'))
            format_track(3, 3, 512, dev=FIRST)
            as_user(USER, lambda: remove(FIRST))
            os.chmod(f'{S}/home', 0o555)
            as_user(OTHER, lambda: 'permission denied; remove it; it does no harm' in ask(verb='remove', id=SECOND)['error'] or 1/0)
            assert os.path.exists(f'{image}.redo')
            os.chmod(f'{S}/home', 0o755)
            as_user(USER, lambda: added(f'dasd,image={image},id={FIRST}'))
            assert read_records(3, 1, 1, 512, dev=FIRST) == [b'\0' * 512] and not os.path.exists(f'{image}.redo')
            """);
        _mounted.Logged("v.ckd.redo: cannot be removed: permission denied; remove it; it does no harm: nothing is pending in it, and all that was written is on");
    }

    [Fact]
    public void A_device_of_a_user_alone_has_that_users_rights_again_when_root_has_left()
    {
        Run("""
            image = shared(0)
            added(f'dasd,image={image},id={FIRST}')
            as_user(USER, lambda: added(f'dasd,image={image},id={SECOND}'))
            remove(FIRST)
            status, _ = run(extent(0, 3, 3, 4), locate(3, 1, 3, 0, 512), (0x1d, SLI, count_field(3, 1, 0, 512)), dev=SECOND)
            assert status.dstat & 2 and not os.path.exists(f'{image}.redo'), hex(status.dstat)
            """);
        _mounted.Logged("v.ckd.redo: cylinder 0 head 3 is not written: permission denied");
    }

    [Fact]
    public void Lines_about_an_image_of_root_are_not_those_of_a_user_who_opened_it_first()
    {
        Run("""
            image = shared(0)
            def noisy():
                added(f'dasd,image={image},id={FIRST}')
                for _ in range(40):                                         # two lines each, and sixty a minute
                    added('dasd,id=0.0.0200'), remove('0.0.0200')
            as_user(USER, noisy)
            added(f'dasd,image={image},id={SECOND}')
            format_track(3, 3, 512, dev=SECOND)
            os.remove(f'{image}.redo')
            write_records(3, 1, [b'a' * 512], dev=SECOND)
            """);
        _mounted.Logged("v.ckd.redo: somebody removed it or emptied it while");
    }

    [Fact]
    public void Whoever_has_devices_on_an_image_answers_for_it_until_the_last_of_them_goes() => Run("""
        def images():
            for n in range(20):                                             # 6.7 MB each, and a volume in memory has 90
                extended(f'{S}/{n}.ckd'), os.chmod(f'{S}/{n}.ckd', 0o666)
        def full():
            reply = {}
            while 'error' not in reply: reply = add('dasd')
            assert 'MiB for volumes in memory' in reply['error'], reply
        images()
        added('dasd,image=0.ckd,id=0.0.0300')                               # root's, which costs the user nothing until he has it too
        def answers():
            added('dasd,image=1.ckd,id=0.0.0301')
            full()
            for n in range(2, 20):
                if 'error' in (reply := add(f'dasd,image={n}.ckd')): break
            assert 'MiB for volumes in memory' in reply.get('error', ''), reply
            assert 'MiB for volumes in memory' in add('dasd,image=0.ckd')['error']
            added('dasd,image=1.ckd,id=0.0.0302')                           # another device on what is his already
            remove('0.0.0301')
            assert 'error' in add('dasd,image=0.ckd')                       # he has it still
            remove('0.0.0302')
            added('dasd,image=0.ckd,id=0.0.0303'), remove('0.0.0303')
        as_user(USER, answers)
        """);

    [Fact]
    public void Volumes_of_the_largest_size_take_no_more_memory_than_is_counted() => Run("""
        os.makedirs(f'{S}/u'), os.chown(f'{S}/u', USER, USER)
        for n in range(12):
            extended(f'{S}/u/{n}.ckd'), os.chown(f'{S}/u/{n}.ckd', USER, USER)
        before = committed()
        for n in range(12):
            as_user(USER, lambda: added(f'dasd,image=u/{n}.ckd,id=0.0.{0x100 + n:04x}'))
            for track in 75, 65519 * 15:
                format_track(track, 1, 512, dev=f'0.0.{0x100 + n:04x}')
        assert committed() < before + 128, (before, committed())            # the tables alone would be 400
        """);

    [Fact]
    public void Who_keeps_an_image_locked_is_named_by_his_number_and_cannot_name_another()
    {
        Run("""
            image = shared(0)
            os.chmod(image, 0o644)
            ready, ended = os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:
                os.setgroups([]), os.setresgid(USER, USER, USER), os.setresuid(USER, USER, USER)
                ctypes.CDLL(None).prctl(15, b'\x1b[31m", pid 1)')                       # PR_SET_NAME
                file = open(image)
                fcntl.flock(file, fcntl.LOCK_SH)
                os.write(ready[1], b'x'), signal.pause()
            os.read(ready[0], 1)
            try:
                error = add(f'dasd,image={image}')['error']
                assert f'another process has it in use (locked by pid {child}, "?[31m\', pid 1)")' in error, error
            finally:
                os.kill(child, signal.SIGKILL), os.waitpid(child, 0)
            added(f'dasd,image={image}')
            """);
    }

    [Fact]
    public void A_new_image_is_nobody_elses_to_read()
    {
        _mounted.Scratch.MakeImage("new.ckd");
        Assert.Equal("640\n", Child.Run("stat", "-c", "%a", _mounted.Scratch.At("new.ckd")).Ok().Output);
    }

    private void Run(string script)
    {
        _mounted.Scratch.MakeImage("v.ckd");
        _mounted.Python(Helpers + script);
    }
}
