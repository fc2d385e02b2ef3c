"""Runs the channel programs of Hercules' tests against two mounted volumes: hercules.py TESTS MOUNTPOINT

A test of that suite is a storage image (*.core, the bytes from address 0 on) that holds channel programs, what they write, and a table of them. The
table's place, the ORB's flags and what the image's own code looks at afterwards are known here; the rest is read from the image, which is written to
`memory` anew before each program.
"""
import os
import select
import struct
import sys
from dataclasses import dataclass

SMALL, LARGE = '0.0.0000', '0.0.0001'      # the volumes: 20 cylinders in Linux' layout; 1114 cylinders
FORMAT_0, FORMAT_1 = 0x00008000, 0x00808000  # ORB word 1: path 80; the channel fetches each CCW at its turn
WIDE_IDAWS, NO_LENGTH_CHECK = 0x00020000, 0x80
WELL = 0x0c                                # channel end and device end
PATIENCE = 60                              # seconds; no program here takes one

# What differs by decision: the status and sense bytes 0, 1 and 7 that it must have, and why.
KNOWN = {
    ('E7Prefix', 11): ('0E00', '80 00 04', 'its extent ends before it begins: SA22-1025 page 51'),
    ('GH615', 1): ('0E00', '80 00 04', 'it writes a home address with flag 01: SA22-1025 page 122'),
    ('GH615', 2): ('0E00', '80 00 01', 'it reads a home address by the diagnostic command 0A, which is not offered'),
}


@dataclass
class Outcome:
    """What a program left: the status word and concurrent sense, or the errno of its start."""
    unit: int = 0
    channel: int = 0
    ccw: int = 0
    count: int = 0
    sense: bytes = b''
    error: str = ''

    def status(self):
        return self.error or f'{self.unit:02X}{self.channel:02X}'

    def message(self):
        """Sense bytes 0, 1 and 7, where there is sense."""
        return ' '.join(f'{self.sense[at]:02X}' for at in (0, 1, 7)) if self.unit & 0x02 else ''

    def __str__(self):
        return self.error or f'{self.status()} at {self.ccw:X}, count {self.count:X}' + (f', sense {self.message()}' if self.message() else '')


@dataclass
class Program:
    """One channel program; `wants` is for people, `good` says of an outcome and of storage whether it is that."""
    suite: str
    number: int
    address: int
    orb: int = FORMAT_0
    device: str = SMALL
    wants: str = 'well'
    good: callable = lambda outcome, peek: (outcome.unit, outcome.channel) == (WELL, 0)
    title: str = ''
    left_out: str = ''


def word(image, address):
    return struct.unpack_from('>I', image, address)[0]


def e7prefix(image):
    """Table: its address at 610, the number of rows at 614; a row is number, program, whether an error is wanted, length and address of the title."""
    table, rows = word(image, 0x610), word(image, 0x614)
    for number, address, error, length, title in (struct.unpack_from('>5I', image, table + 20 * row) for row in range(rows)):
        yield Program(
            'E7Prefix', int(f'{number:x}'), address, FORMAT_1 | WIDE_IDAWS,
            wants='no good end' if error else 'well',
            good=lambda outcome, peek, error=error: not outcome.error and outcome.channel == 0 and (outcome.unit != WELL) == bool(error),
            title=image[title:title + length].decode('cp037').strip())


def ccw_ils(image):
    """One NOP at 500; what it is to leave (CCW address, status, residual count) is at 808, and at 810 where incorrect length is to be shown."""
    for number, orb, at in (1, FORMAT_0, 0x808), (2, FORMAT_1, 0x810), (3, FORMAT_1 | NO_LENGTH_CHECK, 0x808):
        wanted = struct.unpack_from('>IBBH', image, at)
        yield Program(
            'CCW-ILS', number, 0x500, orb, wants='{1:02X}{2:02X} at {0:X}, count {3:X}'.format(*wanted),
            good=lambda outcome, peek, wanted=wanted: (outcome.ccw, outcome.unit, outcome.channel, outcome.count) == wanted,
            title=f'incorrect length of a NOP, ORB {orb:08X}')


def home_address(cylinder):
    return struct.pack('>BHH', 0, cylinder, 0)


def record_zero(cylinder):
    return struct.pack('>HHBBHQ', cylinder, 0, 0, 0, 8, 0)


