"""Very many databases in one daemon: what each costs open and hibernating, a restart, and a wake-up."""
import contextlib
import os
import pathlib
import sqlite3
import time

import procfs
from support_py import waiting
from support_py.daemon import Daemon, database_entry

PEER_SURVIVES = 1000
PATIENCE = 3600


def tiny_databases(place, count, **settings):
    """Entries of `count` databases of two pages, a thousand in a directory."""
    model = place / "model.db"
    with contextlib.closing(sqlite3.connect(model, isolation_level=None)) as db:
        db.execute("PRAGMA page_size = 1024")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t(v)")
    content, entries = model.read_bytes(), []
    for n in range(count):
        directory = place / f"data-{n // 1000}"
        directory.mkdir(exist_ok=True)
        database = directory / f"tenant-{n}.db"
        database.write_bytes(content)
        entries.append(database_entry(database, place / "replicas" / str(n // 1000) / f"tenant-{n}", **settings))
    return entries


def newest(entry):
    """The name of the newest file of level 0 on the replica; empty when there is none."""
    directory = pathlib.Path(entry["replica"]["path"], "ltx", "0")
    names = os.listdir(directory) if directory.is_dir() else ()
    return max((name for name in names if name.endswith(".ltx")), default="")


class FleetBench:
    def __init__(self, bench, count):
        self.bench, self.count = bench, count

    def run(self, kind):
        count = min(self.count, PEER_SURVIVES) if kind == "peer" else self.count
        place = self.bench.place()
        settings = {} if kind == "peer" else {"hibernate_after": "10s"}
        entries = tiny_databases(place, count, **settings)
        daemon = Daemon(kind, place, entries, logging={"level": "warn"})
        base = self.baseline(kind)
        start = time.monotonic()
        with daemon:
            peak = self.replicate_all(daemon, entries)
            result = {"all replicated, ms a database": 1000 * (time.monotonic() - start) / count,
                      "largest RSS while starting, KB a database": 1000 * (peak - base) / count}
            if kind == "ours":
                result |= self.at_rest(daemon, entries, base)
                daemon.stop()
                result |= self.restarted(daemon, entries)
            else:
                result |= self.idle(daemon, base, count)
        return {f"fleet, {name}": value for name, value in result.items()}

    def baseline(self, kind):
        """RSS of a daemon with one database."""
        place = self.bench.place()
        entries = tiny_databases(place, 1)
        with Daemon(kind, place, entries) as daemon:
            self.replicate_all(daemon, entries)
            return procfs.footprint(daemon.pid).rss_mb

    @staticmethod
    def replicate_all(daemon, entries):
        """The largest resident memory in MB until each has its first file on its replica."""
        waiting_for, largest = list(entries), 0
        end = time.monotonic() + PATIENCE
        while waiting_for:
            largest = max(largest, procfs.footprint(daemon.pid).rss_mb)
            while waiting_for and newest(waiting_for[-1]):
                waiting_for.pop()
            time.sleep(0.05)
            if time.monotonic() > end:
                raise TimeoutError(f"{len(waiting_for)} databases are not replicated")
        return largest

    def at_rest(self, daemon, entries, base):
        """All let go of: memory and processor time, then one commit."""
        waiting.until(lambda: procfs.footprint(daemon.pid).descriptors < 60, "all to hibernate", PATIENCE, 0.5)
        time.sleep(self.bench.seconds(60))
        result = self.idle(daemon, base, self.count)
        woken = [self.wake(entry) for entry in entries[:: max(1, self.count // 40)]]
        result |= {"wake-up, p50 ms": procfs.percentile(woken, 0.5), "wake-up, max ms": max(woken)}
        return result

    def idle(self, daemon, base, count):
        before = procfs.usage(daemon.pid)
        time.sleep(self.bench.seconds(120))
        used, foot = procfs.usage(daemon.pid) - before, procfs.footprint(daemon.pid)
        return {"at rest, CPU % of a core": 100 * used.cpu / used.wall, "at rest, RSS MB": foot.rss_mb,
                "at rest, KB a database": 1000 * (foot.rss_mb - base) / count,
                "at rest, descriptors": foot.descriptors, "threads": foot.threads}

    @staticmethod
    def wake(entry):
        """Milliseconds from a commit in a hibernating database to its file on the replica."""
        known = newest(entry)
        with contextlib.closing(sqlite3.connect(entry["path"], isolation_level=None)) as db:
            db.execute("INSERT INTO t VALUES(1)")
            start = time.monotonic()
            waiting.until(lambda: newest(entry) > known, f"the commit in {entry['path']}", 60, 0.001)
            return 1000 * (time.monotonic() - start)

    @staticmethod
    def restarted(daemon, entries):
        start = time.monotonic()
        daemon.start()
        result = {"restart until it answers, s": time.monotonic() - start}
        daemon.kill()
        return result
