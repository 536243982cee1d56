"""What is measured. Each scenario runs one daemon ("ours", "peer" or, for writers, "nobody") and returns {measure: value}."""
import json
import os
import pathlib
import shutil
import sqlite3
import time

import lag
import procfs
from support_py import ltx, programs, waiting
from support_py.daemon import Daemon, database_entry


def make_database(path, megabytes):
    """Rows of 1 KB, half of it incompressible."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE TABLE filler(id INTEGER PRIMARY KEY, v BLOB)")
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
               "INSERT INTO filler SELECT i, randomblob(500) || zeroblob(500) FROM n", (megabytes * 970,))
    db.close()
    return path


def add_workload_tables(path):
    """What `workload write` expects, taken from a database it made."""
    model = pathlib.Path(f"{path}.model")
    programs.workload("create", model, "--seed", 2, "--page-size", 4096, "--auto-vacuum", 0)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("ATTACH ? AS model", (str(model),))
    for name, kind, sql in db.execute("SELECT name, type, sql FROM model.sqlite_schema WHERE sql IS NOT NULL").fetchall():
        db.execute(sql)
        if kind == "table":
            db.execute(f"INSERT INTO main.{name} SELECT * FROM model.{name}")
    db.execute("DETACH model")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    model.unlink()


class Bench:
    def __init__(self, directory, megabytes, quick):
        self.directory, self.megabytes, self.quick = pathlib.Path(directory), megabytes, quick
        self.original = self.directory / "original.db"
        self.runs = 0

    def seconds(self, long):
        return long / 4 if self.quick else long

    def prepare(self):
        make_database(self.original, self.megabytes)
        add_workload_tables(self.original)

    def place(self):
        """A directory of its own for one run, with a copy of the large database."""
        self.runs += 1
        place = self.directory / f"run-{self.runs}"
        place.mkdir()
        return place

    def small_database(self, path, seed=1):
        programs.workload("create", path, "--seed", seed, "--page-size", 4096, "--auto-vacuum", 0)
        return path

    def write(self, database, seconds, rate, *flags):
        output = programs.workload("write", database, "--small", "--rate", rate, "--seconds", seconds, *flags).stdout
        return json.loads(output)

    # -- one database of some hundred megabytes

    def large(self, kind):
        """First copy, then increments; leaves its replica for the restores."""
        place = self.place()
        database, replica = place / "a.db", place / "replica"
        shutil.copyfile(self.original, database)
        os.sync()
        daemon = Daemon(kind, place, [database_entry(database, replica)], levels=[{"interval": "5s"}, {"interval": "30s"}])
        start = time.monotonic()
        with daemon:
            daemon.sync_when_open(database, patience=300)
            first = procfs.usage(daemon.pid)
            result = {"first copy, wall s": time.monotonic() - start, "first copy, CPU s": first.cpu,
                      "first copy, RSS MB": procfs.footprint(daemon.pid).rss_mb}
            result.update(self.increments(daemon, database))
            daemon.stop()
        self.replica, self.source = replica, database
        return result

    def increments(self, daemon, database):
        before = procfs.usage(daemon.pid)
        report = self.write(database, self.seconds(40), 200)
        daemon.sync(database)
        used = procfs.usage(daemon.pid) - before
        return {"CPU s for 1000 small commits": used.cpu / report["transactions"] * 1000}

    def restore(self, kind):
        output = self.place() / "restored.db"
        used, rss = procfs.run_measured(programs.restore_command(kind, output, self.replica))
        output.unlink()
        return {"restore, wall s": used.wall, "restore, CPU s": used.cpu, "restore, RSS MB": rss}

    def copy(self):
        """The same bytes by cp and fsync, to see how far from free a restore is."""
        output = self.place() / "copy.db"
        start = time.monotonic()
        with open(self.source, "rb") as source, open(output, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
            os.fsync(target.fileno())
        output.unlink()
        return time.monotonic() - start

    # -- lag

    def lag(self, kind):
        place = self.place()
        database, replica = self.small_database(place / "a.db"), place / "replica"
        # The WAL must not be restarted: positions in it tell which commits a file holds.
        entry = database_entry(database, replica, checkpoint_interval="1h", min_checkpoint_page_count=10_000_000)
        with Daemon(kind, place, [entry]) as daemon:
            daemon.sync_when_open(database)
            arrivals = lag.Arrivals(replica / "ltx" / "0")
            arrivals.start()
            db = sqlite3.connect(database, isolation_level=None)
            db.execute("PRAGMA wal_autocheckpoint = 0")
            rare = self.commits(db, database, int(self.seconds(24)), lambda n: 1.3 + 0.37 * (n % 5))
            steady = self.commits(db, database, int(self.seconds(1600)), lambda n: 0.01)
            daemon.sync(database)
            waiting.until(lambda: arrivals.found and arrivals.found[-1].wal_end >= steady[-1].wal_end, "the last commit")
            db.close()
        result = {}
        for name, commits in (("rare commits", rare), ("100 commits/s", steady)):
            found = lag.lags(commits, arrivals.found)
            result[f"lag of {name}, p50 ms"] = procfs.percentile(found, 0.5)
            result[f"lag of {name}, p99 ms"] = procfs.percentile(found, 0.99)
        return result

    @staticmethod
    def commits(db, database, count, pause):
        made = []
        for n in range(count):
            time.sleep(pause(n))
            db.execute("INSERT INTO t(k, v) VALUES('x', randomblob(200))")
            made.append(lag.note_commit(f"{database}-wal"))
        return made

    # -- many idle databases

    def idle(self, kind, count):
        place = self.place()
        model = self.small_database(place / "model.db")
        entries = []
        for n in range(count):
            database = place / f"d{n}" / "a.db"
            database.parent.mkdir()
            shutil.copyfile(model, database)
            entries.append(database_entry(database, place / "replicas" / str(n)))
        start = time.monotonic()
        with Daemon(kind, place, entries) as daemon:
            self.wait_for_all(place, entries)
            settled = time.monotonic() - start
            time.sleep(self.seconds(40))
            before = procfs.usage(daemon.pid)
            time.sleep(self.seconds(40))
            used, foot = procfs.usage(daemon.pid) - before, procfs.footprint(daemon.pid)
            result = {"idle, CPU % of a core": 100 * used.cpu / used.wall, "idle, RSS MB": foot.rss_mb,
                      "idle, descriptors": foot.descriptors, "idle, threads": foot.threads, "all replicated after, s": settled}
            result.update(self.control(daemon))
            return {f"{count} databases: {name}": value for name, value in result.items()}

    @staticmethod
    def wait_for_all(place, entries):
        missing = list(range(len(entries)))
        def arrived():
            missing[:] = [n for n in missing if not any((place / "replicas" / str(n) / "ltx" / "0").glob("*.ltx"))]
            return not missing
        waiting.until(arrived, "every database to be replicated", 600, 0.1)

    def control(self, daemon):
        result = {}
        for route in ("/info", "/list"):
            times = []
            for _ in range(50 if self.quick else 300):
                start = time.monotonic()
                daemon.request(route.strip("/"))
                times.append((time.monotonic() - start) * 1000)
            result[f"control {route[1:]}, p50 ms"] = procfs.percentile(times, 0.5)
            result[f"control {route[1:]}, p99 ms"] = procfs.percentile(times, 0.99)
        return result

    # -- what writers feel

    def stalls(self, kind):
        place = self.place()
        database, replica = place / "a.db", place / "replica"
        shutil.copyfile(self.original, database)
        if kind == "nobody":
            return self.stall_report(database)
        with Daemon(kind, place, [database_entry(database, replica)]) as daemon:
            daemon.sync_when_open(database, patience=300)
            return self.stall_report(database)

    def stall_report(self, database):
        report = self.write(database, self.seconds(40), 500, "--autocheckpoint", -1)
        return {f"commit, {name} ms": report[f"{name}_ms"] for name in ("p50", "p99", "max")} | {
            "commits refused as busy": report["busy"]}
