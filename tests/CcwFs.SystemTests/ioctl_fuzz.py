"""
Random ioctls, reads and writes from processes of two users on the same files of `iommu` and `device`, on region files, and random requests to `control`: they
fork, execute another program, hand descriptors to each other and are killed in the middle. The same seed makes the same choices in each process; what happens
at the same time is the machine's. As a program: SEED SECONDS, with D, S and P set as for the others; the mount has four subchannels, and others may use it.
"""
import base64, socket, time
from vfio import *

WORKERS, NOBODY = 4, 65534
REGIONS = '0.0.0003'                                                      # of it and of the first one region files are attacked too
ADDED = [f'0.0.004{n}' for n in range(4)]                                 # what is added and removed
SPECS = ['dasd', 'dasd,image=/etc/shadow', 'dasd,image=/dev/null', f'dasd,image={S}', 'dasd,ese', 'vfio,device=/dev/null', 'dasd,chpids=40.41']
NEAR_MEMORY, NEAR_THREADS = 96 << 10, 40                                  # kilobytes and threads that it may have more at the end (arbitrary)
COMMANDS = [GET_INFO, REGION_INFO, IRQ_INFO, SET_IRQS, RESET, BIND, ATTACH, DETACH, DESTROY, ALLOC, RANGES, MAP, UNMAP, MAP_FILE, 0x3B8A, 0x3B75, 0xFCC5]
NUMBERS = [0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 20, 24, 32, 40, 48, 0x21, 0x22, 0x24, 0x1000, 0x4000, 0xffffffff, 0x7fffffff, 0x80000000]


