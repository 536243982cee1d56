"""A program on a pseudo-terminal of 80 columns."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

from scenario import BIN, LIMIT, until


class OnTerminal:
    """Started with the terminal as stdin, stdout and stderr; what it writes is gathered in `text`."""

    def __init__(self, command, cwd, rows=24, columns=80, environment=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.text = ""

        def own_the_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([str(c) for c in command], stdin=slave, stdout=slave, stderr=slave, cwd=cwd,
                                        env={**os.environ, "TERM": "xterm", **(environment or {})},
                                        preexec_fn=own_the_terminal)

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 65536).decode(errors="replace")
        return self.text

    def wait_for(self, words):
        until(lambda: words in self.read(), f"{words!r} on the terminal")

    def type(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Waits for the program: its exit status. Everything it wrote is in `text` then."""
        until(lambda: self.read() is not None and self.process.poll() is not None, "the end of the program")
        self.read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT)
        os.close(self.master)
        os.close(self.slave)

    def settings_restored(self):
        return termios.tcgetattr(self.slave) == self.before


def ctl_on_terminal(test, *arguments, **options):
    terminal = OnTerminal([BIN / "litestreamctl", *arguments], test.dir, **options)
    test.addCleanup(terminal.close)
    return terminal
