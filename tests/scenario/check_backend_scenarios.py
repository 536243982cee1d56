#!/usr/bin/env python3
"""litestreamctl check-backend on real stores, good ones and one that refuses to delete."""
import json
import pathlib
import signal
import subprocess
import sys
import unittest

from scenario import BIN, LIMIT, Scenario, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import nats_server, s3_server, sftp_server  # noqa: E402

EXAM = 20  # checks of the exam


class CheckBackend(Scenario):
    def check(self, *arguments, environment=None):
        done = self.run_program("litestreamctl", "check-backend", "-json", *arguments, environment=environment)
        return done, json.loads(done.stdout)

    def passes(self, report, kind, shown):
        self.assertEqual((report["ok"], report["type"], report["store"]), (True, kind, shown), report)
        self.assertEqual([one["name"] for one in report["operations"]],
                         ["put", "get", "stat", "list", "put if absent", "remove"])
        self.assertEqual([one for one in report["checks"] if not one["ok"]], [])
        self.assertEqual(len(report["checks"]), EXAM)
        for operation in ("put", "get", "list"):
            times = report["latency"][operation]
            self.assertGreaterEqual(times["max_ms"], times["p50_ms"])
            self.assertGreaterEqual(times["p50_ms"], 0)
        for way in ("up", "down"):
            self.assertGreater(report["throughput"][f"{way}_bytes_per_second"], 0)
        self.assertEqual(report["left"], [])

    def stored(self):
        return sorted(p.name for p in (self.dir / "store").iterdir())


class OnFiles(CheckBackend):
    def setUp(self):
        super().setUp()
        (self.dir / "store").mkdir()
        (self.dir / "store/other").write_text("somebody else's")
        self.url = f"file://{self.dir}/store"

    def test_a_good_store(self):
        done, report = self.check(self.url)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.passes(report, "file", self.url)
        self.assertEqual(report["capabilities"], {"conditional_put": True, "keeps_modified_at": True})
        self.assertEqual(self.stored(), ["other"])

    def test_as_text(self):
        done = self.ctl("check-backend", self.url)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in (f"store: {self.url}", "conditional put: yes", "operation  p50 ms  max ms", "MB/s up"):
            self.assertIn(line, done.stdout)
        self.assertEqual(done.stdout.count(" ok\n"), 6 + EXAM)

    def test_a_configured_replica(self):
        config = self.standard("app.db")
        done, report = self.check("-config", config, self.dir / "app.db")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.passes(report, "file", f"file://{self.dir}/r-app.db")

    def test_wrong_command_lines(self):
        self.refused("replica URL or database path required", "check-backend", status=2)
        self.refused("too many arguments", "check-backend", self.url, self.url, status=2)
        self.refused("database not found in config: " + str(self.dir / "b.db"), "check-backend", "-config",
                     self.standard("app.db"), self.dir / "b.db")

    def test_a_store_that_is_none(self):
        (self.dir / "store/file").write_text("")
        done, report = self.check(self.url + "/file/below")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Error: 1 of 1 checks failed, the exam was left out", done.stderr)
        self.assertEqual((report["ok"], report["operations"][0]["ok"], report["checks"]), (False, False, []))
        self.assertTrue(report["operations"][0]["code"])

    def test_an_interrupted_check_leaves_nothing(self):
        process = subprocess.Popen([BIN / "litestreamctl", "check-backend", self.url], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        until(lambda: any((self.dir / "store").glob("check-backend-*/exam/*/*")), "the exam to begin")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 1, output)
        self.assertIn("Error: interrupted", errors)
        self.assertEqual(self.stored(), ["other"])

    def test_nobody_reads_what_it_says(self):
        process = subprocess.Popen([BIN / "litestreamctl", "check-backend", self.url], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertTrue(process.stdout.readline().startswith("store: "))
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, errors), (1, "Error: cannot write the result\n"))
        self.assertEqual(self.stored(), ["other"])


@s3_server.required
class OnS3(CheckBackend):
    def setUp(self):
        super().setUp()
        self.server = s3_server.S3Server(self.dir)
        self.addCleanup(self.server.stop)

    def test_a_good_store(self):
        url = self.server.url("some/app")
        done, report = self.check(url, environment=s3_server.ENVIRONMENT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.passes(report, "s3", f"s3://bucket/some/app?endpoint={self.server.endpoint}")
        self.assertTrue(report["capabilities"]["conditional_put"])
        self.assertEqual(self.server.keys(), [])

    def test_without_permission_to_delete(self):
        self.server.account("writer", "writer-secret", ["ListBucket", "GetObject", "PutObject"])
        account = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "writer-secret"}
        done, report = self.check(self.server.url("some/app"), environment=account)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the exam was left out", done.stderr)
        failed = [one["name"] for one in report["operations"] if not one["ok"]]
        self.assertIn("remove", failed)
        remove = next(one for one in report["operations"] if one["name"] == "remove")
        self.assertEqual(remove["code"], "permission_denied")
        self.assertEqual(report["checks"], [])
        # What could not be taken away is named, and is not more than the operations have put.
        self.assertEqual([f"some/app/{key}" for key in report["left"]], self.server.keys())
        self.assertLessEqual(len(report["left"]), 3)
        self.assertIn("Hint: such a store can hold a replica all the same", done.stderr)
        self.assertIn("may be left below " + report["prefix"], done.stderr)
        self.assertNotIn("writer-secret", done.stdout + done.stderr)

    def test_a_wrong_secret(self):
        wrong = {"AWS_ACCESS_KEY_ID": s3_server.KEY, "AWS_SECRET_ACCESS_KEY": "wrong-secret"}
        done, report = self.check(self.server.url("some/app"), environment=wrong)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(report["operations"][0]["code"], "permission_denied")
        self.assertTrue(report["operations"][0]["hint"])
        self.assertNotIn("wrong-secret", done.stdout + done.stderr)


@sftp_server.required
class OnSftp(CheckBackend):
    def test_a_good_store(self):
        server = sftp_server.SftpServer(self.dir)
        self.addCleanup(server.stop)
        done, report = self.check(server.location("app") + server.parameters())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.passes(report, "sftp", server.location("app"))
        self.assertEqual(report["capabilities"], {"conditional_put": True, "keeps_modified_at": False})
        self.assertEqual(list((server.root / "app").iterdir()), [])


@nats_server.required
class OnNats(CheckBackend):
    def test_a_good_store(self):
        server = nats_server.NatsServer(self.dir)
        self.addCleanup(server.stop)
        login = f"nats://{nats_server.USER}:{nats_server.PASSWORD}@127.0.0.1:{server.port}/backups?create-bucket=true"
        done, report = self.check(login)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.passes(report, "nats", f"{server.url}/backups")
        self.assertNotIn(nats_server.PASSWORD, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
