"""Steady writing: the CPU time that the daemon needs for the same writes, and the memory that it needs meanwhile."""
import os
import shutil
import sqlite3
import time

import procfs
from support_py.daemon import Daemon, database_entry

RATE = 500  # commits a second
ROW = 4000  # bytes: with its header a page of 4 KB
ROWS = 256  # a transaction of a megabyte


class SteadyBench:
    """`levels` are short, so that compactions are among what is measured."""

    def __init__(self, bench, levels):
        self.bench, self.levels = bench, levels

    def run(self, kind):
        place = self.bench.place()
        database, replica = place / "a.db", place / "replica"
        shutil.copyfile(self.bench.original, database)
        os.sync()
        with Daemon(kind, place, [database_entry(database, replica)], levels=self.levels) as daemon:
            daemon.sync_when_open(database, patience=300)
            self.bench.wait_for_levels(replica, (1, 2, 9))
            # Off is what the peer asks applications for; 1,000 pages is what SQLite does when nobody says anything.
            result = {f"10,000 small commits (wal_autocheckpoint {name}), CPU s": self.commits(daemon, database, pages)
                      for name, pages in (("off", 0), ("1,000", -1))}
            result["writing 500 MB, CPU s"] = self.bulk(daemon, database)
            daemon.stop()
        return result

    def commits(self, daemon, database, autocheckpoint):
        before = procfs.usage(daemon.pid)
        report = self.bench.write(database, self.bench.seconds(20), RATE, "--autocheckpoint", autocheckpoint)
        daemon.sync(database, 120)
        used = procfs.usage(daemon.pid) - before
        return used.cpu / report["transactions"] * 10_000

    def bulk(self, daemon, database):
        """500 MB of new rows, half of each incompressible, a megabyte every 40 ms."""
        megabytes = int(self.bench.seconds(500))
        before = procfs.usage(daemon.pid)
        db = sqlite3.connect(database, isolation_level=None, timeout=60)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE IF NOT EXISTS bulk(id INTEGER PRIMARY KEY, v BLOB)")
        start = time.monotonic()
        for n in range(megabytes):
            time.sleep(max(0, start + n * 0.04 - time.monotonic()))
            db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                       "INSERT INTO bulk(v) SELECT randomblob(?) || zeroblob(?) FROM n", (ROWS, ROW // 2, ROW // 2))
        db.close()
        daemon.sync(database, 300)
        used = procfs.usage(daemon.pid) - before
        return used.cpu / megabytes * 500
