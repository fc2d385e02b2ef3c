"""ccwfs top on a terminal of its own: type(keys, until) runs it there; what it showed and whether the terminal is as it was are printed by the caller."""
import fcntl, os, pty, select, signal, struct, sys, termios, time

PATIENCE = 60


class Terminal:
    def __init__(self, command, lines=24, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))
        self.slave, self.before, self.shown = slave, termios.tcgetattr(slave), b''
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.environ['TERM'] = 'xterm'
            os.execv(command[0], command)

    def read(self, enough):
        """Reads until enough(shown) says so; fails when that does not come."""
        deadline = time.monotonic() + PATIENCE
        while not enough(self.shown):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], self.shown
            self.shown += os.read(self.master, 65536)

    def screens(self):
        """What was shown, screen by screen, as lines without escapes."""
        parts = self.shown.split(b'\x1b[H')[1:]
        return [part.split(b'\x1b[J')[0].replace(b'\x1b[K', b'').decode().split('\r\n') for part in parts if b'\x1b[J' in part]

    def type(self, keys):
        os.write(self.master, keys)

    def end(self):
        """Its exit status, when it has ended by itself; the terminal is as it was before it."""
        self.read(lambda shown: b'\x1b[?1049l' in shown)
        deadline = time.monotonic() + PATIENCE
        status = (0, 0)
        while status[0] == 0 and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.05)[0]:
                os.read(self.master, 65536)
            status = os.waitpid(self.pid, os.WNOHANG)
        assert status[0] == self.pid, 'it did not end'
        assert termios.tcgetattr(self.slave) == self.before, (self.before, termios.tcgetattr(self.slave))
        return os.waitstatus_to_exitcode(status[1])
