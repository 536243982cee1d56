"""The same work with an S3 server of the machine between daemon and disk: large transfers, and many small ones."""
import os
import shutil
import sqlite3
import time

import procfs
from support_py import programs, s3_server
from support_py.daemon import Daemon


def entry(database, server, path):
    return {"path": str(database),
            "replica": {"type": "s3", "bucket": s3_server.BUCKET, "path": path, "endpoint": server.endpoint,
                        "region": s3_server.REGION, "force-path-style": True,
                        "access-key-id": s3_server.KEY, "secret-access-key": s3_server.SECRET}}


class StoreBench:
    """`large` is a Bench's original; each daemon has a server of its own, so that neither finds the other's cache."""

    def __init__(self, bench):
        self.bench = bench

    def run(self, kind):
        place = self.bench.place()
        server = s3_server.S3Server(place)
        try:
            return {**self.large(kind, place, server), **self.small(kind, place, server)}
        finally:
            server.stop()

    def large(self, kind, place, server):
        database, output = place / "a.db", place / "restored.db"
        shutil.copyfile(self.bench.original, database)
        os.sync()
        start = time.monotonic()
        with Daemon(kind, place, [entry(database, server, "large")]) as daemon:
            daemon.sync_when_open(database, patience=600)
            first, cpu = time.monotonic() - start, procfs.usage(daemon.pid).cpu
            daemon.stop()
            config = daemon.config
        restored, rss = procfs.run_measured(self.restore_command(kind, config, database, output))
        if programs.digest(output, "_litestream_") != programs.digest(database, "_litestream_"):
            raise programs.Failed(f"{kind} restored something else from S3")
        output.unlink()
        return {"S3: first copy, wall s": first, "S3: first copy, CPU s": cpu, "S3: restore, wall s": restored.wall,
                "S3: restore, CPU s": restored.cpu, "S3: restore, RSS MB": rss}

    @staticmethod
    def restore_command(kind, config, database, output):
        program = [programs.ours("litestreamctl")] if kind == "ours" else [programs.peer()]
        return [*program, "restore", "-config", config, "-o", output, database]

    def small(self, kind, place, server):
        """Commits of 4 KB, each on the store before the next."""
        small = place / "small"
        small.mkdir()
        database = self.bench.small_database(small / "b.db")
        db = sqlite3.connect(database, isolation_level=None)
        db.execute("CREATE TABLE kb4(v)")
        count = int(self.bench.seconds(400))
        with Daemon(kind, small, [entry(database, server, "small")]) as daemon:
            daemon.sync_when_open(database)
            start, before = time.monotonic(), procfs.usage(daemon.pid)
            for _ in range(count):
                db.execute("INSERT INTO kb4 VALUES (randomblob(3500))")
                daemon.sync(database)
            took, used = time.monotonic() - start, procfs.usage(daemon.pid) - before
        db.close()
        return {"S3: a commit of 4 KB and its sync, ms": took / count * 1000,
                "S3: 1,000 of them, CPU s": used.cpu / count * 1000}
