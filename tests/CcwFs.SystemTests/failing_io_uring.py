# failing_io_uring.py ERRNO WHEN PROGRAM ARGUMENT…: becomes a program whose io_uring_enter(2) fails with that errno when WHEN says. That is FROM-TO
# or FROM-, the numbers of its calls, counted from 1; or a path, as long as there is a file; or a path:COUNT, so many calls once there is a file.
# A process beside it is asked about each call.
import ctypes, errno, fcntl, os, platform, select, socket, struct, sys

SECCOMP = {'x86_64': 317, 'aarch64': 277, 's390x': 348}[platform.machine()]  # seccomp(2)
IO_URING_ENTER = 426
LOAD_NUMBER, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ASK = 0x7FFF0000, 0x7FC00000
SET_NO_NEW_PRIVILEGES, MODE_FILTER = 38, 1
NEW_LISTENER, WAIT_KILLABLE = 1 << 3, 1 << 5  # the latter, so that a signal of the runtime does not make one call two
RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*
GO_ON = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
QUESTION = 80  # struct seccomp_notif

error, when, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
libc = ctypes.CDLL(None, use_errno=True)

left = int(when.partition(':')[2] or sys.maxsize)

def fails(call):
    global left
    if '/' in when:
        left -= os.path.exists(when.partition(':')[0])
        return os.path.exists(when.partition(':')[0]) and left >= 0
    first, last = when.split('-')
    return int(first) <= call <= int(last or sys.maxsize)

def answer(listener):
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    call = 0
    while all(not event & select.POLLHUP for _, event in poll.poll()):
        question = bytearray(QUESTION)
        try:
            fcntl.ioctl(listener, RECEIVE, question)
            call += 1
            fcntl.ioctl(listener, SEND, struct.pack('=QqiI', *struct.unpack_from('=Q', question), 0, *((-error, 0) if fails(call) else (0, GO_ON))))
        except OSError as problem:
            if problem.errno != errno.ENOENT:  # the thread was killed meanwhile
                raise

here, there = socket.socketpair()
if os.fork() == 0:
    here.close()
    if os.fork() == 0:  # the child of nobody who would wait for it
        null = os.open('/dev/null', os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        answer(socket.recv_fds(there, 1, 1)[1][0])
    os._exit(0)
there.close()
os.wait()
steps = [(LOAD_NUMBER, 0, 0, 0), (JUMP_EQUAL, 0, 1, IO_URING_ENTER), (RETURN, 0, 0, ASK), (RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *step) for step in steps))
filter = ctypes.create_string_buffer(struct.pack('=HxxxxxxQ', len(steps), ctypes.addressof(code)))
libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
listener = libc.syscall(SECCOMP, MODE_FILTER, NEW_LISTENER | WAIT_KILLABLE, filter)
if listener < 0:
    sys.exit(f'failing_io_uring.py: {os.strerror(ctypes.get_errno())}')
socket.send_fds(here, [b'x'], [listener])
os.execvp(program[0], program)
