#!/usr/bin/env python3
"""The count of requests, beside what an S3 server has logged; what is never asked in the steady state."""
import json
import pathlib
import re
import sys
import unittest
import urllib.request

from scenario import until
from store_scenario import MIB, StoreScenario

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import s3_server  # noqa: E402

LEVELS = 10  # 0 to 9
# Everything that is ever due is due within seconds.
FAST = """levels: [{interval: 1s}, {interval: 3s}]
snapshot: {interval: 4s, retention: 8s}
l0-retention: 1s
l0-retention-check-interval: 1s
"""


@s3_server.required
class Requests(StoreScenario):
    def setUp(self):
        super().setUp()
        self.access_log = self.dir / "access.log"
        self.server = s3_server.S3Server(self.dir, "--access-log", self.access_log)
        self.addCleanup(self.server.stop)

    def start(self, extra=""):
        text = f"socket: {{path: {self.socket}}}\naddr: 127.0.0.1:0\n{FAST}dbs:\n"
        text += f"  - path: {self.db}\n    replica:\n      url: '{self.server.url('some/app')}'\n      sync-interval: 20ms\n"
        text += f"      access-key-id: {s3_server.KEY}\n      secret-access-key: {s3_server.SECRET}\n{extra}"
        daemon = self.daemon("-config", self.config(text))
        self.metrics_url = re.search(r"http://[^\s\"]+/metrics", daemon.log).group()
        return daemon

    def requests(self, db=None):
        return self.ask("status", "-details", db or self.db).get("requests") or {}

    def metrics(self):
        with urllib.request.urlopen(self.metrics_url, timeout=30) as answer:
            return dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")

    def logged(self):
        """Operations that the server has noted for our part of the bucket: REST.GET.BUCKET…"""
        return [line for line in self.access_log.read_text().splitlines() if "some/app" in line or "list-type=2" in line]

    def listings(self):
        return sum("list-type=2" in line for line in self.logged())

    def test_nothing_is_listed_after_the_start(self):
        connection = self.database()
        daemon = self.start()
        self.synced()
        until(lambda: self.requests().get("list") == LEVELS, "the levels to be known")

        def compacted_and_cleared():
            self.insert(connection)
            now = self.requests()
            return now["remove"] > 20 and any("/0009/" in k for k in self.server.keys()[-3:]) and now["put"] > 60

        until(compacted_and_cleared, "compaction, snapshots and retention")
        self.assertEqual(self.requests()["list"], LEVELS)
        self.assertEqual(self.requests()["stat"], 0)
        self.assertEqual(self.requests()["errors"], 0)
        self.assertEqual(self.listings(), LEVELS)
        self.synced()
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.assertEqual(self.listings(), LEVELS)
        self.rows_of(self.server.url("some/app"), environment=s3_server.ENVIRONMENT)
        self.assertEqual(self.listings(), 2 * LEVELS)

    def test_an_idle_database_asks_for_nothing(self):
        """For as long as a database beside it, with the same settings, is busy with all that is ever due."""
        self.database()
        other = self.database("busy.db")
        busy = self.dir / "busy.db"
        self.start(f"  - path: {busy}\n    replica: {{path: {self.dir}/r-busy, sync-interval: 20ms}}\n")
        self.synced()

        def while_busy(times):
            """Until the busy one has removed `times` files more: some seconds, with several of each interval."""
            before = self.requests(busy).get("remove", 0)

            def done():
                self.insert(other)
                return self.requests(busy).get("remove", 0) >= before + times

            until(done, "the other database to be busy")
            return self.requests()

        before = while_busy(1)  # its own snapshot may be due yet
        settled = until(lambda: (now := while_busy(1)) == self.requests() and now, "it to settle")
        self.assertGreaterEqual(settled["put"], before["put"])
        asked = len(self.logged())
        self.assertEqual(while_busy(100), settled)
        self.assertEqual(len(self.logged()), asked)

    def test_the_count_is_the_servers(self):
        connection = self.database()
        connection.execute("CREATE TABLE big (x)")
        connection.execute("INSERT INTO big VALUES (randomblob(?))", (12 * MIB,))
        daemon = self.start()
        self.synced()
        for _ in range(5):
            self.insert(connection)
            self.synced()
        self.assertGreater(self.requests()["other"], 1)  # an upload in parts was begun and ended
        label = f'{{db="{self.db}",replica_type="s3"'
        self.assertEqual(int(self.metrics()[f'litestream_db_requests_total{label},class="list"}}']),
                         self.requests()["list"])
        shown = self.ctl("rpc", "status", json.dumps({"path": self.db, "details": True}), "-socket", self.socket)
        self.assertIn('"bytes_sent"', shown.stdout)

        def counted():
            one = self.requests()
            metrics = self.metrics()
            total = sum(int(v) for k, v in metrics.items() if k.startswith(f"litestream_db_requests_total{label}"))
            return len(self.logged()) == total == sum(one[c] for c in ("put", "get", "list", "stat", "remove", "other"))

        until(counted, "the server's log to say what we counted")
        self.assertGreater(self.requests()["bytes_sent"], 12 * MIB)
        self.assertEqual(daemon.end(), 0, daemon.errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
