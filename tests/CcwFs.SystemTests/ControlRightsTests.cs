namespace CcwFs.SystemTests;

/// <summary>Attacks through the control file of a mount that is open to all: nobody gets rights that he has not, nor ends what is not his.</summary>
public sealed class ControlRightsTests : IDisposable
{
    private const string Helpers = """
        import shutil, traceback
        NOBODY, OTHER = 65534, 12345
        def become(uid, groups=()):
            os.setgroups(list(groups)), os.setresgid(uid, uid, uid), os.setresuid(uid, uid, uid)
        def control():
            return os.open(f'{D}/control', os.O_RDWR)
        def ask(fd=None, **request):
            fd, reply = control() if fd is None else fd, b''
            os.write(fd, json.dumps(request).encode())
            while data := os.read(fd, 65536): reply += data
            return json.loads(reply)
        def add(spec, **more):
            return ask(verb='add', directory='/', spec=spec, **more)
        def denied(reply):
            assert 'ermission denied' in reply.get('error', ''), reply
        def as_user(uid, action, groups=()):
            child = os.fork()
            if child == 0:
                try:
                    become(uid, groups), action()
                except BaseException:
                    traceback.print_exc(), os._exit(1)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        def devices():
            return len(ask(verb='list')['devices'])
        def setuid_copy(program, name):
            shutil.copy(program, f'{S}/{name}'), os.chmod(f'{S}/{name}', 0o4755)
        os.chmod(S, 0o755)

        """;

    private readonly Scratch _scratch = new();
    private readonly MountedCcwfs _mounted;
    private readonly string _image;

    public ControlRightsTests()
    {
        _image = _scratch.MakeImage("root.ckd");
        Child.Run("chmod", "755", _scratch.Path).Ok();
        Child.Run("chmod", "600", _image).Ok();
        _mounted = new MountedCcwfs(["--device", $"dasd,image={_image},extents=1", "--allow-other", "--mode", "0666"]);
    }

