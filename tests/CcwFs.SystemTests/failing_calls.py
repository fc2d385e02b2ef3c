"""
A volume's life (add, write, format, release, read, remove) in which one call on the disk fails: each in its turn (failing.c). Nobody is told what is not so,
and once the disk is well again all is right. failing_calls.main(DIRECTORY, SEED, ALL): with the image v.ckd there; ALL: every errno at every call, else one.
"""
from ccw import *

ERRNOS = [getattr(errno, name) for name in (
    'EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EPERM', 'EACCES', 'EFBIG', 'EINTR', 'EAGAIN', 'ECANCELED', 'EINVAL', 'EBADF', 'ENOMEM', 'ESTALE', 'ETIMEDOUT',
    'EREMOTEIO')]
VOLUME = '0.0.0001'                       # added and removed all the time
RECORDS, PARTIAL = 3, 8192                # a track's blocks of 4096, and what a write that fails writes of them
OLD, WRITTEN, FORMATTED, RELEASED, READ = 1, (35, 36), 37, 38, 50
CALLS = {'open', 'statx', 'readlink', 'flock', 'lseek', 'pread', 'pwrite', 'sync', 'fallocate', 'fchmod', 'unlinkat'}    # at least
UNSYNCED = 'could not be brought to the disk'


class Disk:
    """The orders to failing.c."""

    def __init__(self, directory):
        self.orders = mmap.mmap(os.open(f'{directory}/orders', os.O_RDWR), 4096)
        self.orders[96:224] = f'{directory}/v.ckd'.encode().ljust(128, b'\0')

    def fail(self, number, skip=0, times=1, call='', suffix='', partial=0):
        self.orders[4:20] = struct.pack('=iiii', skip, times, partial, 0)
        self.orders[20:96] = struct.pack('=12s64s', call.encode(), suffix.encode())
        self.orders[224:240] = bytes(16)
        self.orders[0:4] = struct.pack('=i', number)

    def mend(self):
        """Ends it; gives the name of the call that was refused, or None."""
        self.orders[0:4] = bytes(4)
        return self.orders[228:240].rstrip(b'\0').decode() or None

    def calls(self):
        return struct.unpack('=i', self.orders[224:228])[0]


def control(**request):
    """The error of a request in words, or None."""
    fd, reply = os.open(f'{D}/control', os.O_RDWR), b''
    os.write(fd, json.dumps(request).encode())
    while data := os.read(fd, 65536):
        reply += data
    os.close(fd)
    error = json.loads(reply).get('error')
    assert error is None or error and '\n' not in error and 'its log says why' not in error and 'Exception' not in error, error
    return error


def block(value):
    return struct.pack('>I', value) * 1024


def run_to_end(*commands):
    """As run; status of the device's own, such as that there is space again, is passed over."""
    reads = program(*commands)
    result = start(dev=VOLUME)
    assert result == 24, name(result)
    while True:
        wait(dev=VOLUME)
        status = Status(irb(VOLUME))
        if status.fctl & 4 and status.stctl & 2:    # of a start, at its end
            return status, [peek(address, length) for address, length in reads]


def ends(*commands):
    """Whether a program ends well. If it does not, the disk is the reason that is given."""
    status, data = run_to_end(*commands)
    if (status.dstat, status.cstat) == (0x0c, 0):
        return True, data
    assert status.dstat == 0x0e and status.sense[0] & 0x10, (hex(status.dstat), status.sense.hex())    # equipment check
    return False, data


def write(value):
    records = [(0x85, 0, block(value))] * RECORDS
    return ends(extent(0x80, *WRITTEN), *[c for track in WRITTEN for c in (locate(1, RECORDS, track, 1, 4096), *records)])[0]


def format_with(track, value):
    records = [(0x1d, 0, count_field(track, r, 0, 4096) + block(value)) for r in range(1, RECORDS + 1)]
    return ends(extent(0, track, track, 4), locate(3, RECORDS, track, 0, 4096), *records)[0]


def release(track):
    return ends((0xf7, 0, struct.pack('>BxBxH14xHxx', 0x81, 0x20, 0x0151, 1) + cchh(track) * 2))[0]


