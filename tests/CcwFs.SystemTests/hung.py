# A file system at argv[1] that never answers what it is asked: "mounted", then "asked" at the first request. Ends with standard input.
import ctypes, os, struct, sys, threading

INIT = 26                                                  # linux/fuse.h
point = sys.argv[1].encode()
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open('/dev/fuse', os.O_RDWR)
if libc.mount(b'hung', point, b'fuse', 0, b'fd=%d,rootmode=40000,user_id=0,group_id=0' % fd):
    sys.exit(os.strerror(ctypes.get_errno()))
_, opcode, unique = struct.unpack_from('=IIQ', os.read(fd, 1 << 20))
assert opcode == INIT, opcode
reply = struct.pack('=IIIIHHIIHHI28x', 7, 31, 0, 0, 0, 0, 1 << 16, 1, 0, 0, 0)
os.write(fd, struct.pack('=IiQ', 16 + len(reply), 0, unique) + reply)
print('mounted', flush=True)


def listen():
    os.read(fd, 1 << 20)
    print('asked', flush=True)


threading.Thread(target=listen, daemon=True).start()
sys.stdin.read()
libc.umount2(point, 2)                                     # MNT_DETACH
os._exit(0)                                                # whoever waits gets ENOTCONN