    public void Dispose()
    {
        _mounted.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public void Nobody_learns_by_a_rule_which_files_there_are_that_he_cannot_see() => _mounted.Python(Helpers + """
        def look():
            reply = ask(verb='fault', id='0.0.0000', action='add', rule='SENSE_ID while=/root -> lose')
            assert 'while= is for the user who mounted' in reply['error'], reply
            reply = add('dasd,fault=SENSE_ID while=/root -> lose')
            assert 'while= is for the user who mounted' in reply['error'], reply
            assert 'error' not in ask(verb='fault', id='0.0.0000', action='add', rule='SENSE nth=9 -> lose')
        as_user(OTHER, look)
        assert 'error' not in ask(verb='fault', id='0.0.0000', action='add', rule='SENSE while=/root nth=9 -> lose')
        """);

    [Fact]
    public void Who_becomes_root_after_the_request_was_written_has_the_rights_from_before()
    {
        string secret = _scratch.MakeImage("secret.ckd");
        Child.Run("chmod", "600", secret).Ok();
        Run($$"""
            setuid_copy('/bin/sleep', 'sleeps')
            def attack(padding):
                answer, answer_in = os.pipe()
                child = os.fork()
                if child == 0:
                    become(NOBODY)
                    fd, (gone, gone_in) = control(), os.pipe()    # gone_in is closed by execve
                    if os.fork() == 0:
                        os.close(gone_in), os.read(gone, 1), os.write(answer_in, os.read(fd, 65536)), os._exit(0)
                    os.write(fd, json.dumps(dict(verb='add', directory='/', spec='dasd,image={{secret}}', orb='A' * padding)).encode())
                    os.execv(f'{S}/sleeps', ['sleeps', '60'])
                os.close(answer_in)
                reply = json.loads(os.read(answer, 65536))
                assert os.stat(f'/proc/{child}').st_uid == 0, 'it never became root'
                os.kill(child, signal.SIGKILL), os.waitpid(child, 0), os.close(answer)
                return reply
            for round in range(24):
                denied(attack((0, 20_000, 200_000)[round % 3]))
            assert devices() == 1
            """);
    }

    [Fact]
    public void A_descriptor_that_is_handed_on_adds_nobodys_rights_to_anothers() => Run($$"""
        EPERM, half = -errno.EPERM, b'{"verb":"list",'
        opened = control()
        def handed():
            assert call(os.write, opened, b'{"verb":"list"}') == EPERM
        as_user(NOBODY, handed), as_user(0, lambda: (os.setresgid(5, 5, 5), handed()))
        assert ask(opened, verb='list')['devices']
        os.setegid(NOBODY), os.seteuid(NOBODY)
        users = control()
        assert os.write(users, half) == len(half)
        os.seteuid(0)
        assert call(os.write, users, b'"id":"x"}') == EPERM
        os.setegid(0)
        assert call(os.write, users, b'"id":"x"}') == EPERM    # a request of two users
        os.setegid(NOBODY), os.seteuid(NOBODY)
        assert os.write(users, b'"id":"x"}') == 9 and b'devices' in os.read(users, 65536)
        os.seteuid(0), os.setegid(0)
        setuid_copy('/bin/cat', 'cats')                        # a set-uid program that writes what its caller likes
        request = json.dumps(dict(verb='add', directory='/', spec='dasd,image={{_image}}')).encode()
        def inherits():
            done = subprocess.run([f'{S}/cats'], input=request, stdout=control(), stderr=subprocess.PIPE)
            assert b'not permitted' in done.stderr, done
        as_user(NOBODY, inherits)
        assert devices() == 1
        """);

    [Fact]
    public void Groups_count_as_they_were_at_the_open_and_without_sight_of_the_caller_there_are_none()
    {
        string shared = _scratch.MakeImage("group.ckd");
        Run($$"""
            os.chown('{{shared}}', 0, 777), os.chmod('{{shared}}', 0o660)
            as_user(NOBODY, lambda: denied(add('dasd,image={{shared}},id=0.0.0101')))
            as_user(NOBODY, lambda: ask(verb='remove', id=add('dasd,image={{shared}},id=0.0.0101')['added'][0]), groups=[5, 777])
            assert devices() == 1
            """);
    }

    [Fact]
    public void Who_cannot_be_seen_has_no_file_opened()
    {
        string shared = _scratch.MakeImage("all.ckd");
        using var inner = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0666"], through: ["unshare", "-pf", "--kill-child"]);
        inner.Python(Helpers + $$"""
            os.chmod('{{shared}}', 0o666)
            def refused():
                for keys in '', ',readonly':
                    reply = add('dasd,image={{shared}},id=0.0.0101' + keys)                 # our number is 0 there
                    assert 'cannot be seen' in reply.get('error', ''), reply
            as_user(NOBODY, refused), as_user(NOBODY, refused, groups=[5, 777]), refused()
            as_user(NOBODY, lambda: add('dasd,id=0.0.0102')['added'])                       # no file
            os.chdir(S)
            reply = ask(verb='add', spec='dasd,image=group.ckd')
            assert 'working directory' in reply['error'], reply
            subprocess.run(['pkill', '-TERM', '-P', '{{inner.Pid}}'], check=True)       # unshare itself hears no signal
            """);
    }

    [Fact]
    public void Root_has_no_more_than_the_capabilities_that_it_has_itself()
    {
        string theirs = _scratch.MakeImage("theirs.ckd"), roots = _scratch.MakeImage("roots.ckd");
        Run($$"""
            os.chown('{{theirs}}', NOBODY, NOBODY), os.chmod('{{theirs}}', 0o600), os.chmod('{{roots}}', 0o600)
            libc = ctypes.CDLL(None, use_errno=True)
            def drop(kept=0):
                assert libc.capset(struct.pack('=Ii', 0x20080522, 0), struct.pack('=6I', kept, kept, 0, 0, 0, 0)) == 0
            def poor():
                denied(add('dasd,image={{theirs}}')), denied(add('dasd,image={{theirs}},readonly'))
                ask(verb='remove', id=add('dasd,image={{roots}}')['added'][0])
            as_user(0, lambda: (drop(), poor()))
            as_user(0, lambda: (drop(1 << 21 | 1 << 12), poor()))                              # administrator without a word on files
            as_user(0, lambda: (drop(1 << 1), ask(verb='remove', id=add('dasd,image={{theirs}}')['added'][0])))    # CAP_DAC_OVERRIDE
            theirs_too = 'unshare', '-U', '--map-root-user', sys.executable, '-c', '''if True:
                import json, os, sys
                fd = os.open(sys.argv[1] + '/control', os.O_RDWR)
                os.write(fd, json.dumps(dict(verb='add', directory='/', spec='dasd,image={{theirs}}')).encode())
                print(os.read(fd, 65536).decode())
                ''', D                                                                         # all capabilities, but those of another user namespace
            denied(json.loads(subprocess.run(theirs_too, capture_output=True, check=True).stdout))
            assert devices() == 1
            """);
    }

    [Fact]
    public void A_path_that_leads_elsewhere_for_who_asks_is_not_opened_here()
    {
        string image = _scratch.MakeImage("image.ckd");
        Run($$"""
            libc = ctypes.CDLL(None, use_errno=True)
            os.chmod('{{image}}', 0o666), os.mkdir(f'{S}/jail'), shutil.copy('{{image}}', f'{S}/jail/image.ckd'), os.chmod(f'{S}/jail/image.ckd', 0o666)
            def elsewhere(reply):
                assert 'another mount namespace or root directory' in reply.get('error', ''), reply
            def in_chroot():
                entry = os.open(S, os.O_RDONLY)
                os.chroot(S), os.fchdir(entry)
                become(NOBODY)
                elsewhere(ask(os.open('/mnt/control', os.O_RDWR), verb='add', directory='/', spec='dasd,image={{image}}'))
            as_user(0, in_chroot)
            def in_namespace(uid, covered, options):
                def action():
                    assert libc.unshare(0x20000) == 0 and libc.mount(b'none', b'/', None, 0x44000, None) == 0    # CLONE_NEWNS; MS_PRIVATE | MS_REC
                    if covered:
                        assert libc.mount(covered.encode(), b'{{image}}', None, 0x1000, None) == 0                # MS_BIND
                        if options:
                            assert libc.mount(None, b'{{image}}', None, 0x1020 | 1, None) == 0                   # MS_REMOUNT | MS_BIND | MS_RDONLY
                    become(uid)
                    if uid == 0:
                        assert libc.capset(struct.pack('=Ii', 0x20080522, 0), struct.pack('=6I', 2, 2, 0, 0, 0, 0)) == 0    # as in a container
                    reply = add('dasd,image={{image}}')
                    ask(verb='remove', id=reply['added'][0]) if not covered else elsewhere(reply)
                as_user(0, action)
            for uid in NOBODY, 0:
                in_namespace(uid, None, 0)                                                       # the same file
                in_namespace(uid, f'{S}/jail/image.ckd', 0)                                      # another one lies over it
                in_namespace(uid, '{{image}}', 1)                                                # there it can only be read
            def added(number):
                reply = add(f'dasd,image={{image}},id=0.0.{number}')
                assert reply.get('added') == [f'0.0.{number}'], reply
            as_user(NOBODY, lambda: added('0200'))
            in_namespace(NOBODY, f'{S}/jail/image.ckd', 0)                                       # the same user has it open: that gives nobody the path
            as_user(NOBODY, lambda: ask(verb='remove', id='0.0.0200'))
            def first_in_namespace():
                assert libc.unshare(0x20000) == 0 and libc.mount(b'none', b'/', None, 0x44000, None) == 0
                become(NOBODY), added('0201')
            as_user(0, first_in_namespace)
            as_user(NOBODY, lambda: (added('0202'), added('0203')))                              # when that one is long gone
            as_user(NOBODY, lambda: [ask(verb='remove', id=f'0.0.{number}') for number in ('0201', '0202', '0203')])
            assert devices() == 1
            """);
    }

    [Fact]
    public void What_the_daemon_has_open_is_no_path_of_its_callers()
    {
        string hidden = Directory.CreateDirectory(Path.Combine(_scratch.Path, "hidden")).FullName, image = _scratch.MakeImage("hidden/image.ckd");
        Run($$"""
            os.chmod('{{hidden}}', 0o700), os.chmod('{{image}}', 0o666)
            assert add('dasd,image={{image}},id=0.0.0101,extents=1')['added']
            daemon, home = {{_mounted.Pid}}, f'{S}/home'
            os.mkdir(home), os.chown(home, NOBODY, NOBODY)
            number = next(n for n in os.listdir(f'/proc/{daemon}/fd') if os.readlink(f'/proc/{daemon}/fd/{n}') == '{{image}}')
            places = '/proc/self/fd', '/proc/thread-self/fd', '/dev/fd', f'/proc/{daemon}/fd', f'/proc/{daemon}/task/{daemon}/fd'
            paths = [f'{place}/{number}' for place in places]
            paths += [f'/proc/self/cwd{{image}}', f'/proc/{daemon}/root{{image}}']
            def refused():
                os.symlink('/proc/self/fd', f'{home}/fd'), os.symlink(f'{home}/fd/{number}', f'{home}/image.ckd')
                for path in paths + [f'{home}/image.ckd', f'{home}/fd/{number}']:
                    for spec in 'dasd,image=PATH', 'dasd,image=PATH,readonly', 'vfio,device=PATH,id=0.0.0102', 'vfio,device=PATH,iommu=PATH,id=0.0.0102':
                        reply = add(spec.replace('PATH', path))
                        assert 'through a link of /proc' in reply.get('error', ''), (spec, path, reply)
                for spec in 'dasd,image=/proc/kallsyms,readonly', 'dasd,image=/proc/self/environ,readonly', 'vfio,device=/proc/self/timerslack_ns,id=0.0.0102':
                    reply = add(spec)
                    assert 'is a file of /proc' in reply.get('error', ''), (spec, reply)
            as_user(NOBODY, refused)
            assert devices() == 2
            """);
    }

    [Fact]
    public void A_terminal_of_a_caller_does_not_become_the_daemons()
    {
        // As a daemon and as a service: it leads a session that has no terminal, and would take the first one that it opens.
        using var leader = new MountedCcwfs(["--device", "dasd", "--allow-other", "--mode", "0666"], through: ["setsid"]);
        leader.Python(Helpers + """
            def terminal():
                return int(open(f'/proc/{P}/stat').read().rpartition(')')[2].split()[4])    # tty_nr
            def keys():
                for key in b'\x03', b'\x1c', b'\x1a':
                    master, slave = os.openpty()
                    name = os.ttyname(slave)
                    for spec in f'vfio,device={name},iommu=/dev/null', f'vfio,device=/dev/null,iommu={name}':
                        reply = add(spec)
                        assert f'{name}: is a terminal' in reply.get('error', ''), reply
                    assert 'error' in add(f'dasd,image={name}')
                    assert terminal() == 0
                    os.write(master, key), os.close(slave), os.close(master)
            as_user(NOBODY, keys), keys()
            assert devices() == 1
            """);
        Assert.True(leader.IsRunning);
    }

    [Fact]
    public void What_cannot_be_a_real_device_is_not_opened() => Run("""
        os.chmod(S, 0o777)
        def refused():
            os.mkfifo(f'{S}/fifo'), open(f'{S}/file', 'w').close(), os.symlink(f'{S}/fifo', f'{S}/link')
            for name, kind in ('fifo', 'a FIFO'), ('link', 'a FIFO'), ('file', 'a file'), ('.', 'a directory'):
                reply = add(f'vfio,device={S}/{name},iommu=/dev/null')
                assert f'/{name}: is {kind}'.replace('/.:', ':') in reply.get('error', ''), reply
        as_user(NOBODY, refused)
        assert devices() == 1
        """);

    [Fact]
    public void An_image_that_is_open_is_shared_with_those_alone_who_could_open_it_themselves() => Run($$"""
        os.mkdir(f'{S}/home'), os.chown(f'{S}/home', NOBODY, NOBODY)
        try:
            os.link('{{_image}}', f'{S}/home/link.ckd')
        except OSError:
            os.symlink('{{_image}}', f'{S}/home/link.ckd')
        def refused():
            for image in '{{_image}}', f'{S}/home/link.ckd':
                for keys in '', ',readonly', ',extents=1', ',count=2':
                    denied(add(f'dasd,image={image}{keys}'))
        for mode in 0o600, 0o644, 0o444:       # who may only read it has no part in what is open to write: he could reserve it
            os.chmod('{{_image}}', mode)
            as_user(NOBODY, refused)
        assert devices() == 1
        def at_b():
            return run(extent(0, 3, 3, 4), locate(3, 1, 3, 0, 512), (0x1d, SLI, count_field(3, 1, 0, 512)), dev='0.0.0001')[0].dstat & 0x02
        os.chmod('{{_image}}', 0o666)
        as_user(NOBODY, lambda: add('dasd,image={{_image}},id=0.0.0001')['added'])
        assert not at_b()                      # track 3 is not in root's extents, and the file is anybody's
        os.chmod('{{_image}}', 0o600)
        ask(verb='remove', id='0.0.0001')
        assert add('dasd,image={{_image}},id=0.0.0001,readonly')['added']    # root's own
        assert at_b()
        """);

    [Fact]
    public void An_image_that_is_open_read_only_is_shared_with_those_who_may_read_it()
    {
        string read = _scratch.MakeImage("read.ckd");
        Run($$"""
            assert add('dasd,image={{read}},readonly')['added']
            os.chmod('{{read}}', 0o600)
            as_user(NOBODY, lambda: denied(add('dasd,image={{read}},readonly')))
            os.chmod('{{read}}', 0o644)
            as_user(NOBODY, lambda: add('dasd,image={{read}},readonly')['added'])
            def refused():
                assert 'already open read-only by 0.0.0001, 0.0.0002' in add('dasd,image={{read}}')['error']
            as_user(NOBODY, refused)
            """);
    }

    [Fact]
    public void Only_the_mounter_and_root_end_it()
    {
        Run("""
            def refused():
                assert 'only the user who mounted' in ask(verb='end')['error']
            as_user(NOBODY, refused), as_user(OTHER, refused)
            assert devices() == 1
            assert 'error' not in ask(verb='end')
            """);
        Assert.True(SpinWait.SpinUntil(() => !_mounted.IsRunning, Child.Patience));
        Child.Run("umount", "-l", _mounted.MountPoint);
    }

    [Fact]
    public void A_file_of_a_mounted_ccwfs_is_refused_whatever_leads_there()
    {
        using var elsewhere = new MountedCcwfs(["--device", "dasd"], through: ["unshare", "-m"]);
        Run($$"""
            os.mkdir(f'{S}/hidden')
            stays = ['unshare', '-m', 'bash', '-c', f'mount --bind {D} {S}/hidden; cd {S}/hidden; exec 9<{S}/hidden/memory; echo ready; read line']
            with subprocess.Popen(stays, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
                assert other.stdout.readline() == b'ready\n'
                proc = f'/proc/{other.pid}'
                for image in f'{proc}/root{S}/hidden/memory', f'{proc}/cwd/memory', f'{proc}/cwd/0.0.0000/irq/io', f'{proc}/fd/9':
                    os.path.lexists(f'{S}/link') and os.remove(f'{S}/link')
                    os.symlink(image, f'{S}/link')
                    for path in image, f'{S}/link':
                        reply = add(f'dasd,image={path}')
                        assert 'inside the mounted ccwfs' in reply.get('error', ''), reply
                for device in f'{proc}/root{S}/hidden/0.0.0000/device', f'{proc}/cwd/0.0.0000/device':
                    reply = add(f'vfio,device={device},iommu={D}/iommu,id=0.0.0005')
                    assert 'inside this ccwfs itself' in reply.get('error', ''), reply
            reply = add('dasd,image=/proc/{{elsewhere.Pid}}/root{{elsewhere.MountPoint}}/memory')
            assert 'another mount namespace' in reply.get('error', ''), reply
            assert devices() == 1
            """);
    }

    [Fact]
    public void Files_beside_an_image_are_opened_and_made_with_the_rights_of_who_asks()
    {
        string basis = _scratch.MakeImage("base.ckd");
        Run($$"""
            os.mkdir(f'{S}/home'), os.chown(f'{S}/home', NOBODY, NOBODY)
            os.chmod('{{basis}}', 0o600)
            def without_base():
                for overlay in f'{S}/home/mine', 'tmp':
                    denied(add(f'dasd,image={{basis}},overlay={overlay}'))
            as_user(NOBODY, without_base)
            assert not os.path.exists(f'{S}/home/mine')
            os.chmod('{{basis}}', 0o644)
            def with_base():
                denied(add(f'dasd,image={{basis}},overlay={S}/not-mine'))
                assert add(f'dasd,image={{basis}},overlay={S}/home/mine,id=0.0.0001')['added']
                assert add(f'dasd,image={{basis}},overlay=tmp,id=0.0.0002')['added']
                assert 'inside the mounted ccwfs' in add(f'dasd,image={{basis}},overlay={D}/x').get('error', '')
            as_user(NOBODY, with_base)
            assert os.stat(f'{S}/home/mine').st_uid == NOBODY and os.stat(f'{S}/home/mine').st_mode & 0o007 == 0
            def write(dev):
                return run(extent(0, 3, 3, 4), locate(3, 1, 3, 0, 512), (0x1d, SLI, count_field(3, 1, 0, 512)), dev=dev)[0].dstat & 0x02
            before = open('{{basis}}', 'rb').read()
            assert not write('0.0.0001') and not write('0.0.0002')
            assert open('{{basis}}', 'rb').read() == before
            as_user(OTHER, lambda: denied(add(f'dasd,image={{basis}},overlay={S}/home/mine')))
            # A redo file goes where its maker may make it, or nothing is written.
            with open(f'{S}/home/v.raw', 'wb') as raw:
                raw.truncate(737280)
            os.chown(f'{S}/home/v.raw', NOBODY, NOBODY)
            def with_redo():
                assert 'inside the mounted ccwfs' in add(f'dasd,image={S}/home/v.raw,format=raw,redo={D}/x').get('error', '')
                assert add(f'dasd,image={S}/home/v.raw,format=raw,redo={S}/not-mine,id=0.0.0003')['added']
            as_user(NOBODY, with_redo)
            assert write('0.0.0003') and not os.path.exists(f'{S}/not-mine')
            assert not any(open(f'{S}/home/v.raw', 'rb').read())
            """);
    }

    private void Run(string script) => _mounted.Python(Helpers + script);
}
