"""A VFIO client of `device` and `iommu`, as small as one can be: ioctls with ctypes, structures of linux/vfio.h and linux/iommufd.h in host order."""
from ccw import *

LIBC = ctypes.CDLL(None, use_errno=True)
GET_INFO, REGION_INFO, IRQ_INFO, SET_IRQS, RESET = 0x3B6B, 0x3B6C, 0x3B6D, 0x3B6E, 0x3B6F
BIND, ATTACH, DETACH = 0x3B76, 0x3B77, 0x3B78
DESTROY, ALLOC, RANGES, MAP, UNMAP, MAP_FILE = 0x3B80, 0x3B81, 0x3B84, 0x3B85, 0x3B86, 0x3B8F
IO, CMD, SCHIB, CRW = (n << 10 for n in range(4))
NONE, BOOL, EVENTFD, MASK, UNMASK, TRIGGER = (1 << n for n in range(6))
LITTLE = sys.byteorder == 'little'


def ioctl(fd, command, argument=None):
    """ioctl(2): its result or -errno. The argument is a ctypes buffer, or an address as a number."""
    pointer = ctypes.c_void_p(argument) if isinstance(argument, int) else argument
    result = LIBC.ioctl(fd, ctypes.c_ulong(command), pointer)
    return result if result >= 0 else -ctypes.get_errno()


def structure(layout, *values, room=0):
    """A buffer with the values in host order and room behind them."""
    return ctypes.create_string_buffer(struct.pack('=' + layout, *values), struct.calcsize('=' + layout) + room)


def call_with(fd, command, layout, *values):
    """An ioctl with a structure: its result and the structure's fields afterwards."""
    buffer = structure(layout, *values)
    result = ioctl(fd, command, buffer)
    return result, struct.unpack('=' + layout, buffer.raw)


def system_mmap(*arguments):
    LIBC.mmap.restype, LIBC.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    return LIBC.mmap(*arguments)


class Memory:
    """Memory of the client: private, or a sealed memory file."""

    def __init__(self, length, shared=False):
        self.length = length
        if shared:
            self.file = os.memfd_create('guest', os.MFD_ALLOW_SEALING)
            os.ftruncate(self.file, length)
            fcntl.fcntl(self.file, 1033, 2 | 4)  # F_ADD_SEALS: shrink, grow
            self.map = mmap.mmap(self.file, length)
        else:
            self.map = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))

    @staticmethod
    def of(length, protection, flags, fd, at=None):
        """A mapping of a file, in place of what is at an address if one is given."""
        memory = Memory.__new__(Memory)
        memory.length = length
        memory.address = system_mmap(at, length, protection, flags | (0x10 if at else 0), fd, 0)    # MAP_FIXED
        assert memory.address != 2**64 - 1, os.strerror(ctypes.get_errno())
        return memory

    def poke(self, at, data):
        self.map[at:at + len(data)] = data

    def peek(self, at, length):
        return bytes(self.map[at:at + length])


class Held:
    """
    Private memory of the client that does not answer: a page of a file of another ccwfs, whose read waits for an interrupt that does not come. Each needs a
    file of its own, for the kernel does not map one that is being read; and while one is waited for, its process can map and unmap nothing.
    """

    def __init__(self, mount, number=0):
        self.length = 4096
        fd = os.open(f'{mount}/0.0.{number:04x}/irq/io', os.O_RDWR | os.O_CLOEXEC)
        self.address = system_mmap(None, self.length, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE, fd, 0)
        assert self.address != 2**64 - 1, os.strerror(ctypes.get_errno())


class Iommu:
    def __init__(self):
        self.fd = os.open(f'{D}/iommu', os.O_RDWR | os.O_CLOEXEC)

    def alloc(self):
        result, (_, _, ioas) = call_with(self.fd, ALLOC, 'III', 12, 0, 0)
        assert result == 0, name(result)
        return ioas

    def map(self, ioas, iova, memory, flags=7):
        return call_with(self.fd, MAP, 'IIIIQQQ', 40, flags, ioas, 0, memory.address, memory.length, iova)[0]

    def map_file(self, ioas, iova, fd, start, length, flags=7):
        return call_with(self.fd, MAP_FILE, 'IIIiQQQ', 40, flags, ioas, fd, start, length, iova)[0]

    def unmap(self, ioas, iova, length):
        return call_with(self.fd, UNMAP, 'IIQQ', 24, ioas, iova, length)[0]


