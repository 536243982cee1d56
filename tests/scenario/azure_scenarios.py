#!/usr/bin/env python3
"""litestreamd and litestreamctl with a replica in Azure Blob Storage."""
import base64
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import unittest

from scenario import Scenario, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import azure_server  # noqa: E402

MIB = 1 << 20
PEER = os.environ.get("LITESTREAM_PEER")


@azure_server.required
class AzureReplica(Scenario):
    def setUp(self):
        super().setUp()
        self.server = azure_server.AzureServer(self.dir)
        self.addCleanup(self.server.stop)
        self.db = str(self.dir / "app.db")

    def azure_config(self, key=azure_server.KEY):
        return self.config(
            f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replica:\n      type: abs\n"
            f"      account-name: {azure_server.ACCOUNT}\n      bucket: {azure_server.CONTAINER}\n      path: some/app\n"
            f"      endpoint: '{self.server.endpoint}'\n      account-key: '{key}'\n      sync-interval: 20ms\n")

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
        config = self.azure_config()
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
        self.daemon("-config", self.azure_config())
        self.synced()
        self.assertEqual(self.rows_of(self.server.url("some/app"), environment=azure_server.ENVIRONMENT), 3)

    def test_catches_up_after_an_outage(self):
        connection = self.database()
        daemon = self.daemon("-config", self.azure_config())
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
        daemon = self.daemon("-config", self.azure_config(wrong))
        details = until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the refusal")
        self.assertEqual(details["code"], "permission_denied")
        self.assertNotIn(wrong, daemon.log)
        self.azure_config()
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in daemon.log, "the reload")
        until(lambda: self.ask("status", "-details", self.db)["replicated_txid"] == 1, "the upload")

    def test_a_missing_container_is_no_empty_replica(self):
        config = self.azure_config().read_text().replace("bucket: replica", "bucket: other")
        done = self.ctl("restore", "-if-replica-exists", "-o", self.dir / "o.db", "-config", self.config(config), self.db)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ContainerNotFound", done.stderr)

    @unittest.skipUnless(PEER, "skipped: LITESTREAM_PEER is not set")
    def test_the_peer_and_we_go_on_with_one_file(self):
        """One configuration file: the peer restores what we wrote, goes on, and we go on after it."""
        connection = self.database()
        config = self.azure_config()
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
