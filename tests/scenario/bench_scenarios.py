#!/usr/bin/env python3
"""litestreamctl bench on real disks and stores: what it measures, says and leaves."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

from scenario import BIN, LIMIT, Scenario, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import nats_server, s3_server, sftp_server  # noqa: E402

QUICK = ("-size", "2", "-seconds", "1")
SAMPLE = 2_000_000


class Bench(Scenario):
    def bench(self, *arguments, environment=None):
        done = self.run_program("litestreamctl", "bench", "-json", *QUICK, *arguments, environment=environment)
        return done, json.loads(done.stdout)

    def measured(self, report, kind, shown):
        """All there is to be measured of the disk and of one store, and what follows from it."""
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["sample"]["bytes"], SAMPLE)
        self.spread(report["disk"]["fsync"])
        self.spread(report["disk"]["new_file"])
        self.transfer(report["disk"]["write"], SAMPLE)
        self.transfer(report["disk"]["read"], SAMPLE)
        store, = report["stores"]
        self.assertEqual((store["ok"], store["type"], store["store"]), (True, kind, shown))
        self.assertNotIn("error", store)
        for operation in ("put", "get", "stat", "list"):
            self.spread(store["small_objects"][operation])
        for way in ("put", "get", "get_parallel"):
            self.transfer(store["large_object"][way], SAMPLE)
        self.replicated(store["replication"])
        self.expected(store["expected"], store["replication"])
        return store

    def spread(self, one):
        self.assertGreaterEqual(one["count"], 5)
        self.assertLess(0, one["p50_ms"])
        self.assertLessEqual(one["p50_ms"], one["p99_ms"])
        self.assertLessEqual(one["p99_ms"], one["max_ms"])
        self.assertLess(0, one["per_second"])

    def transfer(self, one, size):
        self.assertEqual(one["bytes"], size)
        self.assertAlmostEqual(one["bytes_per_second"] * one["duration_ms"] / 1000 / size, 1, 5)

    def replicated(self, path):
        size = path["first_copy"]["bytes"]
        self.assertGreaterEqual(size, SAMPLE)
        self.transfer(path["first_copy"], size)
        self.transfer(path["restore"], size)
        # Half of it is noise: it shrinks, but not by much.
        self.assertTrue(size * 0.4 < path["first_copy"]["uploaded_bytes"] < size, path)
        self.assertTrue(path["restored_identical"])
        self.spread(path["lag"])
        self.spread(path["sync"])
        # Each of these commits became a file of its own.
        self.assertEqual(path["restore_with_commits"]["files"], 1 + path["lag"]["count"] + path["sync"]["count"])
        self.assertGreaterEqual(path["restore_with_commits"]["bytes"], size)

    def expected(self, expected, path):
        for what in ("first_copy", "restore"):
            self.assertTrue(expected[what]["extrapolated"])
            self.assertLess(0, expected[what]["duration_ms"])
            self.assertIn(expected[what]["bound"], ("disk", "bandwidth", "machine"))
        self.assertFalse(expected["lag"]["extrapolated"])
        self.assertEqual((expected["lag"]["p50_ms"], expected["lag"]["p99_ms"]),
                         (path["lag"]["p50_ms"], path["lag"]["p99_ms"]))
        busy = expected["busy_lag"]
        self.assertAlmostEqual(busy["p50_ms"], busy["sync_interval_ms"] / 2 + path["lag"]["p50_ms"], 3)
        self.assertAlmostEqual(busy["max_ms"], busy["sync_interval_ms"] + path["lag"]["p99_ms"], 3)
        self.assertLess(0, expected["changes_bytes_per_second"])

    def filled(self):
        connection = self.database()
        connection.execute("INSERT INTO t VALUES (randomblob(500000))")
        connection.execute("PRAGMA wal_checkpoint(truncate)")
        return connection

    def nothing_left(self):
        """Neither on the disk nor in the directory that is the store."""
        self.assertEqual([p.name for p in self.dir.iterdir() if p.name.startswith(".litestream-bench")], [])
        store = self.dir / "store"
        if store.exists():
            self.assertEqual(sorted(p.name for p in store.iterdir()), ["other"])


class OnFiles(Bench):
    def setUp(self):
        super().setUp()
        (self.dir / "store").mkdir()
        (self.dir / "store/other").write_text("somebody else's")
        self.url = f"file://{self.dir}/store"

    def test_a_replica_by_its_url(self):
        done, report = self.bench(self.url)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        store = self.measured(report, "file", self.url)
        self.assertNotIn("database", report)
        self.assertEqual(report["sample"]["directory"], str(self.dir))
        self.assertEqual((store["left"], store["expected"]["first_copy"]["database_bytes"]), ([], 1_000_000_000))
        self.assertEqual(store["expected"]["busy_lag"]["sync_interval_ms"], 1000)
        self.assertNotIn("replica", store)
        self.nothing_left()

    def test_a_database_that_is_looked_at_only(self):
        self.filled()
        database = self.dir / "app.db"
        before = (database.read_bytes(), database.stat().st_mtime_ns)
        (self.dir / "disk").mkdir()
        os.chmod(database, 0o000)
        done, report = self.bench("-dir", self.dir / "disk", database, self.url)
        os.chmod(database, 0o600)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        store = self.measured(report, "file", self.url)
        size = len(before[0])
        self.assertEqual(report["database"], {"path": str(database), "bytes": size})
        self.assertEqual(report["sample"]["directory"], str(self.dir / "disk"))
        self.assertEqual(store["expected"]["first_copy"]["database_bytes"], size)
        self.assertEqual(store["expected"]["restore"], {**store["expected"]["restore"], "database_bytes": size,
                                                        "from": "snapshot"})
        self.assertEqual((database.read_bytes(), database.stat().st_mtime_ns), before)
        self.assertEqual(list((self.dir / "disk").iterdir()), [])
        self.nothing_left()

    def test_the_replicas_of_the_configuration(self):
        """One of them holds the database already: a restore of it is what is told."""
        replicas = "".join(f"      - {{name: {n}, path: {self.dir}/r-{n}, sync-interval: {i}}}\n"
                           for n, i in (("near", "1s"), ("far", "5s")))
        config = self.config(f"dbs:\n  - path: {self.dir}/app.db\n    replicas:\n{replicas}")
        connection = self.filled()
        done = self.run_program("litestreamd", "-once", "-config", config)
        self.assertEqual(done.returncode, 0, done.stderr)
        for path in (self.dir / "r-far").glob("**/*.ltx"):
            path.unlink()
        held = sorted((self.dir / "r-near").glob("**/*.ltx"))
        done, report = self.bench("-config", config, self.dir / "app.db")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        near, far = report["stores"]
        self.assertEqual([s["expected"]["busy_lag"]["sync_interval_ms"] for s in (near, far)], [1000, 5000])
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        self.assertEqual(near["replica"]["database_bytes"], pages * 4096)
        self.assertEqual(near["replica"]["bytes"], sum(p.stat().st_size for p in held))
        self.assertEqual([s["expected"]["restore"]["from"] for s in (near, far)], ["replica", "snapshot"])
        self.assertNotIn("replica", far)
        # What it holds is as it was, and so is what a restore gives.
        self.assertEqual(sorted(p for p in (self.dir / "r-near").rglob("*") if p.is_file()), held)
        done, report = self.bench("-config", config, "-replica", "far", self.dir / "app.db")
        self.assertEqual([s["store"] for s in report["stores"]], [f"file://{self.dir}/r-far"])
        self.nothing_left()

    def test_as_text(self):
        done = self.ctl("bench", *QUICK, self.url)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in (f"disk: {self.dir}", f"store: {self.url}", "to expect of a database of 1.0 GB:",
                     "restore with commits", "(extrapolated)", "(measured); bound by the "):
            self.assertIn(line, done.stdout)
        self.nothing_left()

    def test_wrong_command_lines(self):
        for words in ((), (self.url, self.url), ("a.db", "b.db"), ("a", self.url, "c"), ("-size", "0", self.url),
                      ("-size", "x", self.url), ("-size", "1e3", self.url), ("-seconds", "0", self.url),
                      ("-seconds", "2h", self.url), ("-config", "c.yml", self.url), ("-bad", self.url)):
            done = self.ctl("bench", *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertTrue(done.stderr.startswith("Error: "), words)
        self.nothing_left()

    def test_what_is_not_there(self):
        self.refused(f"look at database {self.dir}/b.db: No such file or directory (not_found)", "bench",
                     self.dir / "b.db", self.url)
        self.refused(f"database not found in config: {self.dir}/b.db", "bench", "-config", self.standard("app.db"),
                     self.dir / "b.db")
        done, report = self.bench("-dir", self.dir / "none", self.url)
        self.assertEqual((done.returncode, report["ok"], report["error"]["code"]), (1, False, "not_found"))
        self.assertEqual(report["stores"], [])

    def test_a_store_that_is_none(self):
        (self.dir / "store/file").write_text("")
        done, report = self.bench(self.url + "/file/below")
        self.assertEqual(done.returncode, 1)
        store, = report["stores"]
        self.assertEqual((report["ok"], store["ok"]), (False, False))
        self.assertIn(f"Error: replica {self.url}/file/below: put: ", done.stderr)
        self.assertIn(f"({store['error']['code']})", done.stderr)
        (self.dir / "store/file").unlink()
        self.nothing_left()

    def test_too_little_room(self):
        done, report = self.bench("-size", "100000", "-dir", "/dev/shm", self.url)
        self.assertEqual((done.returncode, report["error"]["code"]), (1, "no_space"))
        self.assertIn("Error: not enough space in /dev/shm: 300.0 GB are needed, ", done.stderr)
        self.assertIn("Hint: make room, or use a smaller -size", done.stderr)
        self.nothing_left()

    def test_nobody_reads_what_it_says(self):
        process = subprocess.Popen([BIN / "litestreamctl", "bench", *QUICK, self.url], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.dir)
        self.addCleanup(process.kill)
        self.assertTrue(process.stdout.readline().startswith("disk: "))
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, errors), (1, "Error: cannot write the result\n"))
        self.nothing_left()

    def interrupted(self, pattern, number=signal.SIGINT):
        """Ends it as soon as there is something of that name in the store."""
        process = subprocess.Popen([BIN / "litestreamctl", "bench", "-json", "-size", "20", "-seconds", "600", self.url],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.dir)
        self.addCleanup(process.kill)
        until(lambda: any((self.dir / "store").glob(pattern)), f"{pattern} to appear")
        process.send_signal(number)
        output, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 1, output)
        self.assertIn("Error: interrupted", errors)
        report = json.loads(output)
        self.assertEqual((report["ok"], report["stores"][0]["error"]["code"], report["stores"][0]["left"]),
                         (False, "cancelled", []))
        self.nothing_left()

    def test_interrupted_at_small_objects(self):
        self.interrupted("bench-*/small/1")

    def test_interrupted_while_replicating(self):
        self.interrupted("bench-*/db/ltx/0/*3.ltx")

    def test_ended_by_another_signal(self):
        self.interrupted("bench-*/db/ltx/0/*1.ltx", signal.SIGTERM)


@s3_server.required
class OnS3(Bench):
    def setUp(self):
        super().setUp()
        self.server = s3_server.S3Server(self.dir)
        self.addCleanup(self.server.stop)

    def test_a_replica(self):
        done, report = self.bench(self.server.url("some/app"), environment=s3_server.ENVIRONMENT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        store = self.measured(report, "s3", f"s3://bucket/some/app?endpoint={self.server.endpoint}")
        self.assertEqual(store["left"], [])
        self.assertEqual(self.server.keys(), [])
        self.nothing_left()

    def test_interrupted(self):
        process = subprocess.Popen([BIN / "litestreamctl", "bench", "-size", "20", "-seconds", "600",
                                    self.server.url("some/app")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=self.dir, env={**os.environ, **s3_server.ENVIRONMENT})
        self.addCleanup(process.kill)
        place = self.server.root / s3_server.BUCKET / "some/app"
        until(lambda: any(place.glob("bench-*/db/0000/*")), "the first copy")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, errors), (1, "Error: interrupted\n"), output)
        self.assertEqual(self.server.keys(), [])
        self.nothing_left()

    def test_without_permission_to_delete(self):
        self.server.account("writer", "writer-secret", ["ListBucket", "GetObject", "PutObject"])
        account = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "writer-secret"}
        done, report = self.bench(self.server.url("some/app"), environment=account)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        store = self.measured(report, "s3", f"s3://bucket/some/app?endpoint={self.server.endpoint}")
        self.assertEqual([f"some/app/{key}" for key in store["left"]], self.server.keys())
        self.assertTrue(all(key.startswith(store["prefix"] + "/") for key in store["left"]))
        self.assertGreater(len(store["left"]), 10)
        left = [w["message"] for w in store["warnings"] if w["reason"] == "left"]
        self.assertEqual(len(left), 1, store["warnings"])
        self.assertIn(f"may be left below {store['prefix']}/", left[0])
        self.assertNotIn("writer-secret", done.stdout + done.stderr)

    def test_a_wrong_secret(self):
        wrong = {"AWS_ACCESS_KEY_ID": s3_server.KEY, "AWS_SECRET_ACCESS_KEY": "wrong-secret"}
        done, report = self.bench(self.server.url("some/app"), environment=wrong)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(report["stores"][0]["error"]["code"], "permission_denied")
        self.assertIn("(permission_denied)", done.stderr)
        self.assertIn("Hint: ", done.stderr)
        self.assertNotIn("wrong-secret", done.stdout + done.stderr)
        self.nothing_left()


@sftp_server.required
class OnSftp(Bench):
    def test_a_replica(self):
        server = sftp_server.SftpServer(self.dir)
        self.addCleanup(server.stop)
        done, report = self.bench(server.location("app") + server.parameters())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.measured(report, "sftp", server.location("app"))
        self.assertEqual(list((server.root / "app").iterdir()), [])
        self.nothing_left()


@nats_server.required
class OnNats(Bench):
    def test_a_replica(self):
        server = nats_server.NatsServer(self.dir)
        self.addCleanup(server.stop)
        login = f"nats://{nats_server.USER}:{nats_server.PASSWORD}@127.0.0.1:{server.port}/backups?create-bucket=true"
        done, report = self.bench(login)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        store = self.measured(report, "nats", f"{server.url}/backups")
        self.assertEqual(store["left"], [])
        self.assertNotIn(nats_server.PASSWORD, done.stdout)
        self.nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
