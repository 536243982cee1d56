#!/usr/bin/env python3
"""Clients that mean no good, or do not know better: the daemon stays small, and answers the others."""
import itertools
import json
import resource
import socket
import unittest

from scenario import LIMIT, Scenario, until

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
