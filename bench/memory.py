"""What both need in memory for a database of many gigabytes: the first copy, writing into it at random, a restore."""
import os
import pathlib
import random
import sqlite3
import time

import procfs
from scenarios import make_database
from support_py import programs, waiting
from support_py.daemon import ControlError, Daemon, database_entry

ROW = 4000  # bytes: with its header a page of 4 KB
RATE, ROWS = 200, 10  # transactions a second, and rows of each


def reset_peak(pid):
    """VmHWM counts from here on."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


class MemoryBench:
    """Little of the database is incompressible: its copies, local and on the replica, would fill the disk."""

    def __init__(self, bench, gigabytes, levels):
        self.bench, self.levels = bench, levels
        self.rows = int(gigabytes * 1e9) // 4096
        self.label = f"database of {gigabytes:g} GB"

    def make_database(self, path):
        make_database(path, self.rows, 16, ROW - 16)
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode = WAL")
        db.close()
        os.sync()

    def run(self, kind):
        place = self.bench.place()
        database, replica = place / "a.db", place / "replica"
        self.make_database(database)
        result = {}
        with Daemon(kind, place, [database_entry(database, replica)], levels=self.levels) as daemon:
            self.first_copy(daemon, database)
            self.bench.wait_for_levels(replica, (9,), 3600)
            result["first copy"] = procfs.peak_rss_mb(daemon.pid)
            reset_peak(daemon.pid)
            self.write(database)
            daemon.sync(database, 600)
            result["writes at random"] = procfs.peak_rss_mb(daemon.pid)
            daemon.stop()
        output = place / "restored.db"
        used, result["restore"] = procfs.run_measured(programs.restore_command(kind, output, replica))
        output.unlink()
        return {f"{self.label}, {name}, largest RSS MB": value for name, value in result.items()} | {
            f"{self.label}, restore, wall s": used.wall}

    @staticmethod
    def first_copy(daemon, database):
        """Longer than a call may wait."""
        def attempt():
            try:
                return daemon.sync(database)
            except (ControlError, OSError):
                return None
        waiting.until(attempt, f"{database} to be replicated, see {daemon.log}", 3600, 0.5)

    def write(self, database):
        db = sqlite3.connect(database, isolation_level=None, timeout=60)
        db.execute("PRAGMA synchronous = NORMAL")
        numbers = random.Random(1)
        start = time.monotonic()
        for n in range(int(self.bench.seconds(60) * RATE)):
            time.sleep(max(0, start + n / RATE - time.monotonic()))
            db.execute("BEGIN")
            for _ in range(ROWS):
                db.execute("UPDATE filler SET v = randomblob(?) || zeroblob(?) WHERE id = ?",
                           (ROW // 2, ROW // 2, numbers.randint(1, self.rows)))
            db.execute("COMMIT")
        db.close()