class Device:
    def __init__(self, dev=DEV):
        self.fd = os.open(path('device', dev), os.O_RDWR | os.O_CLOEXEC)
        self.events = {}

    def bind(self, iommu):
        return call_with(self.fd, BIND, 'IIiI', 16, 0, iommu if isinstance(iommu, int) else iommu.fd, 0)[0]

    def attach(self, ioas):
        return call_with(self.fd, ATTACH, 'III', 12, 0, ioas)[0]

    def detach(self):
        return call_with(self.fd, DETACH, 'II', 8, 0)[0]

    def set_irqs(self, index, flags, data=b'', count=1, start=0, argsz=None):
        argsz = 20 + len(data) if argsz is None else argsz
        buffer = ctypes.create_string_buffer(struct.pack('=IIIII', argsz, flags, index, start, count) + data, 20 + len(data))
        return ioctl(self.fd, SET_IRQS, buffer)

    def event(self, index, flags=os.EFD_NONBLOCK | os.EFD_CLOEXEC):
        fd = os.eventfd(0, flags)
        result = self.set_irqs(index, EVENTFD | TRIGGER, struct.pack('=i', fd))
        assert result == 0, name(result)
        self.events[index] = fd
        return fd

    def start(self, cpa=PROGRAM, scsw=START):
        """ORB and SCSW as a client's CPU holds them."""
        orb = struct.pack('=IHBBI', 0x1234, 0x00c2, 0x80, 0, cpa)
        return call(os.pwrite, self.fd, orb + struct.pack('=HHIBBH', 0, scsw, 0, 0, 0, 0), IO)

    def wait(self, index=0, seconds=10):
        """The count of an interrupt's eventfd; 0 when it does not come."""
        ready, _, _ = select.select([self.events[index]], [], [], seconds)
        return os.eventfd_read(self.events[index]) if ready else 0

    def irb(self):
        """The IRB, big-endian as the architecture has it."""
        return os.pread(self.fd, 124, IO)[24:120]

    def run(self, cpa=PROGRAM):
        """Starts and waits: device and subchannel status."""
        result = self.start(cpa)
        assert result == 24, name(result)
        count = self.wait()
        irb = self.irb()
        assert count == 1, (count, irb.hex(), os.pread(self.fd, 52, SCHIB).hex())
        return irb[8] << 8 | irb[9]

    def close(self):
        os.close(self.fd)


def ccw(command, flags, count, address):
    return struct.pack('>BBHI', command, flags, count, address)


HELD = 0x200000
SENSE_ID = ccw(0xE4, SLI, 40, DATA)


def client(memory=None, dev=DEV, iova=0, held=None):
    """A client with everything set up and SENSE ID as its program; memory that does not answer at HELD."""
    memory = memory or Memory(0x100000)
    iommu, device = Iommu(), Device(dev)
    ioas = iommu.alloc()
    assert not held or iommu.map(ioas, HELD, held) == 0    # first: for later ones it is looked whether the process is still there
    assert iommu.map(ioas, iova, memory) == 0
    result = device.bind(iommu)
    assert result == 0, name(result)
    assert device.attach(ioas) == 0
    device.event(0)
    memory.poke(PROGRAM, SENSE_ID)
    return iommu, device, memory, ioas


def descriptors():
    """What ccwfs has open, but for the assemblies that are loaded when they are first needed."""
    found = []
    for number in os.listdir(f'/proc/{P}/fd'):
        try:
            found.append(os.readlink(f'/proc/{P}/fd/{number}'))
        except FileNotFoundError:
            pass
    return sorted(file for file in found if not file.endswith('.dll'))


def eventually(condition, seconds=60):
    """True as soon as the condition holds."""
    import time
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        select.select([], [], [], 0.01)
    return True
