#!/usr/bin/env python3
"""Who gives a call a time is answered in it, also by a store that falls silent in the middle of an upload."""
import json
import pathlib
import sys
import time
import unittest

from fault_stores import AzureStore, GcsStore, NatsStore, OssStore, S3Store, SftpStore, WebdavStore
from scenario import Scenario, until
from store_scenario import MIB

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import azure_server, dead_store, gcs_server, nats_server, s3_server, sftp_server, webdav_server  # noqa: E402

TIMEOUT = 1  # second
BODY = 12 * MIB  # in several parts, where there are such


class Deadline(Scenario):
    def setUp(self):
        super().setUp()
        self.server = self.make_server()
        self.addCleanup(self.server.stop)
        self.relay = dead_store.Relay(self.server.port)
        self.addCleanup(self.relay.stop)

    def sync(self, timeout):
        return self.ctl("sync", "-wait", "-timeout", timeout, "-socket", self.socket, self.dir / "app.db")

    def timed(self, *arguments):
        begin = time.monotonic()
        done = self.ctl(*arguments)
        return done, time.monotonic() - begin


class EachDeadline:
    def test_a_store_falls_silent_in_an_upload(self):
        connection = self.database()
        entry = {"path": f"{self.dir}/app.db", "replica": {"sync-interval": "1h", **self.replica(self.relay.port)}}
        self.daemon("-config", self.config(f"socket: {{path: {self.socket}}}\ndbs: {json.dumps([entry])}\n"))
        done = self.sync(60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        connection.execute("CREATE TABLE big (x)")
        connection.execute("INSERT INTO big VALUES (randomblob(?))", (BODY,))
        self.relay.stall_after(BODY // 2)
        socket = ("-socket", self.socket, self.dir / "app.db")
        done, took = self.timed("sync", "-wait", "-timeout", TIMEOUT, *socket)
        self.assertTrue(self.relay.is_stalled())
        self.assertIn("timeout waiting for sync", done.stderr)
        self.assertLess(took, TIMEOUT + 0.5)
        # The upload lane is in one now, and is called off.
        done, took = self.timed("stop", "-timeout", TIMEOUT, *socket)
        self.assertIn("timeout waiting for stop", done.stderr)
        self.assertLess(took, TIMEOUT + 1)
        self.relay.go_on()
        until(lambda: self.sync(10).returncode == 0, "the catch-up")
        output = self.dir / "restored.db"
        done = self.ctl("restore", "-o", output, "-config", self.dir / "litestream.yml", self.dir / "app.db")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertGreater(output.stat().st_size, BODY)


@s3_server.required
class S3Deadline(EachDeadline, S3Store, Deadline):
    pass


@azure_server.required
class AzureDeadline(EachDeadline, AzureStore, Deadline):
    pass


@gcs_server.required
class GcsDeadline(EachDeadline, GcsStore, Deadline):
    pass


class OssDeadline(EachDeadline, OssStore, Deadline):
    pass


@webdav_server.required
class WebdavDeadline(EachDeadline, WebdavStore, Deadline):
    pass


@sftp_server.required
class SftpDeadline(EachDeadline, SftpStore, Deadline):
    pass


@nats_server.required
class NatsDeadline(EachDeadline, NatsStore, Deadline):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
