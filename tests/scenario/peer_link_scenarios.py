#!/usr/bin/env python3
"""litestreamctl under the name litestream, and the control methods it stands on. tests/interop compares the same with
the peer's own program; here nothing but our own is needed."""
import json
import os
import re
import unittest

from scenario import BIN, Scenario, until


class Link(Scenario):
    def litestream(self, *arguments, status=0):
        done = self.run_program("litestream", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def control(self, verb, *arguments, status=0):
        return self.litestream(verb, "-socket", self.socket, *arguments, status=status)

    def test_the_link_is_a_link(self):
        self.assertEqual(os.readlink(BIN / "litestream"), "litestreamctl")
        self.assertIn("replicate", self.litestream("help"))
        self.assertEqual(self.litestream("bogus", status=1), "Error: litestream bogus: unknown command\n")

    def test_a_database_comes_and_goes(self):
        self.daemon("-config", self.standard())
        self.database("t.db", rows=5)
        self.assertEqual(self.control("list"), "No databases configured\n")
        path, url = self.dir / "t.db", f"file://{self.dir}/r-t.db"
        self.assertEqual(self.control("register", "-replica", url, path),
                         f"status: registered\ndb_path: {path}\nreplica: {url}\nsocket: {self.socket}\n")
        until(lambda: re.fullmatch(rf"{path} \[replicating\] \(last sync: \d{{4}}-.*Z\)\n", self.control("list")),
              "the first sync")
        synced = json.loads(self.control("sync", "-wait", "-json", path))
        self.assertEqual(list(synced), ["db_path", "txid", "replica_txid", "duration_ms"])
        self.assertEqual((synced["txid"], synced["replica_txid"]), (1, 1))
        self.assertEqual(self.ask("txid", path), {"txid": 1})
        entry = self.ask("sync_status", "-path", path)[0]
        self.assertEqual((entry["path"], entry["txid"], entry["replicated_txid"], entry["status"]),
                         (str(path), 1, 1, "open"))
        self.assertEqual([entry["path"] for entry in self.ask("sync_status")], [str(path)])
        self.assertEqual(self.control("unregister", path),
                         f"status: unregistered\ndb_path: {path}\nfinal_txid: 1\nsocket: {self.socket}\n")
        self.assertEqual(self.restored_rows("t.db"), 5)
        self.assertTrue((self.dir / ".t.db-litestream").exists(), "unregister deletes nothing")
        self.refused(f"database not found: {path}", "txid", "-socket", self.socket, path)
        self.refused(f"database not found: {path}", "sync_status", "-socket", self.socket, "-path", path)
        self.assertEqual(self.ask("unregister", path),
                         {"status": "already_unregistered", "path": str(path), "txid": 0, "changed": False})

    def test_what_is_written_last_is_uploaded_when_a_database_goes(self):
        config = self.config(f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.dir}/app.db\n"
                             f"    replica: {{path: {self.dir}/r-app.db, sync-interval: 1h}}\n")
        connection = self.database(rows=1)
        self.daemon("-config", config)
        self.ask("sync", "-wait", "app.db")
        self.insert(connection, 9)
        self.control("unregister", "app.db")
        self.assertEqual(self.restored_rows(), 10)

    def test_what_cannot_be_registered(self):
        self.database()
        self.database("b.db")
        self.daemon("-config", self.standard("app.db"))
        here, b, used = ["-socket", self.socket], self.dir / "b.db", f"file://{self.dir}/r-app.db"
        for url, why in [("zz://x", 'invalid replica url: unsupported replica URL scheme: "zz"'),
                         ("/x", "invalid replica url: replica url scheme required: /x"),
                         ("file:///%zz", "invalid replica url: invalid escape in replica url: %zz"),
                         (used, f"failed to register database: replica {used} is already used by {self.dir}/app.db")]:
            self.refused(why, "register", *here, b, url)
            self.assertEqual(self.control("register", "-replica", url, b, status=1), f"Error: register failed: {why}\n")
        self.refused("replica_url required", "register", *here, b, status=2)
        self.assertEqual([entry["path"] for entry in self.ask("list")], [f"{self.dir}/app.db"])

    def test_a_database_whose_last_upload_fails_stays(self):
        connection = self.database()
        self.connect_replica()
        self.daemon("-config", self.standard("app.db", interval="1h"))
        self.ask("sync", "-wait", "app.db")
        self.disconnect_replica()
        self.insert(connection)
        self.insert(connection)
        stderr = self.control("unregister", "-timeout", "3", "app.db", status=1)
        self.assertIn("unregister failed: ", stderr)
        self.assertEqual([entry["path"] for entry in self.ask("list")], [f"{self.dir}/app.db"])
        self.connect_replica()
        self.ask("unregister", "app.db")
        self.assertEqual(self.ask("list"), [])

    def test_offline_status(self):
        self.database()
        self.database("b.db")
        config = self.standard("app.db", "b.db", "none.db")
        daemon = self.daemon("-config", config)
        self.ask("sync", "-wait", "app.db")
        self.ask("stop", "b.db")
        daemon.end()
        (self.dir / "b.db-wal").unlink(missing_ok=True)
        shown = json.loads(self.litestream("status", "-json", "-config", config))
        self.assertEqual([(row["status"], row["local_txid"]) for row in shown],
                         [("ok", f"{1:016x}"), ("ok", f"{1:016x}"), ("no database", "-")])
        self.assertEqual(shown[1]["wal_size"], "0 B")


if __name__ == "__main__":
    unittest.main(verbosity=2)
