"""What the scenarios share: litestreamd and litestreamctl as users run them, with real processes, sockets, signals and
files in a temporary directory.

BIN_DIR names the directory of the two programs. Nothing here waits for a fixed time: the daemon says READY=1 on
$NOTIFY_SOCKET, processes are waited for, and what has no event is polled until a limit.
"""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(os.environ.get("BIN_DIR", "build/release/bin"))
LIMIT = 60  # seconds until a test gives up


def until(condition, what):
    deadline = time.monotonic() + LIMIT
    pause = threading.Event()
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        pause.wait(0.02)
    raise AssertionError(f"waited in vain for {what}")


class Daemon:
    """A litestreamd that has said that it is ready. `files` limits those that it may have open: soft, hard."""

    def __init__(self, directory, *arguments, environment=None, ready=True, files=None):
        self.log_path = directory / "daemon.log"
        self.error_path = directory / "daemon.err"
        notify_path = directory / "notify.sock"
        notify_path.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(notify_path))
        self.notify.settimeout(LIMIT)
        env = {**os.environ, "NOTIFY_SOCKET": str(notify_path), **(environment or {})}
        with open(self.log_path, "wb") as log, open(self.error_path, "wb") as error:
            self.process = subprocess.Popen([BIN / "litestreamd", *map(str, arguments)], stdout=log, stderr=error,
                                            stdin=subprocess.DEVNULL, env=env, cwd=directory,
                                            preexec_fn=files and (lambda: resource.setrlimit(
                                                resource.RLIMIT_NOFILE, files)))
        if ready:
            try:
                said = self.notify.recv(100)
            except socket.timeout:
                raise AssertionError("not ready: " + self.log + self.errors) from None
            assert said == b"READY=1", said

    @property
    def log(self):
        return self.log_path.read_text()

    @property
    def errors(self):
        return self.error_path.read_text()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        return self.process.wait(LIMIT)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.notify.close()


class Scenario(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        # Short, for a Unix socket's path is at most 107 bytes.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="lsd-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.socket = self.dir / "s.sock"

    def daemon(self, *arguments, **options):
        daemon = Daemon(self.dir, *arguments, **options)
        self.addCleanup(daemon.close)
        return daemon

    def config(self, text, name="litestream.yml"):
        path = self.dir / name
        path.write_text(text)
        return path

    def standard(self, *names, extra="", interval="1h"):
        """A configuration with a socket and the databases named, each with a replica r-NAME."""
        text = f"socket: {{path: {self.socket}}}\n{extra}\ndbs:\n"
        for name in names:
            text += f"  - path: {self.dir}/{name}\n"
            text += f"    replica: {{path: {self.dir}/r-{name}, sync-interval: {interval}}}\n"
        return self.config(text if names else text + "  []\n")

    def database(self, name="app.db", rows=3):
        connection = sqlite3.connect(self.dir / name, isolation_level=None)
        self.addCleanup(connection.close)
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("CREATE TABLE IF NOT EXISTS t (x)")
        self.insert(connection, rows)
        return connection

    @staticmethod
    def insert(connection, rows=1):
        connection.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(rows)])

    def run_program(self, program, *arguments, environment=None):
        return subprocess.run([BIN / program, *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT,
                              cwd=self.dir, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                              check=False)

    def ctl(self, *arguments):
        return self.run_program("litestreamctl", *arguments)

    def ask(self, *arguments):
        """A control call that must succeed: its JSON result."""
        done = self.ctl(*arguments, "-socket", self.socket)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def refused(self, message, *arguments, status=1):
        done = self.ctl(*arguments)
        self.assertEqual(done.stderr.splitlines()[:1], [f"Error: {message}"])
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        return done.stderr

    def connect_replica(self, replica="r-app.db"):
        """A replica's path leads to a directory; what a disconnection hid is there again. Before the daemon's start."""
        (self.dir / f"{replica}.real").mkdir(exist_ok=True)
        self.lead(replica, f"{replica}.real")

    def disconnect_replica(self, replica="r-app.db"):
        """Nothing can be written there any more, also not by root."""
        (self.dir / "in-the-way").write_text("no directory")
        self.lead(replica, "in-the-way")

    def lead(self, replica, target):
        """At once: an upload or a compaction between taking one away and making the other would make a directory."""
        (self.dir / "next").symlink_to(target)
        (self.dir / "next").rename(self.dir / replica)

    def restored_rows(self, name="app.db"):
        """What a restore from the replica of `name` holds."""
        output = self.dir / "restored.db"
        done = self.ctl("restore", "-force", "-o", output, f"file://{self.dir}/r-{name}")
        self.assertEqual(done.returncode, 0, done.stderr)
        with sqlite3.connect(output) as connection:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            count = connection.execute("SELECT count(*) FROM t").fetchone()[0]
        connection.close()
        return count
