"""What is measured. Each scenario runs one daemon ("ours", "peer" or, for writers, "nobody") and returns {measure: value}."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import threading
import time

import control
import lag
import procfs
from support_py import ltx, programs, waiting
from support_py.daemon import Daemon, database_entry


LEVELS = [{"interval": "5s"}, {"interval": "10s"}]  # short, so that a measure sees several compactions


def make_database(path, rows, noise, zeros):
    """Each row of so many bytes that do not compress and so many that do."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE TABLE filler(id INTEGER PRIMARY KEY, v BLOB)")
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
               "INSERT INTO filler SELECT i, randomblob(?) || zeroblob(?) FROM n", (rows, noise, zeros))
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


class PeakSize(threading.Thread):
    """The largest size that a file has had."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.bytes, self.done = pathlib.Path(path), 0, threading.Event()

    def run(self):
        while not self.done.wait(0.2):
            if self.path.exists():
                self.bytes = max(self.bytes, self.path.stat().st_size)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


class Bench:
    def __init__(self, directory, megabytes, quick):
        self.directory, self.megabytes, self.quick = pathlib.Path(directory), megabytes, quick
        self.original = self.directory / "original.db"
        self.replicas, self.source = {}, None
        self.runs = 0

    def seconds(self, long):
        return long / 4 if self.quick else long

    def prepare(self):
        make_database(self.original, self.megabytes * 970, 500, 500)
        add_workload_tables(self.original)

    def place(self):
        """A directory of its own for one run, with a copy of the large database."""
        self.runs += 1
        place = self.directory / f"run-{self.runs}"
        place.mkdir()
        return place

    def clear(self):
        """What the runs so far have left on the disk."""
        for place in self.directory.glob("run-*"):
            shutil.rmtree(place)

    def small_database(self, path, seed=1):
        programs.workload("create", path, "--seed", seed, "--page-size", 4096, "--auto-vacuum", 0)
        return path

    def write(self, database, seconds, rate, *flags):
        output = programs.workload("write", database, "--small", "--rate", rate, "--seconds", seconds, *flags).stdout
        return json.loads(output)

    # -- one database of some hundred megabytes

    def large(self, kind):
        """First copy, what follows from it, then increments; leaves its replica for the restores."""
        place = self.place()
        database, replica = place / "a.db", place / "replica"
        shutil.copyfile(self.original, database)
        os.sync()
        daemon = Daemon(kind, place, [database_entry(database, replica)], levels=LEVELS)
        start = time.monotonic()
        with daemon:
            daemon.sync_when_open(database, patience=300)
            first = procfs.usage(daemon.pid)
            result = {"first copy, wall s": time.monotonic() - start, "first copy, CPU s": first.cpu,
                      "first copy, RSS MB": procfs.footprint(daemon.pid).rss_mb}
            self.wait_for_levels(replica, (1, 2, 9))
            self.increments(daemon, database)
            daemon.stop()
        self.replicas[kind], self.source = replica, database
        return result

    @staticmethod
    def wait_for_levels(replica, levels, patience=120):
        waiting.until(lambda: {file.level for file in ltx.files(replica, levels)} == set(levels),
                      f"levels {levels} of {replica}", patience, 0.05)

    def increments(self, daemon, database):
        """A history for the restores; what it costs is measured in steady.py."""
        for pages in (0, -1):
            self.write(database, self.seconds(20), 200, "--autocheckpoint", pages)
            daemon.sync(database, 120)

    def restores(self, order):
        """Both restore what the peer has written, and to the same bytes."""
        output = self.place() / "restored.db"
        # Memory that the machine has not used yet is dear where a host has to give it: all write into what is at hand.
        shutil.copyfile(self.source, output)
        os.sync()
        output.unlink()
        result, digests = {}, set()
        for kind in order:
            os.sync()  # else it waits for what was written before it
            used, rss = procfs.run_measured(programs.restore_command(kind, output, self.replicas["peer"]))
            result[kind] = {"restore, wall s": used.wall, "restore, CPU s": used.cpu, "restore, RSS MB": rss}
            with open(output, "rb") as restored:
                digests.add(hashlib.file_digest(restored, "sha256").digest())
            output.unlink()
        if len(digests) != 1:
            raise programs.Failed("the two restores differ")
        return result

    def copy(self):
        """The same bytes by cp and fsync, to see how far from free a restore is."""
        output = self.place() / "copy.db"
        os.sync()
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
            rare = self.commits(db, database, int(self.seconds(16)), lambda n: 1.3 + 0.37 * (n % 5))
            steady = self.commits(db, database, int(self.seconds(3000)), lambda n: 0.01)
            waiting.until(lambda: arrivals.found and arrivals.found[-1].wal_end >= steady[-1].wal_end, "the last commit")
            db.close()
        result = {}
        for name, commits in (("rare commits", rare), ("100 commits/s", steady)):
            found = lag.lags(commits, arrivals.found)
            result[f"lag of {name}, p50 ms"] = procfs.percentile(found, 0.5)
            result[f"lag of {name}, max ms"] = max(found)
            made = [a for a in arrivals.found if commits[0].time <= a.time <= commits[-1].time]
            result[f"lag of {name}, objects a second"] = len(made) / (commits[-1].time - commits[0].time)
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

    def fleet(self, place, count):
        """Entries of `count` equal databases, each in a directory of its own."""
        model = self.small_database(place / "model.db")
        entries = []
        for n in range(count):
            database = place / f"d{n}" / "a.db"
            database.parent.mkdir()
            shutil.copyfile(model, database)
            entries.append(database_entry(database, place / "replicas" / str(n)))
        return entries

    def idle(self, kind, count):
        place = self.place()
        entries = self.fleet(place, count)
        start = time.monotonic()
        with Daemon(kind, place, entries) as daemon:
            self.wait_for_all(place, entries)
            settled = time.monotonic() - start
            time.sleep(self.seconds(120))  # the first compactions to level 1 are over
            before = procfs.usage(daemon.pid)
            time.sleep(self.seconds(60))
            used, foot = procfs.usage(daemon.pid) - before, procfs.footprint(daemon.pid)
            result = {"CPU % of a core": 100 * used.cpu / used.wall, "RSS MB": foot.rss_mb,
                      "descriptors": foot.descriptors, "threads": foot.threads, "all replicated after, s": settled}
            return {f"{count} idle databases, {name}": value for name, value in result.items()}

    @staticmethod
    def wait_for_all(place, entries, level=0):
        missing = list(range(len(entries)))
        def arrived():
            missing[:] = [n for n in missing if not any((place / "replicas" / str(n) / "ltx" / str(level)).glob("*.ltx"))]
            return not missing
        waiting.until(arrived, "every database to be replicated", 600, 0.1)

    # -- control

    def control(self, order):
        """With one database, with 100 and with 1,000."""
        results = {kind: {} for kind in order}
        for count, seconds in ((1, 5), (100, 20), (1000, 5)):
            for kind, times in self.control_of(order, count, self.seconds(seconds)).items():
                results[kind].update({f"control {name}, {label} ms": procfs.percentile(values, share)
                                      for name, values in times.items()
                                      for label, share in (("p50", 0.5), ("p99", 0.99))})
            self.clear()
        return results

    def control_of(self, order, count, seconds):
        """Both daemons up and idle, asked in turns: what disturbs one disturbs the other."""
        places = {kind: self.place() for kind in order}
        fleets = {kind: self.fleet(place, count) for kind, place in places.items()}
        times = {kind: {} for kind in order}
        with contextlib.ExitStack() as running:
            daemons = {kind: running.enter_context(Daemon(kind, places[kind], fleets[kind])) for kind in order}
            for kind in order:
                self.wait_for_all(places[kind], fleets[kind], 9)
            for _ in range(int(seconds)):
                for kind, daemon in daemons.items():
                    self.ask(daemon, count, fleets[kind][0]["path"], times[kind])
        return times

    def ask(self, daemon, count, database, times):
        caller = control.Caller(daemon.kind, daemon.socket)
        def note(name, *call, **how):
            times.setdefault(name, []).extend(caller.times(*call, **how))
        if count == 1:  # the peer has no status: its list of one says the same
            params = {"path": str(database)}
            note("status of one", *(("status", 100, params) if daemon.kind == "ours" else ("list", 100)))
        else:
            note(f"list of {count}", "list", 100 if count == 100 else 20)
        if count == 100:
            note("info", "info", 100)
            note("info on a new connection", "info", 100, reconnect=True)
            self.commit_and_sync(daemon, database, times)

    @staticmethod
    def commit_and_sync(daemon, database, times):
        caller = control.Caller(daemon.kind, daemon.socket)
        caller.connect()
        request = caller.payload("sync", {"path": str(database), "wait": True, "timeout": 30})
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
            for _ in range(10):
                db.execute("INSERT INTO t(k, v) VALUES('x', randomblob(200))")
                times.setdefault("sync of a commit, waiting", []).append(caller.exchange(request))
        caller.close()

    # -- what writers feel

    def stalls(self, kind):
        place = self.place()
        database, replica = place / "a.db", place / "replica"
        shutil.copyfile(self.original, database)
        os.sync()  # else the first checkpoint waits for the copy
        if kind == "nobody":
            return self.stall_report(database)
        with Daemon(kind, place, [database_entry(database, replica)], levels=LEVELS) as daemon:
            daemon.sync_when_open(database, patience=300)
            self.wait_for_levels(replica, (1, 2, 9))
            return self.stall_report(database)

    def stall_report(self, database):
        # The slower one first: the file of a log does not shrink.
        return {name: value for rate in (300, 500) for name, value in self.stalls_at(database, rate).items()}

    def stalls_at(self, database, rate):
        with PeakSize(f"{database}-wal") as wal:
            report = self.write(database, self.seconds(60), rate, "--autocheckpoint", -1)
        return {f"{rate} commits/s, {name} ms": report[f"{name}_ms"] for name in ("p50", "p99", "max")} | {
            f"{rate} commits/s, refused as busy": report["busy"], f"{rate} commits/s, largest WAL MB": wal.bytes / 1e6}
