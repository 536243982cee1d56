#!/usr/bin/env python3
"""litestreamd and litestreamctl with a replica in Azure Blob Storage."""
import base64
import json
import pathlib
import signal
import sys
import unittest

from scenario import until
from store_scenario import MIB, StoreScenario, WithThePeer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import azure_server  # noqa: E402



@azure_server.required
class AzureReplica(WithThePeer, StoreScenario):
    def setUp(self):
        super().setUp()
        self.server = azure_server.AzureServer(self.dir)
        self.addCleanup(self.server.stop)

    def store_config(self, key=azure_server.KEY):
        return self.config(
            f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replica:\n      type: abs\n"
            f"      account-name: {azure_server.ACCOUNT}\n      bucket: {azure_server.CONTAINER}\n      path: some/app\n"
            f"      endpoint: '{self.server.endpoint}'\n      account-key: '{key}'\n      sync-interval: 20ms\n")

    def test_replicated_and_restored(self):
        connection = self.database()
        config = self.store_config()
        daemon = self.daemon("-config", config)
        self.synced()
        self.insert(connection, 4)
        self.synced()
        self.assertIn("some/app/ltx/0/0000000000000001-0000000000000001.ltx", self.server.keys())
        shown = self.server.url("some/app")
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], shown)
        self.assertIn(shown, daemon.log)
        # By the configuration, and by the address that is shown.
        self.assertEqual(self.rows_of(self.db, "-config", config), 7)
        self.assertEqual(self.rows_of(shown, environment=azure_server.ENVIRONMENT), 7)
        self.assertEqual(self.rows_of(shown, "-txid", "0000000000000001", environment=azure_server.ENVIRONMENT), 3)
        listed = self.ctl("ltx", "-json", "-config", config, self.db)
        self.assertEqual(json.loads(listed.stdout)[0]["min_txid"], "0000000000000001")
        self.assertEqual(json.loads(self.ctl("databases", "-json", "-config", config).stdout),
                         [{"path": self.db, "replica": "abs"}])
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.assertNotIn(azure_server.KEY, daemon.log + daemon.errors)

    def test_large_transactions_go_up_in_blocks(self):
        connection = self.database()
        connection.execute("CREATE TABLE big (x)")
        connection.execute("INSERT INTO big VALUES (randomblob(?))", (18 * MIB,))
        self.daemon("-config", self.store_config())
        self.synced()
        self.assertEqual(self.rows_of(self.server.url("some/app"), environment=azure_server.ENVIRONMENT), 3)

    def test_catches_up_after_an_outage(self):
        connection = self.database()
        daemon = self.daemon("-config", self.store_config())
        self.synced()
        self.server.stop()
        for _ in range(5):
            self.insert(connection)
        until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the outage to be told")
        error = self.ask("status", "-details", self.db)["last_error"]
        self.assertEqual(error["code"], "unavailable", error)
        self.server.start()
        self.assertGreaterEqual(self.synced(), 2)
        self.assertEqual(self.rows_of(self.server.url("some/app"), environment=azure_server.ENVIRONMENT), 8)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_a_wrong_key_is_told_and_the_right_one_is_taken_over(self):
        self.database()
        wrong = base64.b64encode(b"another secret").decode()
        daemon = self.daemon("-config", self.store_config(wrong))
        details = until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the refusal")
        self.assertEqual(details["code"], "permission_denied")
        self.assertNotIn(wrong, daemon.log)
        self.store_config()
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in daemon.log, "the reload")
        until(lambda: self.ask("status", "-details", self.db)["replicated_txid"] == 1, "the upload")

    def test_a_missing_container_is_no_empty_replica(self):
        config = self.store_config().read_text().replace("bucket: replica", "bucket: other")
        done = self.ctl("restore", "-if-replica-exists", "-o", self.dir / "o.db", "-config", self.config(config), self.db)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ContainerNotFound", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
