#!/usr/bin/env python3
"""litestreamd and litestreamctl with a replica in Google Cloud Storage."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

from scenario import until
from store_scenario import StoreScenario

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import gcs_server, programs  # noqa: E402


@gcs_server.required
class GcsReplica(StoreScenario):
    def setUp(self):
        super().setUp()
        self.server = gcs_server.GcsServer(self.dir)
        self.addCleanup(self.server.stop)

    def gcs_config(self, replica):
        return self.config(f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replica: "
                           f"{{{replica}, sync-interval: 20ms}}\n")

    def written(self, daemon):
        """What has been captured is there, and nothing more is being written: this server answers 404 to a listing
        beside which an object is being written, and for ever when it is stopped just then."""
        until(lambda: "snapshot complete" in daemon.log, "the first snapshot")
        return self.synced()

    def test_replicated_and_restored(self):
        connection = self.database()
        config = self.gcs_config(f"type: gs, bucket: bucket, path: some/app, endpoint: '{self.server.endpoint}', anonymous: true")
        daemon = self.daemon("-config", config)
        self.synced()
        self.insert(connection, 4)
        self.written(daemon)
        self.assertIn("some/app/ltx/0/0000000000000001-0000000000000001.ltx", self.server.keys())
        shown = self.server.url("some/app")
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], shown)
        self.assertIn(shown, daemon.log)
        # By the configuration, by the address that is shown, and by the peer's, which knows the emulator only.
        self.assertEqual(self.rows_of(self.db, "-config", config), 7)
        self.assertEqual(self.rows_of(shown), 7)
        self.assertEqual(self.rows_of(shown, "-txid", "0000000000000001"), 3)
        emulator = {"STORAGE_EMULATOR_HOST": f"127.0.0.1:{self.server.port}"}
        self.assertEqual(self.rows_of("gs://bucket/some/app", environment=emulator), 7)
        listed = self.ctl("ltx", "-json", "-config", config, self.db)
        self.assertEqual(json.loads(listed.stdout)[0]["min_txid"], "0000000000000001")
        self.assertEqual(json.loads(self.ctl("databases", "-json", "-config", config).stdout),
                         [{"path": self.db, "replica": "gs"}])
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_catches_up_after_an_outage(self):
        connection = self.database()
        daemon = self.daemon("-config", self.gcs_config(f"url: '{self.server.url('app')}'"))
        self.written(daemon)
        self.server.stop()
        for _ in range(5):
            self.insert(connection)
        until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the outage to be told")
        error = self.ask("status", "-details", self.db)["last_error"]
        self.assertEqual(error["code"], "unavailable", error)
        self.server.start()
        self.assertGreaterEqual(self.synced(), 2)
        self.assertEqual(self.rows_of(self.server.url("app")), 8)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_wrong_credentials_are_told_without_them(self):
        self.database()
        key = self.dir / "key.json"
        key.write_text('{"type": "service_account", "client_email": "a@b", "private_key": "hush"}')
        config = self.gcs_config(f"type: gs, bucket: bucket, endpoint: '{self.server.endpoint}', credentials-path: {key}")
        daemon = self.daemon("-config", config)
        error = until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the refusal")
        self.assertEqual(error["code"], "invalid_argument", error)
        self.assertIn("the private key is no RSA key", error["message"])
        self.assertNotIn("hush", daemon.log + json.dumps(error))
        done = self.run_program("litestreamctl", "restore", "-o", self.dir / "o.db", "gs://bucket/p",
                                environment={"HOME": str(self.dir), "GCE_METADATA_HOST": "127.0.0.1:1"})
        self.assertIn("no credentials for Google Cloud Storage found", done.stderr)

    def test_a_missing_bucket_is_no_empty_replica(self):
        url = self.server.url("p").replace("//bucket/", "//other/")
        done = self.run_program("litestreamctl", "restore", "-if-replica-exists", "-o", self.dir / "o.db", url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("create the bucket, or correct its name", done.stderr)

    @unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
    def test_the_peer_restores_what_the_daemon_wrote(self):
        connection = self.database()
        daemon = self.daemon("-config", self.gcs_config(f"url: '{self.server.url('app')}'"))
        self.synced()
        self.insert(connection, 4)
        self.synced()
        self.assertEqual(daemon.end(), 0, daemon.errors)
        environment = {**os.environ, "STORAGE_EMULATOR_HOST": f"127.0.0.1:{self.server.port}"}
        environment.pop("AWS_CA_BUNDLE", None)
        output = self.dir / "peer.db"
        subprocess.run([programs.peer(), "restore", "-o", str(output), "gs://bucket/app"], env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        self.assertEqual(self.rows_in(output), 7)


if __name__ == "__main__":
    unittest.main(verbosity=2)