class Attacker:
    """One process with the files it was given: `files` to ask, `others` to name in what it asks."""

    def __init__(self, seed, files, others):
        self.random, self.files, self.others = random.Random(seed), list(files), list(others)
        self.page, self.controls, self.regions = Memory(0x4000), [], []
        LIBC.mprotect(ctypes.c_void_p(self.page.address + 0x2000), 0x1000, 0)

    def ioctl(self):
        choose, page = self.random, self.page
        numbers = NUMBERS + self.files + self.others
        words = [choose.choice(numbers) if choose.random() < 0.8 else choose.getrandbits(32) for _ in range(16)]
        for at in range(4, 16, 2):
            if choose.random() < 0.3:
                words[at:at + 2] = struct.unpack('=II', struct.pack('=Q', page.address + choose.choice((0, 0x1000, 0x2000, 1))))
        if choose.random() < 0.3:
            words[0] = choose.choice((8, 12, 16, 24, 32, 40))    # often a right size
        data = struct.pack('=16I', *words)
        where = choose.choice((0, 8, 0x1000, 0x2000 - 8, 0x2000 - 16, 0x2000 - 40))
        room = min(len(data), 0x2000 - where)
        ctypes.memmove(page.address + where, data[:room], room)
        pointer = page.address + where if choose.random() < 0.9 else choose.choice((0, 8, page.address + 0x2000, 2**64 - 8, 1 << 63))
        command = choose.choice(COMMANDS) if choose.random() < 0.9 else choose.getrandbits(32)
        result = ioctl(choose.choice(self.files), command, pointer)
        assert -512 < result <= 0, (hex(command), result)

    def access(self):
        choose, fd = self.random, self.random.choice(self.files)
        if choose.random() < 0.7:
            data = bytes(choose.getrandbits(8) for _ in range(choose.choice((1, 4, 24, 64))))
            call(os.pwrite, fd, data + bytes(60), choose.choice((IO, IO, CMD, IO + 12, SCHIB, 1 << 40)))
        else:
            call(os.pread, fd, choose.choice((1, 8, 52, 124, 4096)), choose.choice((IO, CMD, SCHIB, CRW, CRW + 1024)))

    def region(self):
        """A read or a write of a file of a subchannel, or of guest storage."""
        choose = self.random
        if not self.regions:
            files = [path(f, d) for d in (DEV, REGIONS) for f in ('io', 'io', 'cmd', 'irq/io', 'irq/req', 'schib', 'crw')] + [f'{D}/memory']
            opened = ((f, call(os.open, f, flags | os.O_NONBLOCK)) for f in files for flags in (os.O_RDWR, os.O_RDONLY))
            self.regions = [(f, fd) for f, fd in opened if fd >= 0]
        file, fd = choose.choice(self.regions)
        data = choose.randbytes(choose.choice((1, 4, 8, 12, 24, 124, 200)))
        where, stream = choose.choice((0, 0, 0, 12, 120, 0x1000, choose.randrange(1 << 28), 1 << 62)), '/irq/' in file
        if file.endswith('/io') and not stream and choose.random() < 0.7:
            start_of = orb(choose.choice((0x1000, 0x1008, choose.randrange(1 << 31))), FORMAT1 ^ choose.choice((0, 1 << choose.randrange(32))))
            data, where = start_of + scsw(choose.choice((START, START, 0, HALT))), 0
        call(os.write, fd, data) if stream else call(os.pwrite, fd, data, where)
        length = choose.choice((1, 8, 124, 4096))
        call(os.read, fd, length) if stream else call(os.pread, fd, length, where)

    def request(self):
        """A request to `control` with something in every member, and whether it may be changed: what would take good()'s subchannel may not."""
        choose = self.random
        verb = choose.choice(('list', 'info', 'add', 'remove', 'path', 'run', 'run', 'space', 'write', 'read', 'dance', 'list' if os.geteuid() == 0 else 'end'))
        changes = verb in ('add', 'remove', 'path')
        program = choose.choice((SENSE_ID, ccw(3, SLI, 1, 0), ccw(3, CC | SLI, 1, 0) + ccw(8, 0, 0, 0) + ccw(3, SLI, 1, 0), choose.randbytes(64)))
        addresses, lengths = (0, 4096, 1 << 20, 7, 1 << 63), (4096, 8192, 65536, 0, 5, -4096)
        runs = [dict(address=choose.choice(addresses), length=choose.choice(lengths)) for _ in range(choose.randrange(3))]
        full = dict(
            id=choose.choice(ADDED if changes else (DEV, REGIONS, *ADDED, '0.0.ffff', 'x')), force=choose.random() < 0.5, chpid=choose.choice(('40', 'zz', '')),
            spec=choose.choice(SPECS) + f',id={choose.choice(ADDED)}', directory=choose.choice(('/', S, 'x', '/proc/self/root')),
            available=choose.random() < 0.5,
            orb=orb(choose.choice((0, 0, 8, 0x1000)), FORMAT1 ^ choose.choice((0, 0, 1 << choose.randrange(32)))).hex(),
            parts=runs, address=choose.choice((0, 8, 4090, 1 << 40)), length=choose.choice((0, 8, 4096, 1 << 17, 1 << 30, -1)),
            bytes=base64.b64encode(program).decode())
        if choose.random() < 0.7:
            full['storage'] = base64.b64encode(program.ljust(choose.choice((4096, 4096, 8192, 65536)), b'\0')).decode()
        if choose.random() < 0.1:
            full[choose.choice(list(full))] = choose.choice((None, -1, 1 << 64, 'x', [], [None], {}, True, 1e308))
        return json.dumps(dict(full, verb=verb)).encode(), not changes

    def control(self):
        choose = self.random
        if len(self.controls) < 3:
            fd = call(os.open, f'{D}/control', os.O_RDWR)
            if fd < 0:
                return
            self.controls.append(fd)
        text, may_change = self.request()
        if may_change and choose.random() < 0.2:
            at = choose.randrange(len(text))
            text = text[:at] + choose.choice((b'', choose.randbytes(1), b'[' * 100, b'"', choose.randbytes(200_000))) + text[at + choose.randrange(3):]
        fd, half = choose.choice(self.controls), choose.randrange(len(text)) if choose.random() < 0.3 else 0
        for piece in (text[:half], text[half:]):
            if piece and call(os.write, fd, piece) < 0 or choose.random() < 0.1:
                break
        if choose.random() < 0.7:    # else the reply is left
            select.select([fd], [], [], 0)
            call(os.read, fd, choose.choice((1, 65536)))
        if choose.random() < 0.2:
            self.controls.remove(fd)
            os.close(fd)

    def step(self):
        what = self.random.random()
        self.ioctl() if what < 0.6 else self.access() if what < 0.7 else self.region() if what < 0.9 else self.control()

    def reopen(self):
        """A file of its own, which others may get."""
        at = self.random.randrange(len(self.files))
        file = self.random.choice((f'{D}/iommu', path('device'), path('device', '0.0.0001')))
        fd = call(os.open, file, self.random.choice((os.O_RDWR, os.O_RDWR, os.O_RDONLY)))
        if fd >= 0:
            os.close(self.files[at])
            os.dup2(fd, self.files[at])    # the number stays, also for who names it
            os.set_inheritable(self.files[at], True)
            os.close(fd)

    def exchange(self, channel):
        if self.random.random() < 0.5:
            try:
                socket.send_fds(channel, [b'.'], [self.random.choice(self.files)], flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass
            return
        try:
            _, fds, _, _ = socket.recv_fds(channel, 1, 1, flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        for fd in fds:
            os.dup2(fd, self.random.choice(self.files))
            os.close(fd)

    def threads(self):
        """Ioctls of several threads, one of which may execute another program under the others' feet."""
        def body():
            for _ in range(20):
                self.ioctl()
        for _ in range(3):
            threading.Thread(target=body, daemon=True).start()

    def child(self):
        """A process that dies, executes another program or ends, whatever it is doing."""
        pid = os.fork()
        if pid:
            return pid
        kind = self.random.random()
        if kind < 0.4:
            self.threads()
        for _ in range(self.random.randrange(30)):
            self.step()
        if kind < 0.2:
            os.kill(os.getpid(), signal.SIGKILL)
        if kind < 0.6:
            os.execv('/bin/true', ['true'])
        if kind < 0.8:
            for fd in self.files:
                os.set_inheritable(fd, True)
            arguments = [str(self.random.getrandbits(30)), ','.join(map(str, self.files)), ','.join(map(str, self.others))]
            os.execv(sys.executable, [sys.executable, '-c', 'import ioctl_fuzz; ioctl_fuzz.executed()', *arguments])
        os._exit(0)


def executed():
    """What a child executes: a new program with the old one's files."""
    seed, files, others = sys.argv[1], *(list(map(int, words.split(','))) for words in sys.argv[2:4])
    attacker = Attacker(int(seed), files, others)
    for _ in range(50):
        attacker.step()
    os._exit(0)


def attack(seed, files, others, channel, user):
    os.setgroups([]), os.setresgid(user, user, user), os.setresuid(user, user, user)
    attacker, children = Attacker(seed, files, others), []
    while True:
        what = attacker.random.random()
        if what < 0.95:
            attacker.step()
        elif what < 0.97:
            attacker.exchange(channel)
        elif what < 0.99:
            attacker.reopen()
        else:
            children.append(attacker.child())
        while len(children) > 2:
            if attacker.random.random() < 0.3:
                os.kill(children[0], signal.SIGKILL)
            os.waitpid(children.pop(0), 0)


def good():
    """Somebody else, on a subchannel of his own, is not disturbed."""
    iommu, device, memory, ioas = client(dev='0.0.0002')
    assert device.run() & 0xff == 0
    device.close(), os.close(iommu.fd)


def main(seed, seconds):
    print('seed', seed, flush=True)
    choose = random.Random(seed)
    good()
    assert eventually(lambda: free('0.0.0002'))
    os.chmod(S, 0o755)    # the mount is in it
    before, memory, threads = descriptors(), resident_kilobytes(), thread_count()
    files = [i.fd for i in (Iommu(), Iommu())] + [Device(d).fd for d in ('0.0.0000', '0.0.0001', '0.0.0000')]
    others = [os.eventfd(2**32 - 1, os.EFD_NONBLOCK), os.eventfd(0), Memory(0x10000, shared=True).file, os.memfd_create('m')]
    os.ftruncate(others[-1], 0x10000)
    channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    workers, until = {}, time.monotonic() + seconds
    while time.monotonic() < until:
        while len(workers) < WORKERS:
            worker_seed, end = choose.getrandbits(30), choose.randrange(2)
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                try:
                    attack(worker_seed, files, others, channel[end], 0 if end else NOBODY)
                finally:
                    os._exit(1)    # it attacks until it is killed
            workers[pid] = worker_seed
        good()
        select.select([], [], [], 0.2)
        victim = choose.choice(list(workers))
        end_group(victim, workers)
    for victim in list(workers):
        end_group(victim, workers)
    for fd in files + others:
        os.close(fd)
    for end in channel:
        end.close()
    good()
    assert eventually(lambda: len(descriptors()) <= len(before), 30), (before, descriptors())
    for dev in '0.0.0000', '0.0.0001':
        assert eventually(lambda: free(dev), 30), dev
        iommu, device, memory_of_it, ioas = client(dev=dev)
        assert device.run() & 0xff == 0
        device.close(), os.close(iommu.fd)
    assert eventually(lambda: free(DEV), 30)
    for dev in DEV, REGIONS:
        cmd(2, dev), wait(dev=dev), irb(dev)    # CLEAR
        while drain(dev=dev):
            irb(dev)
        pwrite(path('io', dev), bytes(124))
        ran(*[(0xe4, SLI, 40)], dev=dev)
    for dev in ADDED:
        subprocess.run([CCWFS, 'remove', dev, '--force', '--mount', D], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert sorted(d for d in os.listdir(D) if d[0] == '0') == [f'0.0.000{n}' for n in range(4)]
    print(f'{memory} KiB, then {resident_kilobytes()}; {threads} threads, then {thread_count()}')
    assert eventually(lambda: resident_kilobytes() < memory + NEAR_MEMORY, 30), (memory, resident_kilobytes())
    assert eventually(lambda: thread_count() < threads + NEAR_THREADS, 30), (threads, thread_count())


def thread_count():
    return len(os.listdir(f'/proc/{P}/task'))


def free(dev):
    return 'VFIO client' not in open(path('info', dev)).read()


def end_group(victim, workers):
    """Kills a worker and all it has begun, in the middle of whatever they do; it must not have ended by itself."""
    ended, status = os.waitpid(victim, os.WNOHANG)
    assert ended == 0, (f'worker with seed {workers[victim]} ended', status)
    try:
        os.killpg(victim, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(victim, signal.SIGKILL)    # it has not made its group yet
    os.waitpid(victim, 0)
    del workers[victim]


if __name__ == '__main__':
    main(int(sys.argv[1]), float(sys.argv[2]))
