# no_io_uring.py NUMBER ERRNO PROGRAM ARGUMENT…: becomes a program for which the system call of that number fails, by a filter as containers have.
import ctypes, os, struct, sys

LOAD_NUMBER, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
SET_NO_NEW_PRIVILEGES, SET_SECCOMP, MODE_FILTER = 38, 22, 2

steps = [(LOAD_NUMBER, 0, 0, 0), (JUMP_EQUAL, 0, 1, int(sys.argv[1])), (RETURN, 0, 0, FAIL | int(sys.argv[2])), (RETURN, 0, 0, ALLOW)]
program = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *step) for step in steps))
filter = ctypes.create_string_buffer(struct.pack('=HxxxxxxQ', len(steps), ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
for call in ((SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, MODE_FILTER, filter, 0, 0)):
    if libc.prctl(*call) != 0:
        sys.exit(f'no_io_uring.py: {os.strerror(ctypes.get_errno())}')
os.execvp(sys.argv[3], sys.argv[3:])
