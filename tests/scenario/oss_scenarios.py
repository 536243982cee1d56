#!/usr/bin/env python3
"""litestreamd and litestreamctl with a replica in Aliyun OSS."""
import os
import pathlib
import sqlite3
import subprocess
import sys
import threading
import unittest

from scenario import Scenario, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import oss_server  # noqa: E402

MIB = 1 << 20
PEER = os.environ.get("LITESTREAM_PEER")
ENVIRONMENT = {"OSS_ACCESS_KEY_ID": "ak", "OSS_ACCESS_KEY_SECRET": "sk"}


class OssReplica(Scenario):
    def setUp(self):
        super().setUp()
        self.server = oss_server.serve(0, "ak", "sk", "bucket")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.store = self.server.RequestHandlerClass.store
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"oss://bucket/some/app?endpoint={self.endpoint}"
        self.db = str(self.dir / "app.db")

    def oss_config(self, secret="sk"):
        return self.config(
            f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replica:\n      type: oss\n"
            f"      bucket: bucket\n      path: some/app\n      endpoint: '{self.endpoint}'\n      access-key-id: ak\n"
            f"      secret-access-key: {secret}\n      sync-interval: 20ms\n")

    def synced(self):
        return self.ask("sync", "-wait", self.db)["replicated_txid"]

    def rows_in(self, output):
        connection = sqlite3.connect(output)
        self.addCleanup(connection.close)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        return connection.execute("SELECT count(*) FROM t").fetchone()[0]

    def rows_of(self, source, *arguments, environment=None):
        output = self.dir / "restored.db"
        done = self.run_program("litestreamctl", "restore", "-force", "-o", output, *arguments, source,
                                environment=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.rows_in(output)

    def peer(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if k != "AWS_CA_BUNDLE"}
        return subprocess.Popen([PEER, *map(str, arguments)], env=environment, cwd=self.dir, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def test_replicated_and_restored(self):
        connection = self.database()
        connection.execute("CREATE TABLE big (x)")
        connection.execute("INSERT INTO big VALUES (randomblob(?))", (12 * MIB,))  # goes up in parts
        config = self.oss_config()
        daemon = self.daemon("-config", config)
        self.synced()
        self.insert(connection, 4)
        self.synced()
        self.assertIn("some/app/0000/0000000000000001-0000000000000001.ltx", self.store.objects)
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], self.url)
        self.assertEqual(self.rows_of(self.db, "-config", config), 7)
        self.assertEqual(self.rows_of(self.url, environment=ENVIRONMENT), 7)
        self.assertEqual(self.rows_of(self.url, "-txid", "0000000000000001", environment=ENVIRONMENT), 3)
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.assertNotIn("secret-access-key", daemon.log + daemon.errors)

    def test_a_wrong_secret_is_told_and_the_right_one_is_taken_over(self):
        self.database()
        daemon = self.daemon("-config", self.oss_config("wrong-secret"))
        details = until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the refusal")
        self.assertEqual(details["code"], "permission_denied")
        self.assertNotIn("wrong-secret", daemon.log)
        self.store.secret = "wrong-secret"
        self.assertGreaterEqual(self.synced(), 1)

    def test_a_missing_bucket_is_no_empty_replica(self):
        done = self.run_program("litestreamctl", "restore", "-if-replica-exists", "-o", self.dir / "o.db",
                                self.url.replace("bucket", "other"), environment=ENVIRONMENT)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NoSuchBucket", done.stderr)

    @unittest.skipUnless(PEER, "skipped: LITESTREAM_PEER is not set")
    def test_the_peer_and_we_go_on_with_one_file(self):
        """One configuration file: the peer restores what we wrote, goes on, and we go on after it."""
        connection = self.database()
        config = self.oss_config()
        daemon = self.daemon("-config", config)
        self.synced()
        self.assertEqual(daemon.end(), 0, daemon.errors)
        output = self.dir / "peer.db"
        self.assertEqual(self.peer("restore", "-config", config, "-o", output, self.db).wait(60), 0)
        self.assertEqual(self.rows_in(output), 3)
        theirs = self.peer("replicate", "-config", config)
        self.addCleanup(theirs.kill)
        self.insert(connection, 4)
        until(lambda: self.rows_of(self.db, "-config", config) == 7, "the peer's upload")
        theirs.terminate()
        theirs.wait(60)
        self.daemon("-config", config)
        self.insert(connection, 2)
        self.synced()
        output.unlink()
        self.assertEqual(self.peer("restore", "-config", config, "-o", output, self.db).wait(60), 0)
        self.assertEqual(self.rows_in(output), 9)


if __name__ == "__main__":
    unittest.main(verbosity=2)
