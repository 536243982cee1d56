#!/usr/bin/env python3
"""litestreamd and litestreamctl with a replica in S3."""
import json
import pathlib
import signal
import socket
import sys
import threading
import unittest

from scenario import until
from store_scenario import MIB, StoreScenario

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import moto_server, s3_server  # noqa: E402



class SilentServer:
    """Takes every connection and says nothing."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.taken = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        self.listener.close()
        for one in self.taken:
            one.close()


@s3_server.required
class S3Replica(StoreScenario):
    def setUp(self):
        super().setUp()
        self.server = s3_server.S3Server(self.dir)
        self.addCleanup(self.server.stop)

    def s3_config(self, extra="", keys=True, top=""):
        text = f"socket: {{path: {self.socket}}}\n{top}\ndbs:\n  - path: {self.db}\n    replica:\n      type: s3\n" \
               f"      bucket: {s3_server.BUCKET}\n      path: some/app\n      endpoint: '{self.server.endpoint}'\n" \
               f"      sync-interval: 20ms\n{extra}"
        if keys:
            text += f"      access-key-id: {s3_server.KEY}\n      secret-access-key: {s3_server.SECRET}\n"
        return self.config(text)

    def test_replicated_and_restored(self):
        connection = self.database()
        config = self.s3_config()
        daemon = self.daemon("-config", config)
        self.synced()
        self.insert(connection, 4)
        self.synced()
        self.assertIn("some/app/0000/0000000000000001-0000000000000001.ltx", self.server.keys())
        shown = f"s3://bucket/some/app?endpoint={self.server.endpoint}"
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], shown)
        self.assertIn(shown, daemon.log)
        # By the configuration, and by the address that is shown.
        self.assertEqual(self.rows_of(self.db, "-config", config), 7)
        self.assertEqual(self.rows_of(shown, environment=s3_server.ENVIRONMENT), 7)
        names = {"LITESTREAM_ACCESS_KEY_ID": s3_server.KEY, "LITESTREAM_SECRET_ACCESS_KEY": s3_server.SECRET}
        self.assertEqual(self.rows_of(shown, "-txid", "0000000000000001", environment=names), 3)
        listed = self.ctl("ltx", "-json", "-config", config, self.db)
        self.assertEqual(json.loads(listed.stdout)[0]["min_txid"], "0000000000000001")
        self.assertEqual(json.loads(self.ctl("databases", "-json", "-config", config).stdout),
                         [{"path": self.db, "replica": "s3"}])
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.assertNotIn(s3_server.SECRET, daemon.log + daemon.errors)

    def test_large_transactions_go_up_in_parts(self):
        connection = self.database()
        connection.execute("CREATE TABLE big (x)")
        connection.execute("INSERT INTO big VALUES (randomblob(?))", (12 * MIB,))
        self.daemon("-config", self.s3_config())
        self.synced()
        self.assertEqual(self.rows_of(self.server.url("some/app"), environment=s3_server.ENVIRONMENT), 3)

    def test_catches_up_after_an_outage(self):
        connection = self.database()
        daemon = self.daemon("-config", self.s3_config())
        self.synced()
        self.server.stop()
        for _ in range(5):
            self.insert(connection)
        until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the outage to be told")
        error = self.ask("status", "-details", self.db)["last_error"]
        self.assertEqual(error["code"], "unavailable", error)
        self.server.start()
        self.assertGreaterEqual(self.synced(), 2)
        self.assertEqual(self.rows_of(self.server.url("some/app"), environment=s3_server.ENVIRONMENT), 8)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_wrong_keys_are_told_and_right_ones_are_taken_over(self):
        self.database()
        self.s3_config("      access-key-id: test\n      secret-access-key: wrong-secret\n", keys=False)
        daemon = self.daemon("-config", self.dir / "litestream.yml")
        details = until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the refusal")
        self.assertEqual(details["code"], "permission_denied")
        self.assertNotIn("wrong-secret", daemon.log)
        self.s3_config()
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in daemon.log, "the reload")
        until(lambda: self.ask("status", "-details", self.db)["replicated_txid"] == 1, "the upload")

    def test_a_silent_store_delays_neither_the_wal_nor_the_end(self):
        connection = self.database()
        daemon = self.daemon("-config", self.s3_config(top="shutdown-sync-timeout: 0s"))
        self.synced()
        self.server.stop()
        silent = SilentServer(self.server.port)
        self.addCleanup(silent.close)
        for n in (2, 3):  # the second while the first waits for its answer
            self.insert(connection)
            until(lambda: self.ask("status", "-details", self.db)["txid"] >= n, "capture")
            until(lambda: silent.taken, "a connection")
        refused = self.ctl("sync", "-wait", "-timeout", "1", "-socket", self.socket, self.db)
        self.assertEqual(refused.returncode, 1)
        daemon.process.terminate()
        until(lambda: "shutting down" in daemon.log, "the end to begin")
        self.assertEqual(daemon.end(), 1)

    def test_a_missing_bucket_is_no_empty_replica(self):
        config = self.s3_config().read_text().replace("bucket: bucket", "bucket: other")
        done = self.ctl("restore", "-if-replica-exists", "-o", self.dir / "o.db", "-config", self.config(config), self.db)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NoSuchBucket", done.stderr)
        done = self.run_program("litestreamctl", "restore", "-o", self.dir / "o.db", self.server.url("x"),
                                environment={"AWS_ACCESS_KEY_ID": "", "LITESTREAM_ACCESS_KEY_ID": "",
                                             "HOME": str(self.dir), "AWS_EC2_METADATA_DISABLED": "true"})
        self.assertIn("no credentials for the S3 store found", done.stderr)


@moto_server.required
class S3ReplicaElsewhere(StoreScenario):
    """The same on another server."""

    def setUp(self):
        super().setUp()
        self.server = moto_server.MotoServer(self.dir)
        self.addCleanup(self.server.stop)

    s3_config = S3Replica.s3_config
    test_replicated_and_restored = S3Replica.test_replicated_and_restored
    test_large_transactions_go_up_in_parts = S3Replica.test_large_transactions_go_up_in_parts
    test_a_missing_bucket_is_no_empty_replica = S3Replica.test_a_missing_bucket_is_no_empty_replica


if __name__ == "__main__":
    unittest.main(verbosity=2)
