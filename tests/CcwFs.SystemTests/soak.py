"""
Random records and tracks of one volume, written and read at the same time by every kind of client that there is, and judged by a model that outlives them
and the mount: a file with two generations a record, the one that was acknowledged last and the one that was asked for last. Each track has one writer;
everybody reads. soak.judge(MODEL) compares the volume with it, soak.main(MODEL, SEED, SECONDS) does that first and then works for so long.
"""
import base64, time, traceback
from vfio import *

SHARED = [f'0.0.000{n}' for n in range(5)]     # subchannels of the volume
TRACKS, FIRST, BLOCKS, SIZE = 120, 15, 12, 4096
SLOTS = BLOCKS + 1                       # slot 0: the generation of a track of the other kind, whose records have random lengths
ENDED, GONE = (errno.ENOTCONN, errno.ECONNABORTED), 7     # how a client finds that the mount is gone, and its exit status then


class Model:
    def __init__(self, file):
        fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(fd, 2 * 4 * TRACKS * SLOTS + 8)
        words = memoryview(mmap.mmap(fd, 0)).cast('I')
        os.close(fd)
        self.asked, self.done, self.count = words[:TRACKS * SLOTS], words[TRACKS * SLOTS:2 * TRACKS * SLOTS], words[2 * TRACKS * SLOTS:]

    def is_prepared(self):
        return self.done[self.at(TRACKS - 1, 0)] > 0

    @staticmethod
    def at(track, record):
        return track * SLOTS + record


