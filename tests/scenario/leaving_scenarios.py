#!/usr/bin/env python3
"""A reload takes out replicas and databases: those whose store is dead hold up nothing else, and are given up."""
import json
import pathlib
import signal
import sys
import time
import unittest

from scenario import Scenario, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import dead_store  # noqa: E402


class Leaving(Scenario):
    def setUp(self):
        super().setUp()
        self.silent = dead_store.SilentStore()
        self.addCleanup(self.silent.stop)
        self.refusing = dead_store.refusing_port()

    def path(self, name):
        return f"{self.dir}/{name}"

    def near(self, name):
        return {"name": "near", "path": f"{self.dir}/r-{name}", "sync-interval": "20ms"}

    @staticmethod
    def far(port):
        return {"name": "far", "type": "s3", "bucket": "b", "path": "far", "endpoint": f"http://127.0.0.1:{port}",
                "access-key-id": "key", "secret-access-key": "secret", "sync-interval": "20ms"}

    def write(self, databases, patience):
        """`databases`: name → its replicas, or its whole entry."""
        entries = [{"path": self.path(name), **(what if isinstance(what, dict) else {"replicas": what})}
                   for name, what in databases.items()]
        return self.config(f"socket: {{path: {self.socket}}}\nshutdown-sync-timeout: {patience}\n"
                           f"dbs: {json.dumps(entries)}\n")

    def states(self):
        return {pathlib.Path(one["path"]).name: one["status"] for one in self.ask("list")}

    def positions(self, name):
        status = self.ask("status", "-details", self.path(name))
        return {one["name"]: one for one in status.get("replicas", [{"name": "only", **status}])}

    def near_has(self, name, txid):
        near = next(iter(one for one in self.positions(name).values() if one["name"] in ("near", "only")))
        return near["replicated_txid"] >= txid

    def with_far(self, port, patience, *others):
        """A daemon whose app.db has a second replica since it was attached, at which it need not look for that."""
        databases = {name: [self.near(name)] for name in ("app.db", *others)}
        daemon = self.daemon("-config", self.write(databases, patience))
        for name in databases:
            self.ask("sync", "-wait", self.path(name))
        self.write({**databases, "app.db": [self.near("app.db"), self.far(port)]}, patience)
        self.ask("config.reload")
        return daemon

    def warning(self, daemon):
        return next((line for line in daemon.log.splitlines() if "let go without" in line), "")

    def reload(self, daemon):
        self.reloads = daemon.log.count("configuration reloaded")
        daemon.process.send_signal(signal.SIGHUP)

    def is_reloaded(self, daemon):
        return daemon.log.count("configuration reloaded") > self.reloads

    def test_others_go_on_while_a_silent_one_is_waited_for(self):
        app, other = self.database("app.db"), self.database("other.db")
        daemon = self.with_far(self.silent.port, "4s", "other.db")
        self.database("new.db")
        self.write({name: [self.near(name)] for name in ("app.db", "other.db", "new.db")}, "4s")
        self.reload(daemon)
        # The new one begins at once, the other database and the other replica of the same go on, calls are answered.
        until(lambda: self.states().get("new.db") == "open", "the new database")
        self.insert(app)
        self.insert(other)
        until(lambda: self.near_has("app.db", 2) and self.near_has("other.db", 2), "uploads meanwhile")
        self.database("called.db")
        self.ask("register", self.path("called.db"), f"file://{self.dir}/r-called.db")
        self.assertFalse(self.is_reloaded(daemon), daemon.log)
        until(lambda: self.is_reloaded(daemon), "the end of the reload")
        self.assertIn("replica=\"s3://b/far", self.warning(daemon))
        self.assertIn("missing=0000000000000001-0000000000000002", self.warning(daemon))
        self.assertIn(f"path={self.path('app.db')}", self.warning(daemon))
        self.assertNotIn("replicas", self.ask("status", "-details", self.path("app.db")))
        self.insert(app)
        self.assertEqual(self.ask("sync", "-wait", self.path("app.db"))["replicated_txid"], 3)
        self.assertEqual(self.restored_rows("app.db"), 5)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_one_that_fails_is_given_up_at_once(self):
        self.database("app.db")
        daemon = self.with_far(self.refusing, "1h")
        until(lambda: self.positions("app.db")["far"]["replica_state"] == "failing", "the failure to be told")
        self.write({"app.db": [self.near("app.db")]}, "1h")
        begin = time.monotonic()
        self.assertEqual(self.ask("config.reload", "-timeout", "60")["modified"], [self.path("app.db")])
        self.assertLess(time.monotonic() - begin, 5)
        self.assertIn("missing=0000000000000001-0000000000000001", self.warning(daemon))
        self.assertRegex(self.warning(daemon), "error=.*(refused|connect)")
        self.ask("sync", "-wait", self.path("app.db"))

    def test_half_of_a_calls_time_is_waited_at_most(self):
        self.database("app.db")
        daemon = self.with_far(self.silent.port, "1h")
        self.write({"app.db": [self.near("app.db")]}, "1h")
        self.ask("config.reload", "-timeout", "4")
        self.assertIn("missing=", self.warning(daemon))

    def removed(self, port, patience):
        self.database("app.db")
        self.database("dead.db")
        daemon = self.daemon("-config", self.write({"app.db": [self.near("app.db")], "dead.db": [self.far(port)]}, patience))
        until(lambda: self.near_has("app.db", 1), "the sound one")
        if port == self.refusing:
            until(lambda: self.ask("status", "-details", self.path("dead.db")).get("last_error"), "the failure to be told")
        self.write({"app.db": [self.near("app.db")]}, patience)
        self.reload(daemon)
        until(lambda: self.is_reloaded(daemon), "the end of the reload")
        self.assertEqual(self.states(), {"app.db": "open"})
        self.assertIn(f"path={self.path('dead.db')}", self.warning(daemon))
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_a_database_with_a_silent_store_leaves(self):
        self.removed(self.silent.port, "2s")

    def test_a_database_with_a_store_that_refuses_leaves(self):
        self.removed(self.refusing, "1h")

    def test_a_database_with_a_dead_store_is_switched_off(self):
        self.database("app.db")
        entry = {"replica": self.far(self.silent.port)}
        daemon = self.daemon("-config", self.write({"app.db": entry}, "1s"))
        until(lambda: self.states() == {"app.db": "open"}, "the start")
        self.write({"app.db": {**entry, "enabled": False}}, "1s")
        self.reload(daemon)
        until(lambda: self.is_reloaded(daemon), "the end of the reload")
        self.assertEqual(self.states(), {"app.db": "closed"})
        self.assertIn("let go without", daemon.log)

    def test_the_daemon_ends_while_a_silent_one_is_waited_for(self):
        self.database("app.db")
        daemon = self.with_far(self.silent.port, "3s")
        self.write({"app.db": [self.near("app.db")]}, "3s")
        self.reload(daemon)
        until(lambda: "reloading the configuration" in daemon.log, "the reload to begin")
        self.assertEqual(daemon.end(), 1)
        self.assertIn("app.db", daemon.log.splitlines()[-1] + daemon.errors)

    def test_one_that_is_sound_gets_everything(self):
        app = self.database("app.db")
        seldom = [{"name": name, "path": f"{self.dir}/r-{name}", "sync-interval": "1h"} for name in ("one", "two")]
        daemon = self.daemon("-config", self.write({"app.db": seldom}, "1h"))
        self.ask("sync", "-wait", self.path("app.db"))
        self.insert(app, 4)
        self.write({"app.db": seldom[:1]}, "1h")
        self.ask("config.reload")
        self.assertEqual(self.restored_rows("two"), 7)
        self.assertEqual(self.warning(daemon), "")

    def test_databases_change_places(self):
        """Each waits until the other has left."""
        self.database("a.db", 3)
        self.database("b.db", 5)
        daemon = self.daemon("-config", self.write({"a.db": [self.near("one")], "b.db": [self.near("two")]}, "1h"))
        for name in ("a.db", "b.db"):
            self.ask("sync", "-wait", self.path(name))
        self.write({"a.db": [self.near("two")], "b.db": [self.near("one")]}, "1h")
        self.ask("config.reload")
        for name in ("a.db", "b.db"):
            self.ask("sync", "-wait", self.path(name))
        self.assertEqual((self.restored_rows("one"), self.restored_rows("two")), (5, 3))
        self.assertEqual(daemon.end(), 0, daemon.errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
