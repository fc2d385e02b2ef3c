"""What the scripts of the system tests share: structures, and one call each for the steps of an I/O through the files."""
import ctypes, errno, fcntl, json, mmap, os, random, select, signal, stat, struct, subprocess, sys, threading

D = os.environ['D']                      # the mount point
S = os.environ.get('S', '/tmp')          # a scratch directory
P = os.environ.get('P')                  # the pid of ccwfs
CCWFS = os.environ.get('CCWFS')
DEV = '0.0.0000'
PROGRAM, DATA = 0x1000, 0x10000          # where programs and data go in guest storage
CD, CC, SLI, SKIP, PCI, IDA, SUSPEND = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02
FORMAT1 = 0x00c28000                     # ORB word 1: format 1, prefetch, format-2 IDAWs, path 80
START, HALT, CLEAR = 0x4000, 0x2000, 0x1000

PR_SET_PDEATHSIG = 1
# A script that ends by a failed assertion takes along what it forked: it would hold the output open, and the mount in use.
os.register_at_fork(after_in_child=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))


def path(name, dev=DEV):
    return f'{D}/{dev}/{name}'


def call(f, *arguments):
    """A system call's result, or -errno."""
    try:
        return f(*arguments)
    except OSError as error:
        return -error.errno


def name(result):
    """An errno as its name, other results as they are."""
    if not isinstance(result, int) or result >= 0:
        return result
    return 'EOPNOTSUPP' if result == -errno.EOPNOTSUPP else errno.errorcode[-result]   # the same number as ENOTSUP


def opened(file, flags=os.O_RDWR):
    return os.open(file, flags)


def pwrite(file, data, offset=0):
    fd = opened(file)
    try:
        return call(os.pwrite, fd, data, offset)
    finally:
        os.close(fd)


def pread(file, length, offset=0):
    fd = opened(file, os.O_RDONLY)
    try:
        return call(os.pread, fd, length, offset)
    finally:
        os.close(fd)


def poke(address, data):
    assert pwrite(f'{D}/memory', data, address) == len(data)


def peek(address, length):
    return pread(f'{D}/memory', length, address)


def ccw(command, flags=0, count=0, address=0):
    return struct.pack('>BBHI', command, flags, count, address)


def orb(cpa=PROGRAM, word1=FORMAT1, parameter=0):
    return struct.pack('>III', parameter, word1, cpa)


def scsw(function=START):
    return struct.pack('>III', function, 0, 0)


def start(cpa=PROGRAM, word1=FORMAT1, dev=DEV):
    """124 bytes are what a start was asked with: orb and scsw alone are enough."""
    return pwrite(path('io', dev), orb(cpa, word1) + scsw())


def io_ret_code(dev=DEV):
    return struct.unpack('=i', pread(path('io', dev), 4, 120))[0]


def cmd(number, dev=DEV):
    return pwrite(path('cmd', dev), struct.pack('=I', number))


def cmd_ret_code(dev=DEV):
    return struct.unpack('=i', pread(path('cmd', dev), 4, 4))[0]


def wait(which='io', dev=DEV):
    fd = opened(path(f'irq/{which}', dev), os.O_RDONLY)   # a stream: it cannot be read at an offset
    try:
        return struct.unpack('=Q', os.read(fd, 8))[0]
    finally:
        os.close(fd)


def drain(which='io', dev=DEV):
    fd = os.open(path(f'irq/{which}', dev), os.O_RDONLY | os.O_NONBLOCK)
    result = call(os.read, fd, 8)
    os.close(fd)
    return 0 if isinstance(result, int) else struct.unpack('=Q', result)[0]


def irb(dev=DEV):
    return pread(path('io', dev), 96, 24)


class Status:
    def __init__(self, data):
        self.bytes = data
        self.word0, self.cpa, self.dstat, self.cstat, self.count = struct.unpack('>IIBBH', data[:12])
        self.fctl, self.actl, self.stctl = (self.word0 >> 12) & 7, (self.word0 >> 5) & 0x7f, self.word0 & 0x1f
        self.sense = data[32:64]


def program(*commands, at=PROGRAM, data=DATA):
    """Lays out commands (code, flags, bytes to write or number of bytes to read) and chains them; gives the reads' addresses."""
    ccws, reads = b'', []
    for index, (code, flags, operand) in enumerate(commands):
        chain = CC if index + 1 < len(commands) else 0
        if isinstance(operand, int):
            reads.append((data, operand))
            length = operand
        else:
            if operand:
                poke(data, operand)
            length = len(operand)
        ccws += ccw(code, flags | chain, length, data)
        data += (length + 7) // 8 * 8
    poke(at, ccws)
    return reads


def run(*commands, dev=DEV, at=PROGRAM, data=DATA):
    """Runs commands to their end; gives the status and the data read."""
    reads = program(*commands, at=at, data=data)
    result = start(cpa=at, dev=dev)
    assert result == 24, name(result)
    assert wait(dev=dev) >= 1
    return Status(irb(dev)), [peek(address, length) for address, length in reads]


def ran(*commands, **where):
    status, data = run(*commands, **where)
    assert (status.dstat, status.cstat) == (0x0c, 0), (hex(status.dstat), hex(status.cstat), status.sense.hex())
    return data


def cchh(track):
    return struct.pack('>HH', track // 15, track % 15)


def extent(mask, first, last, extra=0):
    return 0x63, 0, struct.pack('>BBHHBB', mask, 0xc4, 0, 0, 0, extra) + cchh(first) + cchh(last)


def locate(operation, count, track, record, length=0):
    return 0x47, 0, struct.pack('>BBBB', operation, 0x80 if length else 0, 0, count) + cchh(track) + cchh(track) + struct.pack('>BBH', record, 0, length)


def count_field(track, record, key, data):
    return cchh(track) + struct.pack('>BBH', record, key, data)


def format_track(track, records, size, dev=DEV, **where):
    """Records of zeros, the way dasdfmt writes them."""
    return ran(extent(0, track, track, 4), locate(3, records, track, 0, size),
               *[(0x1d, SLI, count_field(track, r, 0, size)) for r in range(1, records + 1)], dev=dev, **where)


def write_records(track, first, blocks, dev=DEV, **where):
    return ran(extent(0x80, track, track), locate(1, len(blocks), track, first, len(blocks[0])), *[(0x85, 0, b) for b in blocks], dev=dev, **where)


def read_records(track, first, count, size, dev=DEV, **where):
    return ran(extent(0x40, track, track), locate(6, count, track, first, size), *[(0x86, 0, size)] * count, dev=dev, **where)


def loop_for_ever(dev=DEV):
    """NOP, chained to a TIC back to it: legal, and without end. What is behind such a TIC is fetched too, as the kernel does: an end."""
    poke(PROGRAM, ccw(0x03, CC | SLI, 1, 0) + ccw(0x08, 0, 0, PROGRAM) + ccw(0x03, SLI, 1, 0))
    return start(dev=dev)


def descriptors():
    return len(os.listdir(f'/proc/{P}/fd'))


def resident_kilobytes():
    with open(f'/proc/{P}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmRSS'))
