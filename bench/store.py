"""The same work with an S3 server of the machine between daemon and disk: large transfers, and many small ones."""
import concurrent.futures
import os
import re
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

    object_size = 0  # of the last first copy, for the upload without a daemon

    def __init__(self, bench):
        self.bench = bench

    def run(self, kind):
        place = self.bench.place()
        server = s3_server.S3Server(place)
        try:
            if kind == "nobody":
                return {**bare_upload(server, self.object_size), **self.bare_commits(place, server)}
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
        StoreBench.object_size = max((server.root / s3_server.BUCKET / key).stat().st_size for key in server.keys())
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
        db, count = self.table_of_4_kb(database)
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

    def table_of_4_kb(self, database):
        db = sqlite3.connect(database, isolation_level=None)
        db.execute("CREATE TABLE kb4(v)")
        return db, int(self.bench.seconds(400))

    def bare_commits(self, place, server):
        """The commit, and its bytes put on a connection that stays: what no daemon can save."""
        database = self.bench.small_database(place / "c.db")
        db, count = self.table_of_4_kb(database)
        db.execute("PRAGMA journal_mode = WAL")
        puts = [(f"/{s3_server.BUCKET}/bare/{n:016x}", os.urandom(4339)) for n in range(count)]
        headers = [server.signed("PUT", path, body=body) for path, body in puts]
        connection = server.connection()
        start = time.monotonic()
        for (path, body), signed in zip(puts, headers):
            db.execute("INSERT INTO kb4 VALUES (randomblob(3500))")
            send(connection, "PUT", path, body, signed)
        took = time.monotonic() - start
        connection.close()
        db.close()
        return {"S3: a commit of 4 KB and its sync, ms": took / count * 1000}


def send(connection, method, path, body, headers):
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status >= 300:
        raise programs.Failed(f"{method} {path}: {answer.status} {said[:300]}")
    return answer, said


def bare_upload(server, size):
    """As many bytes as a first copy has, random and signed beforehand, in five parts at once of 5 MiB: the server alone."""
    path, part_size = f"/{s3_server.BUCKET}/bare/large", 5 << 20
    start = time.monotonic()
    upload = re.search(b"<UploadId>([^<]+)", server.request("POST", path, "uploads=")).group(1).decode()
    begun = time.monotonic() - start
    body = os.urandom(part_size)
    queries = [f"partNumber={n}&uploadId={upload}" for n in range(1, -(-size // part_size) + 1)]
    jobs = [(query, server.signed("PUT", path, query, body)) for query in queries]

    def put(some):
        connection = server.connection()
        etags = []
        for query, headers in some:
            answer, _ = send(connection, "PUT", f"{path}?{query}", body, headers)
            etags.append((query, answer.getheader("ETag")))
        connection.close()
        return etags

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        etags = dict(pair for done in pool.map(put, (jobs[n::5] for n in range(5))) for pair in done)
    parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etags[query]}</ETag></Part>"
                    for n, query in enumerate(queries, 1))
    server.request("POST", path, f"uploadId={upload}", f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())
    return {"S3: first copy, wall s": begun + time.monotonic() - start}
