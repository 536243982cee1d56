"""Servers of stores as child processes. scripts/test-servers installs them into build/servers, or LITESTREAM_SERVERS says
where they are."""
import os
import pathlib
import socket
import subprocess
import unittest

from . import waiting

SERVERS = pathlib.Path(os.environ.get("LITESTREAM_SERVERS", pathlib.Path(__file__).resolve().parents[2] / "build/servers"))


def required(program):
    """Skips the tests of a class where the program is not installed; fails where LITESTREAM_REQUIRE_SERVERS is 1."""
    def decorate(test_class):
        if pathlib.Path(program).exists():
            return test_class
        if os.environ.get("LITESTREAM_REQUIRE_SERVERS") == "1":
            raise RuntimeError(f"{program} is missing; run scripts/test-servers")
        return unittest.skip(f"{program} is not installed; run scripts/test-servers")(test_class)
    return decorate


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ServerProcess:
    """A command that listens on `port` of the loopback; ended by its own pid."""

    def __init__(self, command, port, environment=None):
        self.command = [str(part) for part in command]
        self.port = port
        self.environment = {"PATH": "/usr/bin:/bin", **(environment or {})}
        self.process = None
        self.start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        waiting.until(self._answers, f"{self.command[0]} to answer")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False
