#!/usr/bin/env python3
"""10,000 control calls over 100 connections while 1,000 databases replicate: no error, and the daemon grows by nothing."""
import json
import os
import resource
import selectors
import socket
import sqlite3
import threading
import time
import unittest

from scenario import LIMIT, Scenario, until

DATABASES = 1_000
CONNECTIONS = 100
CALLS = 10_000
LEAST_COMMITS = 200


class Caller:
    """One connection that asks, waits for the answer and asks again. Every tenth is HTTP on the same socket."""

    def __init__(self, path, number, paths):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.http = number % 10 == 0
        self.paths = paths
        self.number = number
        self.left = CALLS // CONNECTIONS
        self.received = b""
        self.id = None

    def request(self):
        kind = (self.number + self.left) % 20
        path = self.paths[(self.number * 37 + self.left * 11) % len(self.paths)]
        self.id = f"{self.number}-{self.left}"
        method, params = ("sync", {"path": path, "wait": False}) if kind == 0 else \
            ("sync", {"path": path, "wait": True}) if kind == 1 else \
            ("list", {}) if kind == 2 else ("info", {}) if kind < 6 else ("status", {"path": path})
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": self.id}).encode()
        if not self.http:
            return body + b"\n"
        return b"POST /control/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" \
               b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

    def ask(self):
        self.socket.sendall(self.request())

    def answer(self):
        """The reply once it is complete, else None."""
        chunk = self.socket.recv(1 << 20)
        if not chunk:
            raise AssertionError(f"caller {self.number} was hung up on")
        self.received += chunk
        if not self.http:
            if not self.received.endswith(b"\n"):
                return None
            body = self.received
        else:
            head, _, body = self.received.partition(b"\r\n\r\n")
            length = [int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:")]
            if not length or len(body) < length[0]:
                return None
            assert head.startswith(b"HTTP/1.1 200 "), head
        self.received = b""
        return json.loads(body)


class Load(Scenario):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 8 * DATABASES
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skipTest(f"only {hard} open files allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def make_databases(self):
        (self.dir / "db").mkdir()
        first = self.dir / "first.db"
        connection = sqlite3.connect(first, isolation_level=None)
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("CREATE TABLE t (x)")
        connection.close()
        paths = [str(self.dir / f"db/{number}.db") for number in range(DATABASES)]
        content = first.read_bytes()
        for path in paths:
            with open(path, "wb") as file:
                file.write(content)
        text = f"socket: {{path: {self.socket}}}\ndbs:\n"
        text += "".join(f"  - {{path: {p}, replica: {{path: {self.dir}/r/{n}}}}}\n" for n, p in enumerate(paths))
        return paths, self.config(text)

    @staticmethod
    def resident(pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            return next(int(l.split()[1]) for l in status if l.startswith("VmRSS")) * 1024

    @staticmethod
    def sockets(pid):
        """How many it has; what databases have open changes with their checkpoints."""
        def is_socket(link):
            try:
                return os.readlink(link).startswith("socket:")
            except FileNotFoundError:
                return False
        return sum(is_socket(entry.path) for entry in os.scandir(f"/proc/{pid}/fd"))

    def call_all(self, callers):
        """Every caller's calls, all connections at once; the replies that are no results."""
        errors, slowest = [], 0.0
        with selectors.DefaultSelector() as ready:
            since = {}
            for caller in callers:
                ready.register(caller.socket, selectors.EVENT_READ, caller)
                since[caller] = time.monotonic()
                caller.ask()
            while ready.get_map():
                events = ready.select(LIMIT)
                self.assertTrue(events, "no answer any more")
                for key, _ in events:
                    caller = key.data
                    reply = caller.answer()
                    if reply is None:
                        continue
                    slowest = max(slowest, time.monotonic() - since[caller])
                    if "result" not in reply or reply["id"] != caller.id:
                        errors.append(reply)
                    caller.left -= 1
                    if caller.left == 0:
                        ready.unregister(caller.socket)
                        continue
                    since[caller] = time.monotonic()
                    caller.ask()
        return errors, slowest

    def write(self, paths, ended, written):
        """Commits here and there as long as the calls go on."""
        number = 0
        while not ended.is_set() or number < LEAST_COMMITS:
            connection = sqlite3.connect(paths[number * 7 % len(paths)], isolation_level=None, timeout=LIMIT)
            connection.execute("INSERT INTO t VALUES (?)", (number,))
            connection.close()
            number += 1
        written.append(number)

    def test_ten_thousand_calls_while_a_thousand_databases_replicate(self):
        paths, config = self.make_databases()
        daemon = self.daemon("-config", config)
        pid = daemon.process.pid
        until(lambda: all(e.get("last_sync_at") for e in self.ask("list", "-details")), "all databases on their replicas")
        idle = self.sockets(pid)
        # A first round lets pools and buffers reach their size; the measured one must add nothing.
        warm = [Caller(self.socket, number, paths) for number in range(CONNECTIONS)]
        for caller in warm:
            caller.left //= 4
        self.assertEqual(self.call_all(warm)[0], [])
        for caller in warm:
            caller.socket.close()
        until(lambda: self.sockets(pid) <= idle, "the connections to be gone")
        before = self.resident(pid)

        callers = [Caller(self.socket, number, paths) for number in range(CONNECTIONS)]
        for caller in callers:
            self.addCleanup(caller.socket.close)
        ended, written = threading.Event(), []
        writer = threading.Thread(target=self.write, args=(paths, ended, written))
        writer.start()
        begin = time.monotonic()
        try:
            errors, slowest = self.call_all(callers)
        finally:
            ended.set()
            writer.join()
        took = time.monotonic() - begin
        for caller in callers:
            caller.socket.close()
        self.assertEqual(errors[:3], [])
        self.ctl("sync", "-wait", "-all", "-socket", self.socket)
        until(lambda: self.sockets(pid) <= idle, "the connections to be gone")
        after = self.resident(pid)
        print(f"\n{CALLS} calls in {took:.1f} s, slowest {slowest * 1000:.0f} ms, {written[0]} commits meanwhile; "
              f"resident {before >> 20} → {after >> 20} MiB, {idle} → {self.sockets(pid)} sockets")
        self.assertLess(after - before, 16 << 20)
        self.assertEqual([e for e in self.ask("list", "-details") if e.get("last_error")], [])
        self.assertEqual(daemon.end(), 0, daemon.errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
