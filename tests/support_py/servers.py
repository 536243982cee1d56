"""What the servers of the tests share: where they are, ports, starting and ending."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from . import waiting

SERVERS = pathlib.Path(os.environ.get("LITESTREAM_SERVERS", pathlib.Path(__file__).resolve().parents[2] / "build/servers"))


def required(program):
    """Skips the tests of a class where `program` is not installed; fails where LITESTREAM_REQUIRE_SERVERS is 1."""
    program = pathlib.Path(program)

    def decide(test_class):
        if program.exists():
            return test_class
        if os.environ.get("LITESTREAM_REQUIRE_SERVERS") == "1":
            raise RuntimeError(f"{program} is missing; run scripts/test-servers")
        return unittest.skip(f"{program.name} is not installed; run scripts/test-servers")(test_class)

    return decide


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def family(pid):
    """`pid` and all that came from it: sshd has a process in a session of its own for each connection."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):  # it may end at any moment
            for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found += map(int, task.read_text().split())
    return found


class LocalServer:
    """A program that listens on `port` of the loopback."""

    def __init__(self, command, port, log, env=None):
        self.command, self.port, self.log, self.env = [str(c) for c in command], port, pathlib.Path(log), env
        self.process = None
        self.start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, env=self.env, stdout=log, stderr=log)
        waiting.until(self.answers, f"{self.command[0]} to answer, see {self.log}")

    def stop(self):
        if self.process and self.process.poll() is None:
            ours = family(self.process.pid)
            self.process.kill()
            for child in ours[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self.process.wait()

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended: {self.log.read_text()[-500:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False
