#!/usr/bin/env python3
"""litestreamd and litestreamctl with a database that is copied to several places."""
import json
import pathlib
import sys
import unittest

from scenario import until
from store_scenario import StoreScenario
from terminal import ctl_on_terminal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import s3_server  # noqa: E402


class TwoFolders(StoreScenario):
    def folders(self, *names, extra=""):
        text = f"socket: {{path: {self.socket}}}\n{extra}\ndbs:\n  - path: {self.db}\n    replicas:\n"
        for name in names:
            text += f"      - {{name: {name}, path: {self.dir}/r-{name}, sync-interval: 20ms}}\n"
        return self.config(text)

    def replica(self, name):
        status = self.ask("status", "-details", self.db)
        return next(one for one in status["replicas"] if one["name"] == name)

    def test_the_status_shows_each_and_the_least(self):
        connection = self.database()
        self.connect_replica("r-two")
        self.daemon("-config", self.folders("one", "two"))
        self.synced()
        self.disconnect_replica("r-two")
        self.insert(connection)
        until(lambda: self.replica("one")["replicated_txid"] == 2, "the upload to the sound one")
        until(lambda: self.replica("two")["replica_state"] == "failing", "the other to be told")
        status = self.ask("status", "-details", self.db)
        self.assertEqual(status["replicated_txid"], 1)
        self.assertEqual(status["replica_state"], "failing")
        self.assertTrue(status["last_error"]["message"].startswith("replica two: "), status)
        self.assertEqual([one["replica_state"] for one in status["replicas"]], ["ok", "failing"])
        position = self.ask("position", self.db)
        self.assertEqual([one["replicated_txid"] for one in position["replicas"]], [2, 1])
        self.assertEqual(len(self.ask("list", "-details")[0]["replicas"]), 2)
        for call in (["status", "-details"], ["list"]):
            shown = ctl_on_terminal(self, *call, "-socket", self.socket, *([self.db] if call[0] == "status" else []),
                                    columns=300)
            self.assertEqual(shown.end(), 0, shown.text)
            lines = [line for line in shown.text.splitlines() if "failing" in line and "two" in line]
            self.assertEqual(len(lines), 1, shown.text)
        # Who waits means all of them.
        waited = self.ctl("wait", "-timeout", "1", "-socket", self.socket, self.db)
        self.assertNotEqual(waited.returncode, 0)
        self.assertIn("replica two is behind", waited.stderr)

    def test_a_restore_takes_the_one_that_reaches_furthest(self):
        connection = self.database()
        self.connect_replica("r-one")
        config = self.folders("one", "two")
        daemon = self.daemon("-config", config)
        self.synced()
        self.disconnect_replica("r-one")
        self.insert(connection)
        until(lambda: self.replica("two")["replicated_txid"] == 2, "the upload to the sound one")
        daemon.close()
        output = self.dir / "out.db"
        done = self.ctl("restore", "-config", config, "-o", output, self.db)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.rows_in(output), 4)
        # One can be named; the other is not asked then.
        done = self.ctl("restore", "-config", config, "-replica", "two", "-o", self.dir / "two.db", self.db)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.refused("database has no replica called three", "restore", "-config", config, "-replica", "three", "-o",
                     self.dir / "three.db", self.db)
        self.refused(f"database has several replicas: {self.db}", "check-backend", "-config", config, self.db)
        self.assertEqual(json.loads(self.ctl("databases", "-json", "-config", config).stdout),
                         [{"path": self.db, "replica": "file,file"}])

    def test_a_reload_adds_and_takes_away_a_destination(self):
        connection = self.database()
        config = self.folders("one")
        self.daemon("-config", config)
        self.synced()
        self.assertNotIn("replicas", self.ask("status", "-details", self.db))
        self.folders("one", "two")
        self.assertEqual(self.ask("rpc", "config.reload")["modified"], [self.db])
        self.insert(connection)
        self.assertEqual(self.synced(), 2)
        self.assertEqual(self.replica("two")["replicated_txid"], 2)
        self.folders("two")
        self.ask("rpc", "config.reload")
        self.insert(connection)
        self.assertEqual(self.synced(), 3)
        self.assertEqual(self.rows_of(f"file://{self.dir}/r-two"), 5)
        self.assertEqual(self.rows_of(f"file://{self.dir}/r-one"), 4)


@s3_server.required
class FolderAndS3(StoreScenario):
    def setUp(self):
        super().setUp()
        self.server = s3_server.S3Server(self.dir)
        self.addCleanup(self.server.stop)

    def both(self):
        return self.config(
            f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replicas:\n"
            f"      - type: s3\n        name: far\n        bucket: {s3_server.BUCKET}\n        path: some/app\n"
            f"        endpoint: '{self.server.endpoint}'\n        access-key-id: {s3_server.KEY}\n"
            f"        secret-access-key: {s3_server.SECRET}\n        sync-interval: 20ms\n"
            f"      - {{name: near, path: {self.dir}/r, sync-interval: 20ms}}\n")

    def positions(self):
        return {one["name"]: one["replicated_txid"] for one in self.ask("status", "-details", self.db)["replicas"]}

    def test_a_server_that_goes_and_comes_back(self):
        connection = self.database()
        config = self.both()
        daemon = self.daemon("-config", config)
        self.synced()
        self.assertEqual(self.positions(), {"far": 1, "near": 1})
        self.server.stop()
        for n in range(2, 7):
            self.insert(connection)
            until(lambda: self.positions()["near"] == n, f"transaction {n} in the folder")
        self.assertEqual(self.positions()["far"], 1)
        until(lambda: "failing" in str(self.ask("status", "-details", self.db)["replicas"][0]), "the error to be told")
        output = self.dir / "out.db"
        done = self.ctl("restore", "-config", config, "-o", output, self.db)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: replica s3://bucket/some/app", done.stderr)
        self.assertNotIn(s3_server.SECRET, done.stderr)
        self.assertEqual(self.rows_in(output), 8)

        self.server.start()
        until(lambda: self.positions() == {"far": 6, "near": 6}, "the server to have caught up")
        status = self.ask("status", "-details", self.db)
        self.assertEqual([one["replica_state"] for one in status["replicas"]], ["ok", "ok"])
        self.assertEqual(self.rows_of(self.db, "-config", config, "-replica", "far"), 8)
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.assertNotIn("uploading a snapshot instead", daemon.log)  # nothing of what it lacked was gone


if __name__ == "__main__":
    unittest.main()