def read(track):
    """The one value that a track holds, None when it cannot be read, 0 when it is not formatted."""
    status, blocks = run_to_end(extent(0x40, track, track), locate(6, RECORDS, track, 1, 4096), *[(0x86, 0, 4096)] * RECORDS)
    if status.dstat == 0x0c:
        assert len(set(blocks)) == 1, ('a mixture', {b[:4].hex() for b in blocks})
        return struct.unpack('>I', blocks[0][:4])[0]
    if status.sense[1] & 0x08:    # no record found
        return 0
    assert status.dstat == 0x0e and status.sense[0] & 0x10, (hex(status.dstat), status.sense.hex())
    return None


def add(spec):
    return control(verb='add', spec=spec, directory='/')


class Life:
    """One life. What a track may hold is in `possible`: several values as long as nobody has looked."""

    def __init__(self, spec, value):
        self.spec, self.value, self.told = spec, value, []
        self.possible = {track: {value} for track in (*WRITTEN, FORMATTED, RELEASED, READ)}

    def change(self, what, value, acknowledged, *tracks):
        for track in tracks:
            self.possible[track] = {value} if acknowledged else self.possible[track] | {value}
        if not acknowledged:
            self.told.append(what)

    def look(self, track):
        found = read(track)
        if found is None:
            self.told.append('read')
            return False
        assert found in self.possible[track], (track, found, self.possible[track])
        self.possible[track] = {found}
        return True

    def get_stuck(self, disk):
        """Lives before that: tracks that are whole in the redo file alone."""
        assert add(self.spec) is None
        disk.fail(errno.EIO, call='pwrite', suffix='v.ckd', times=-1, partial=PARTIAL)
        self.value += 1
        assert not write(self.value)
        for track in WRITTEN:
            self.possible[track] = {self.value}
        assert all(self.look(track) for track in WRITTEN) and control(verb='remove', id=VOLUME)
        disk.mend()

    def live(self):
        if error := add(self.spec):
            self.told.append(error)
            return
        new = self.value + 1
        self.change('write', new, write(new), *WRITTEN)
        self.change('format', new, format_with(FORMATTED, new), FORMATTED)
        self.change('release', 0, release(RELEASED), RELEASED)
        for track in self.possible:
            self.look(track)
        if error := control(verb='remove', id=VOLUME):
            self.told.append(error)

    def judge(self, image):
        """The disk is well again: everything can be read, written and closed; all tracks have one value then, which it gives."""
        error = add(self.spec)
        if error and UNSYNCED in error:
            assert any('may be lost' in told for told in self.told), ('the end did not tell', self.told, error)
            os.unlink(image + '.redo')    # as the line says
            error = add(self.spec)
        assert error is None, error
        assert all([self.look(track) for track in self.possible])
        value = self.value + 2
        assert write(value) and all(format_with(track, value) for track in (FORMATTED, RELEASED, READ))
        assert (error := control(verb='remove', id=VOLUME)) is None, error
        assert not os.path.exists(image + '.redo')
        return value


def every_call(errnos_of, one):
    """Calls one(disk call, errno) for the first call, the second, … until there is none that could be refused."""
    number = 0
    while any([one(number, error) for error in errnos_of()]):
        number += 1


def main(directory, seed, everything):
    choose, image, disk = random.Random(seed), f'{directory}/v.ckd', Disk(directory)
    spec, value, refused = f'dasd,image={image},id={VOLUME},ese', OLD, {}
    assert add(spec) is None and all(format_with(track, OLD) for track in (*WRITTEN, FORMATTED, RELEASED, READ)) and control(verb='remove', id=VOLUME) is None
    for sync, stuck in ('none', False), ('program', False), ('none', True), ('program', True):
        def one(number, error):
            nonlocal value
            life = Life(f'{spec},sync={sync}', value)
            if stuck:
                life.get_stuck(disk)
            disk.fail(error, skip=number, partial=PARTIAL)
            call = None
            try:
                life.live()
                call = disk.mend()
                value = life.judge(image)
            except AssertionError as fault:
                where = f'call {number} ({disk.mend() or call}), {errno.errorcode[error]}, sync={sync}, stuck: {stuck}'
                raise AssertionError(f'{where}: told {life.told}') from fault
            refused[call] = refused.get(call, 0) + 1
            return call
        every_call(lambda: ERRNOS if everything else [choose.choice(ERRNOS)], one)
    print(refused)
    assert refused.keys() >= CALLS, CALLS - refused.keys()