def block(track, record, generation):
    return (struct.pack('>III', track, record, generation) * (SIZE // 12 + 1))[:SIZE]


def is_fixed(track):
    return track % 5 != 4


def random_records(track, generation):
    """The records of a track of the other kind: key and data of each."""
    choose = random.Random(track << 32 | generation)
    return [(choose.randbytes(choose.choice((0, 0, 8))), choose.randbytes(choose.randrange(1, 3000))) for _ in range(choose.randrange(1, 12))]


class Files:
    """A subchannel by its region files, with a part of guest storage of its own."""

    def __init__(self, dev):
        self.dev, self.base = dev, (1 + SHARED.index(dev)) << 20

    def run(self, image):
        assert done(pwrite(f'{D}/memory', image, self.base)) == len(image)
        assert done(start(self.base, dev=self.dev)) == 24
        wait(dev=self.dev)
        return Status(done(irb(self.dev))), done(pread(f'{D}/memory', len(image), self.base))


class Control:
    """A subchannel by requests to `control`; others use it too."""
    base = 0

    def __init__(self, dev):
        self.dev = dev

    def run(self, image):
        length, image = len(image), image + bytes(-len(image) % 4096)     # whole pages
        request = json.dumps(dict(verb='run', id=self.dev, orb=orb(0).hex(), storage=base64.b64encode(image).decode())).encode()
        while True:
            fd, reply = os.open(f'{D}/control', os.O_RDWR), b''
            try:
                assert os.write(fd, request) == len(request)
                while data := os.read(fd, 1 << 17):
                    reply += data
            finally:
                os.close(fd)
            reply = json.loads(reply)
            if 'is busy with another program' not in reply.get('error', ''):
                break
        assert 'error' not in reply, reply
        return Status(bytes.fromhex(reply['irbs'][-1])), base64.b64decode(reply['storage'])[:length]


class Client:
    """A subchannel by its VFIO files."""
    base = 0x1000

    def __init__(self, dev):
        try:
            self.iommu, self.device, self.memory, _ = client(dev=dev)
        except AssertionError:
            os.stat(D)     # it may be gone
            raise

    def run(self, image):
        self.memory.poke(self.base, image)
        assert done(self.device.start(self.base)) == 24
        while not self.device.wait(seconds=0.1):
            os.stat(D)
        return Status(self.device.irb()), self.memory.peek(self.base, len(image))


def done(result):
    """A result that is no errno."""
    if isinstance(result, int) and result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def is_end(fault):
    """Whether it says that the mount is gone. EIO does where it is: what the kernel says of a file whose look-up or attributes the end cut off."""
    return isinstance(fault, OSError) and (fault.errno in ENDED or (fault.errno == errno.EIO and call(os.stat, D) == -errno.ENOTCONN))


def run_on(door, commands):
    """Runs commands (as ccw.run takes them) as one program; gives the status and what was read."""
    ccws, data, reads, at = b'', b'', [], 0x1000
    for index, (code, flags, operand) in enumerate(commands):
        length = operand if isinstance(operand, int) else len(operand)
        if isinstance(operand, int):
            reads.append((at + len(data), length))
            operand = bytes(operand)
        ccws += ccw(code, flags | (CC if index + 1 < len(commands) else 0), length, door.base + at + len(data))
        data += operand + bytes(-len(operand) % 8)
    assert len(ccws) <= at
    status, image = door.run(ccws + bytes(at - len(ccws)) + data)
    return status, [image[a:a + length] for a, length in reads]


def good(status):
    return (status.dstat, status.cstat) == (0x0c, 0)


def read_fixed(door, model, track, first, count):
    """Every record is of a generation that was asked for and no older than what was acknowledged before."""
    low = [model.done[model.at(track, r)] for r in range(first, first + count)]
    status, blocks = run_on(door, [extent(0x40, track, track), locate(6, count, track, first, SIZE)] + [(0x86, 0, SIZE)] * count)
    assert good(status), (track, first, count, status.bytes.hex())
    found = []
    for record, least, data in zip(range(first, first + count), low, blocks):
        owner, number, generation = struct.unpack('>III', data[:12])
        most = model.asked[model.at(track, record)]
        assert data == (block(track, record, generation) if generation else bytes(SIZE)), ('a mixture', track, record, data[:16].hex())
        assert least <= generation <= most, ('lost' if generation < least else 'foreign', track, record, least, generation, most)
        found.append(generation)
    return found


def holds_random(door, track, generation):
    """Whether a track of the other kind holds the records of a generation and no more."""
    records = random_records(track, generation)
    counts = [(0x92, 0, 8)] * len(records)
    status, found = run_on(door, [extent(0x40, track, track), locate(6, len(counts), track, 0)] + counts)
    if not good(status) or found != [count_field(track, r, len(key), len(data)) for r, (key, data) in enumerate(records, 1)]:
        return False
    keys_and_data = [(0x8e, 0, len(key) + len(data)) for key, data in records]
    status, found = run_on(door, [extent(0x40, track, track), locate(6, len(records), track, 1)] + keys_and_data)
    return good(status) and found == [key + data for key, data in records]


class Worker:
    def __init__(self, model, door, number, seed):
        self.model, self.door, self.random = model, door, random.Random(seed)
        tracks = [t for t in range(FIRST, TRACKS) if writer(t) == number]
        self.fixed, self.others = [t for t in tracks if is_fixed(t)], [t for t in tracks if not is_fixed(t)]
        self.generation = max(model.asked) + 1

    def write(self, places, commands):
        """A program that brings places of the model to a new generation."""
        self.generation += 1
        for track, record in places:
            self.model.asked[self.model.at(track, record)] = self.generation
        status, _ = run_on(self.door, commands(self.generation))
        assert good(status), (places, status.bytes.hex())
        for track, record in places:
            self.model.done[self.model.at(track, record)] = self.generation

    def write_records(self):
        first = self.random.randrange(1, BLOCKS + 1)
        count, track = self.random.randrange(1, BLOCKS + 2 - first), self.random.choice(self.fixed)
        self.write([(track, r) for r in range(first, first + count)], lambda g: [
            extent(0x80, track, track), locate(1, count, track, first, SIZE), *[(0x85, 0, block(track, r, g)) for r in range(first, first + count)]])

    def write_tracks(self):
        tracks = sorted(self.random.sample(self.fixed, 2))
        self.write([(t, r) for t in tracks for r in range(1, BLOCKS + 1)], lambda g: [
            extent(0x80, tracks[0], tracks[1]),
            *[c for t in tracks for c in (locate(1, BLOCKS, t, 1, SIZE), *[(0x85, 0, block(t, r, g)) for r in range(1, BLOCKS + 1)])]])

    def format(self):
        track = self.random.choice(self.others)
        def commands(generation):
            records = random_records(track, generation)
            return [extent(0, track, track, 4), locate(3, len(records), track, 0), *[
                (0x1d, 0, count_field(track, r, len(key), len(data)) + key + data) for r, (key, data) in enumerate(records, 1)]]
        self.write([(track, 0)], commands)
        assert self.random.random() < 0.5 or holds_random(self.door, track, self.generation), (track, self.generation)

    def read(self):
        track = self.random.choice([t for t in range(FIRST, TRACKS) if is_fixed(t)] if self.random.random() < 0.5 else self.fixed)
        first = self.random.randrange(1, BLOCKS + 1)
        read_fixed(self.door, self.model, track, first, self.random.randrange(1, BLOCKS + 2 - first))

    def work(self, until):
        while time.monotonic() < until:
            self.random.choice((self.write_records, self.write_records, self.write_tracks, self.format, self.read, self.read))()
            self.model.count[0] += 1     # about: several count


PROCESSES = [(Files, SHARED[0:2]), (Files, SHARED[2:3]), (Client, SHARED[3:4]), (Control, SHARED[4:]), (Control, SHARED[4:])]
WORKERS = sum(len(subchannels) for _, subchannels in PROCESSES)


def writer(track):
    """Which worker may write it."""
    return track // 5 % WORKERS


def prepare(model):
    """Every track has records of zeros, or those of generation 1."""
    door = Files(SHARED[0])
    for track in range(FIRST, TRACKS):
        records = [(b'', bytes(SIZE))] * BLOCKS if is_fixed(track) else random_records(track, 1)
        status, _ = run_on(door, [extent(0, track, track, 4), locate(3, len(records), track, 0), *[
            (0x1d, 0, count_field(track, r, len(key), len(data)) + key + data) for r, (key, data) in enumerate(records, 1)]])
        assert good(status), status.bytes.hex()
        if not is_fixed(track):
            model.asked[model.at(track, 0)] = model.done[model.at(track, 0)] = 1


def work(model, kind, subchannels, number, seed, until):
    """A process with a thread for each of its subchannels; gives its exit status."""
    faults = []
    def body(door, number):
        try:
            Worker(model, door, number, seed + number).work(until)
        except BaseException as fault:
            faults.append(fault)
    threads = [threading.Thread(target=body, args=(kind(dev), number + n)) for n, dev in enumerate(subchannels)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    for fault in faults:
        if not is_end(fault):
            raise fault
    return GONE if faults else 0


def judge(file):
    """Everything that was acknowledged is there; a program that was not is there whole or not at all, and what it is counts from now on."""
    model, door, programs = Model(file), Files(SHARED[0]), {}
    if not model.is_prepared():
        prepare(model)
    for track in range(FIRST, TRACKS):
        if is_fixed(track):
            found = dict(enumerate(read_fixed(door, model, track, 1, BLOCKS), 1))
        else:
            at = model.at(track, 0)
            found = {0: next((g for g in (model.asked[at], model.done[at]) if holds_random(door, track, g)), None)}
            assert found[0] is not None, ('lost', track, model.done[at], model.asked[at])
        for record, generation in found.items():
            at = model.at(track, record)
            assert generation in (model.done[at], model.asked[at]), (track, record, model.done[at], generation, model.asked[at])
            if model.done[at] != model.asked[at]:
                programs.setdefault((writer(track), model.asked[at]), set()).add(generation == model.asked[at])
            model.asked[at] = model.done[at] = generation
    for program, outcomes in programs.items():
        assert len(outcomes) == 1, ('a program is there in part', program)


def main(file, seed, seconds):
    """Judges the volume, then works for so long, or until the mount is gone; a line now and then says how many steps it has made."""
    judge(file)
    model = Model(file)
    before = model.count[0]
    children, number, until = [], 0, time.monotonic() + seconds
    for kind, subchannels in PROCESSES:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = work(model, kind, subchannels, number, seed, until)
            except BaseException as fault:
                status = GONE if is_end(fault) else traceback.print_exc() or 1
            finally:
                os._exit(status)
        children.append(pid)
        number += len(subchannels)
    ends = []
    while children:
        ended, status = os.waitpid(children[0], os.WNOHANG)
        if ended:
            children.pop(0)
            ends.append(os.waitstatus_to_exitcode(status))
            continue
        select.select([], [], [], 0.01)
        print(model.count[0] - before, flush=True)
    assert set(ends) <= {0, GONE}, ends
    assert GONE not in ends or isinstance(call(os.stat, D), int), 'files were gone and the mount is not'
