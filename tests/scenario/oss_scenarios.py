#!/usr/bin/env python3
"""litestreamd and litestreamctl with a replica in Aliyun OSS."""
import pathlib
import sys
import threading
import unittest

from scenario import until
from store_scenario import MIB, StoreScenario, WithThePeer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import oss_server  # noqa: E402

ENVIRONMENT = {"OSS_ACCESS_KEY_ID": "ak", "OSS_ACCESS_KEY_SECRET": "sk"}


class OssReplica(WithThePeer, StoreScenario):
    def setUp(self):
        super().setUp()
        self.server = oss_server.serve(0, "ak", "sk", "bucket")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.store = self.server.RequestHandlerClass.store
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"oss://bucket/some/app?endpoint={self.endpoint}"

    def store_config(self, secret="sk"):
        return self.config(
            f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replica:\n      type: oss\n"
            f"      bucket: bucket\n      path: some/app\n      endpoint: '{self.endpoint}'\n      access-key-id: ak\n"
            f"      secret-access-key: {secret}\n      sync-interval: 20ms\n")

    def test_replicated_and_restored(self):
        connection = self.database()
        connection.execute("CREATE TABLE big (x)")
        connection.execute("INSERT INTO big VALUES (randomblob(?))", (12 * MIB,))  # goes up in parts
        config = self.store_config()
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
        daemon = self.daemon("-config", self.store_config("wrong-secret"))
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
