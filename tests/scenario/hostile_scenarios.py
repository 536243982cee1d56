#!/usr/bin/env python3
"""Clients that mean no good, or do not know better: the daemon stays small, and answers the others."""
import itertools
import json
import multiprocessing
import resource
import socket
import statistics
import time
import unittest

from scenario import LIMIT, Scenario, until

ATTACK = 2  # seconds
LIST = b'{"jsonrpc": "2.0", "method": "list", "id": 1}\n'


class Hostile(Scenario):
    def setUp(self):
        super().setUp()
        self.running = self.daemon("-config", self.standard("app.db", extra="addr: 127.0.0.1:0"))
        line = until(lambda: next((l for l in self.running.log.splitlines() if "/metrics" in l), None), "the address")
        host, port = line.split("http://")[1].split("/")[0].split(":")
        self.address = (host, int(port))
        self.assertEqual(self.ask("list"), [{"path": str(self.dir / "app.db"), "status": "open"}])
        self.before = self.memory()

    def tearDown(self):
        self.assertEqual(self.ask("list"), [{"path": str(self.dir / "app.db"), "status": "open"}])
        self.assertLess(self.memory() - self.before, 64 << 20)
        self.assertEqual(self.running.end(), 0, self.running.errors)

    def memory(self):
        with open(f"/proc/{self.running.process.pid}/status", encoding="utf-8") as status:
            line = next(l for l in status if l.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def local(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.settimeout(LIMIT)
        connection.connect(str(self.socket))
        return connection

    def remote(self):
        connection = socket.create_connection(self.address, LIMIT)
        self.addCleanup(connection.close)
        return connection

    @staticmethod
    def pour(connection, chunks, limit):
        """Sends until it is hung up on."""
        sent = 0
        try:
            for chunk in chunks:
                connection.sendall(chunk)
                sent += len(chunk)
                if sent >= limit:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass

    @staticmethod
    def reply(connection):
        with connection.makefile("rb") as lines:
            return json.loads(lines.readline())

    def test_a_line_of_a_gigabyte(self):
        connection = self.local()
        self.pour(connection, itertools.chain([b'["'], itertools.repeat(b"x" * (1 << 20))), 1 << 30)
        self.assertEqual(self.reply(self.prefix(b'["' + b"x" * (1 << 20)))["error"]["data"]["reason"], "too_large")

    def prefix(self, data):
        connection = self.local()
        connection.sendall(data)
        return connection

    def test_headers_and_bodies_without_an_end(self):
        request = b"POST /control/ HTTP/1.1\r\nHost: localhost\r\n"
        for connect in (self.local, self.remote):
            self.pour(connect(), itertools.chain([request], itertools.repeat(b"A: " + b"b" * 65536 + b"\r\n")), 1 << 27)
            chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            self.pour(connect(), itertools.chain([request + b"Transfer-Encoding: chunked\r\n\r\n"],
                                                 itertools.repeat(chunk)), 1 << 27)

    def test_deep_json(self):
        for depth in (33, 100_000):
            for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
                error = self.reply(self.prefix(opening * depth + b"1" + closing * depth))["error"]
                self.assertEqual((error["code"], error["data"]["reason"]), (-32600, "too_deep"))

    def test_a_client_that_reads_nothing(self):
        connection = self.local()
        connection.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while True:
                connection.send(LIST * 1000)

    def test_a_thousand_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for first in (b"", b'{"jsonrpc"', b"POST /con"):
            crowd = []
            for _ in range(1000):
                crowd.append(self.local())
                if first:
                    self.pour(crowd[-1], [first], 1)
            # While all of them are there.
            connection = self.local()
            connection.sendall(LIST)
            self.assertEqual(self.reply(connection)["id"], 1)
            for each in crowd:
                each.close()

    def under(self, *attacks):
        """While each of these goes on, in a process of its own, others ask for the status, one after another: how long
        it takes them, from connecting to the reply."""
        context = multiprocessing.get_context("fork")
        for attack in attacks:
            begun, ended = context.Event(), context.Event()
            process = context.Process(target=self.attack, args=(attack, begun, ended), daemon=True)
            process.start()
            self.assertTrue(begun.wait(LIMIT), attack.__name__)
            try:
                own = list(self.round_trips())
                self.round_trip(pause=0.2)  # a client that takes its time is not pushed out by another process
            finally:
                ended.set()
                process.join(LIMIT)
            self.assertEqual(process.exitcode, 0, attack.__name__)
            print(f"  {attack.__name__}: median {statistics.median(own) * 1e3:.1f} ms, "
                  f"slowest {max(own) * 1e3:.1f} ms, {self.peak() - self.before >> 10} KiB more at most")
            self.assertLess(statistics.median(own), 0.1, attack.__name__)
        self.assertLess(self.peak() - self.before, 64 << 20)

    def round_trips(self):
        end = time.monotonic() + ATTACK
        while time.monotonic() < end:
            yield self.round_trip()

    @staticmethod
    def attack(attack, begun, ended):
        for step, _ in enumerate(attack()):
            if step == 0:
                begun.set()
            if ended.is_set():
                return

    def peak(self):
        with open(f"/proc/{self.running.process.pid}/status", encoding="utf-8") as status:
            return int(next(l for l in status if l.startswith("VmHWM")).split()[1]) * 1024

    def round_trip(self, pause=0.0):
        began = time.monotonic()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LIMIT)
            connection.connect(str(self.socket))
            time.sleep(pause)
            connection.sendall(json.dumps({"method": "status", "params": {"path": str(self.dir / "app.db")},
                                           "id": 1}).encode())
            with connection.makefile("rb") as lines:
                self.assertEqual(json.loads(lines.readline())["result"]["status"], "open")
        return time.monotonic() - began

    # Attacks: each step is followed by the next without a pause.

    def stalled(self):
        """A thousand connections, some silent, some in the middle of a request; those that are closed come back."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
        beginnings = (b"", b'{"jsonrpc"', b"POST /control/ HTTP/1.1\r\nHost: ", b"\x16\x03\x01")
        crowd = [(self.local if i % 2 else self.remote)() for i in range(1000)]
        for i, connection in enumerate(crowd):
            self.pour(connection, [beginnings[i % 4]], 1)
        while True:
            for i, connection in enumerate(crowd):  # a byte at a time
                try:
                    connection.send(b"a")
                except OSError:
                    connection.close()
                    crowd[i] = (self.local if i % 2 else self.remote)()
                yield

    def hundred_megabytes(self):
        header = b"POST /control/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n"
        while True:
            for connect, first in ((self.local, header), (self.remote, header), (self.local, b'{"a":"')):
                with connect() as connection:
                    self.pour(connection, itertools.chain([first], itertools.repeat(b"x" * (1 << 20))), 100 << 20)
                yield

    def bodies_that_stop_short(self):
        """As many and as large as they may be, none of them to its end."""
        header = b"POST /control/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n"
        while True:
            crowd = []
            for i in range(400):
                crowd.append((self.local if i % 2 else self.remote)())
                self.pour(crowd[-1], [header + b"x" * 1_000_000] if i % 3 else [b'["' + b"x" * 1_000_000], 1)
                yield
            for connection in crowd:
                connection.close()

    def deep_and_wide(self):
        texts = [b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"[]," * 300_000 + b"[]]",
                 b"{" + b",".join(b'"%d":0' % i for i in range(80_000)) + b"}", b"[" + b"1," * 500_000 + b"1]"]
        while True:
            for text in texts:
                with self.local() as connection:
                    self.pour(connection, [text], 1)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1 << 16)
                yield

    def no_utf8(self):
        while True:
            for broken in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
                with self.local() as connection:
                    text = b'{"method":"status","params":{"path":"/' + broken + b'"},"id":1}\n'
                    connection.sendall(text * 100)
                    self.pour(connection, [text] * 100, 1 << 20)
                    with connection.makefile("rb") as lines:
                        assert json.loads(lines.readline())["error"]["code"] == -32700
                yield

    def test_others_are_answered_meanwhile(self):
        self.under(self.stalled, self.hundred_megabytes, self.bodies_that_stop_short, self.deep_and_wide, self.no_utf8)


if __name__ == "__main__":
    unittest.main(verbosity=2)