def gh615(image):
    """Table at 430, to a zero: program, code that looks at storage, whether an error is wanted, number, device number. Data goes to 490."""
    data = {1: (0x490, 0x4a0, 0x459), 2: (0x490 + 19, 0x490 + 32, 0x459), 4: (0x490, 0x4a0, 0x375)}
    at = 0x430
    while word(image, at):
        address, _, error, number, device = struct.unpack_from('>IIBBH', image, at)
        at += 12
        program = Program('GH615', number, address, device=LARGE, left_out={0x333: 'no 3330 here', 0x338: 'no 3380 here'}.get(device, ''))
        if error:
            program.wants = 'sense byte 7 of 01'
            program.good = lambda outcome, peek: outcome.unit & 0x02 and outcome.sense[7] == 1
        elif number in data:
            program.wants = 'well, HA and R0 read'
            program.good = lambda outcome, peek, where=data[number]: (
                (outcome.unit, outcome.channel) == (WELL, 0)
                and peek(where[0], 5) == home_address(where[2]) and peek(where[1], 16) == record_zero(where[2]))
        yield program


class Mount:
    """The files of a mounted ccwfs."""

    def __init__(self, mountpoint):
        self.mountpoint = mountpoint
        self.memory = os.open(f'{mountpoint}/memory', os.O_RDWR)

    def poke(self, address, data):
        os.pwrite(self.memory, data, address)

    def peek(self, address, length):
        return os.pread(self.memory, length, address)

    def run(self, device, orb, address):
        """Starts a program and waits for its end."""
        io = os.open(f'{self.mountpoint}/{device}/io', os.O_RDWR)
        interrupts = os.open(f'{self.mountpoint}/{device}/irq/io', os.O_RDONLY)
        try:
            # The region with the start function: ORB, SCSW, IRB, return code.
            os.pwrite(io, struct.pack('>III', 0, orb, address) + struct.pack('>III', 0x4000, 0, 0), 0)
            if not select.select([interrupts], [], [], PATIENCE)[0]:
                sys.exit(f'ccwfs: the program at {address:X} does not end')
            os.read(interrupts, 8)
            irb = os.pread(io, 96, 24)
        except OSError as error:
            return Outcome(error=os.strerror(error.errno))
        finally:
            os.close(io)
            os.close(interrupts)
        _, ccw, unit, channel, count = struct.unpack_from('>IIBBH', irb)
        return Outcome(unit, channel, ccw, count, irb[32:64])


def three_records(mount):
    """Track 3/1 of the small volume with 3 records of 4096, where a CDL volume has 12."""
    track = struct.pack('>HH', 3, 1)
    data = b'\x00\xc0' + bytes(6) + track * 2 + b'\x03\0\0\x03' + track * 2 + b'\0\0\0\0' + b''.join(
        track + struct.pack('>BBH', record, 0, 4096) for record in (1, 2, 3))
    ccws = [(0x63, 0x40, 16, 0), (0x47, 0x40, 16, 16)] + [(0x1d, 0x60, 8, 32), (0x1d, 0x60, 8, 40), (0x1d, 0x20, 8, 48)]
    mount.poke(0x2000, data)
    mount.poke(0x1000, b''.join(struct.pack('>BBHI', command, flags, count, 0x2000 + at) for command, flags, count, at in ccws))
    outcome = mount.run(SMALL, FORMAT_1, 0x1000)
    assert outcome.status() == '0C00', f'track 3/1 cannot be formatted: {outcome}'


def judge(program, outcome, peek):
    """The verdict, and whether it is one that was looked for."""
    if program.good(outcome, peek):
        return 'ok', True
    status, message, why = KNOWN.get((program.suite, program.number), ('', '', ''))
    if why and (outcome.status(), outcome.message()) == (status, message):
        return f'known: {why}', True
    return 'DIFFERS', False


def main(tests, mountpoint):
    mount = Mount(mountpoint)
    three_records(mount)
    ran = differ = 0
    for name, table in (('E7Prefix', e7prefix), ('CCW-ILS', ccw_ils), ('GH615', gh615)):
        try:
            with open(f'{tests}/{name}.core', 'rb') as file:
                image = file.read()
            programs = list(table(image))
        except FileNotFoundError:
            print(f'{name}: left out, there is no {name}.core')
            continue
        except struct.error:
            sys.exit(f'ccwfs: {tests}/{name}.core is not the storage image of that test: its table leads out of it')
        for program in programs:
            line = f'{program.suite} {program.number} at {program.address:X}: '
            if program.left_out:
                print(f'{line}left out, {program.left_out}')
                continue
            mount.poke(0, image)
            outcome = mount.run(program.device, program.orb, program.address)
            verdict, expected = judge(program, outcome, mount.peek)
            print(f'{line}wants {program.wants}, got {outcome}: {verdict}' + (f'  [{program.title}]' if program.title else ''))
            ran += 1
            differ += not expected
    print(f'{ran} programs, {differ} differ')
    return 0 if ran and not differ else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
