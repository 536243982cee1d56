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

TIMEOUT, SLACK = 1, 2  # seconds
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

    def check_timeout(self, verb, *options):
        begin = time.monotonic()
        done = self.ctl(verb, *options, "-timeout", TIMEOUT, "-socket", self.socket, self.dir / "app.db")
        self.assertIn(f"timeout waiting for {verb}", done.stderr)
        self.assertLess(time.monotonic() - begin, TIMEOUT + SLACK)


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
        while not self.relay.is_stalled():  # within the last of these calls
            self.check_timeout("sync", "-wait")
        # An upload is called off for this one.
        self.check_timeout("stop")
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
