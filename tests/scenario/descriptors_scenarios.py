#!/usr/bin/env python3
"""150 databases under a limit of 256 open files: all are replicated, and no descriptor is ever missing."""
import concurrent.futures
import os
import random
import sqlite3
import unittest

from scenario import Scenario, until

DATABASES = 150
SOFT, HARD = 64, 256  # the daemon raises the one to the other
SEED = int(os.environ.get("LITESTREAM_TEST_SEED", "0")) or random.randrange(1 << 32)


class Descriptors(Scenario):
    def setUp(self):
        super().setUp()
        self.names = [f"d{n}.db" for n in range(DATABASES)]
        for name in self.names:
            self.write(name, "CREATE TABLE t (x); INSERT INTO t VALUES (0)")
        self.config_path = self.standard(*self.names, interval="20ms", extra="logging: {level: debug}")

    def write(self, name, sql):
        with sqlite3.connect(self.dir / name, isolation_level=None) as connection:
            connection.execute("PRAGMA journal_mode=wal")
            connection.executescript(sql)
        connection.close()

    def start(self):
        return self.daemon("-config", self.config_path, files=(SOFT, HARD))

    def until_replicated(self):
        def all_are():
            found = self.ask("list", "-details")
            return len(found) == DATABASES and all(
                one.get("txid") and one["txid"] == one.get("replicated_txid") for one in found)
        until(all_are, "all databases on their replicas")

    def check(self, daemon):
        with open(f"/proc/{daemon.process.pid}/limits", encoding="ascii") as limits:
            line = next(line for line in limits if line.startswith("Max open files"))
        self.assertEqual(line.split()[3:5], [str(HARD), str(HARD)])
        log = daemon.log.lower()
        self.assertNotIn("too many open files", log)
        self.assertNotIn("unable to open", log)

    def test_all_are_replicated(self):
        daemon = self.start()
        self.until_replicated()
        for said in ("more databases than are held open at once", "msg=hibernating"):
            self.assertTrue(said in daemon.log, said)

        choice = random.Random(SEED)
        rows = {name: 1 for name in self.names}
        for _ in range(200):
            name = choice.choice(self.names)
            self.write(name, "INSERT INTO t VALUES (randomblob(100))")
            rows[name] += 1
            if choice.random() < 0.1:
                self.ask("sync", "-wait", self.dir / name)
                self.assertEqual(self.restored_rows(name), rows[name], f"LITESTREAM_TEST_SEED={SEED}")
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: self.ask("wait", self.dir / name), self.names))
        for name in choice.sample(self.names, 20):
            self.assertEqual(self.restored_rows(name), rows[name], f"LITESTREAM_TEST_SEED={SEED}")
        self.check(daemon)

        self.write(self.names[0], "INSERT INTO t VALUES (1)")
        self.assertEqual(daemon.end(), 0)
        self.write(self.names[1], "INSERT INTO t VALUES (1)")
        again = self.start()
        self.ask("wait", self.dir / self.names[1])
        self.until_replicated()
        for name in self.names[:2]:
            self.assertEqual(self.restored_rows(name), rows[name] + 1)
        self.check(again)
        self.assertEqual(again.end(), 0)

    def test_a_command_beside_it_has_the_limit_that_the_daemon_was_started_with(self):
        # It is set from outside, a moment after the start.
        command = f"sh -c 'until [ $(ulimit -Sn) = {SOFT} ]; do :; done; exit 7'"
        daemon = self.daemon("-config", self.standard(), "-exec", command, files=(SOFT, HARD))
        self.assertEqual(daemon.wait(), 7)


if __name__ == "__main__":
    unittest.main()
