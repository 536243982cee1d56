#!/usr/bin/env python3
"""litestreamd and litestreamctl with a replica on a WebDAV server."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest
import urllib.parse

from scenario import until
from store_scenario import StoreScenario

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import programs, webdav_server  # noqa: E402
from support_py.webdav_server import PASSWORD, USER  # noqa: E402


@webdav_server.required
class WebdavReplica(StoreScenario):
    def server(self, access="Digest"):
        server = webdav_server.WebdavServer(self.dir, access)
        self.addCleanup(server.stop)
        return server

    def dav_config(self, server, password=PASSWORD):
        return self.config(f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replica:\n"
                           f"      type: webdav\n      webdav-url: {server.endpoint}/dav\n      webdav-username: {USER}\n"
                           f"      webdav-password: {password}\n      path: some/app\n      sync-interval: 20ms\n")

    def test_replicated_and_restored(self):
        server = self.server()
        connection = self.database()
        config = self.dav_config(server)
        daemon = self.daemon("-config", config)
        self.synced()
        self.insert(connection, 4)
        self.synced()
        self.assertIn("some/app/ltx/0/0000000000000001-0000000000000001.ltx", server.keys())
        shown = f"webdav://{USER}@127.0.0.1:{server.port}/dav/some/app"
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], shown)
        self.assertIn(shown, daemon.log)
        self.assertEqual(self.rows_of(self.db, "-config", config), 7)
        url = shown.replace(USER, f"{USER}:{urllib.parse.quote(PASSWORD)}")
        self.assertEqual(self.rows_of(url), 7)
        self.assertEqual(self.rows_of(url, "-txid", "0000000000000001"), 3)
        listed = self.ctl("ltx", "-json", "-config", config, self.db)
        self.assertEqual(json.loads(listed.stdout)[0]["min_txid"], "0000000000000001")
        self.assertEqual(json.loads(self.ctl("databases", "-json", "-config", config).stdout),
                         [{"path": self.db, "replica": "webdav"}])
        self.assertEqual(daemon.end(), 0, daemon.errors)
        for secret in (PASSWORD, urllib.parse.quote(PASSWORD)):
            self.assertNotIn(secret, daemon.log + daemon.errors)

    def test_catches_up_after_an_outage(self):
        server = self.server()
        connection = self.database()
        config = self.dav_config(server)
        daemon = self.daemon("-config", config)
        self.synced()
        server.stop()
        for _ in range(5):
            self.insert(connection)
        error = until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the outage to be told")
        self.assertEqual(error["code"], "unavailable", error)
        server.start()
        self.assertGreaterEqual(self.synced(), 2)
        self.assertEqual(self.rows_of(self.db, "-config", config), 8)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_a_wrong_password_is_told_and_the_right_one_taken_over(self):
        server = self.server("Basic")
        self.database()
        daemon = self.daemon("-config", self.dav_config(server, "hush-hush"))
        error = until(lambda: self.ask("status", "-details", self.db).get("last_error"), "the refusal")
        self.assertEqual(error["code"], "permission_denied", error)
        self.dav_config(server)
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in daemon.log, "the reload")
        until(lambda: self.ask("status", "-details", self.db)["replicated_txid"] == 1, "the upload")
        self.assertNotIn("hush-hush", daemon.log + daemon.errors)

    def test_an_address_without_a_folder_is_no_empty_replica(self):
        server = self.server()
        config = self.dav_config(server).read_text().replace("/dav\n", "/none\n")
        done = self.run_program("litestreamctl", "restore", "-if-replica-exists", "-o", self.dir / "o.db", "-config",
                                self.config(config), self.db)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is the address that of a WebDAV folder?", done.stderr)

    @unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
    def test_the_peer_restores_what_the_daemon_wrote(self):
        # By basic authentication: the peer's digest names another path than it asks for, which Apache refuses.
        server = self.server("Basic")
        connection = self.database()
        config = self.dav_config(server)
        daemon = self.daemon("-config", config)
        self.synced()
        self.insert(connection, 4)
        self.synced()
        self.assertEqual(daemon.end(), 0, daemon.errors)
        environment = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        output = self.dir / "peer.db"
        subprocess.run([programs.peer(), "restore", "-config", str(config), "-o", str(output), self.db], env=environment,
                       check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.rows_in(output), 7)


if __name__ == "__main__":
    unittest.main(verbosity=2)
