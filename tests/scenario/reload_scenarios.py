"""A running daemon takes over another configuration: SIGHUP, config.reload, config.diff, config.validate, log.level; and
what every call that changes something can be asked: a dry run, one effect for repeated calls, a deadline."""
import signal
import time
import unittest

from scenario import Scenario, until


class Reload(Scenario):
    def entry(self, name, extra=""):
        return f"  - path: {self.dir}/{name}\n    replica: {{path: {self.dir}/r-{name}, sync-interval: 1h}}\n{extra}"

    def write(self, *entries, extra=""):
        return self.config(f"socket: {{path: {self.socket}}}\n{extra}\ndbs:\n" + ("".join(entries) or "  []\n"))

    def path(self, name):
        return f"{self.dir}/{name}"

    def states(self):
        return {e["path"].rsplit("/", 1)[1]: e["status"] for e in self.ask("list")}

    def test_sighup_changes_only_what_the_file_changes(self):
        for name in ("a.db", "b.db", "c.db", "d.db"):
            self.database(name)
        daemon = self.daemon("-config", self.write(self.entry("a.db"), self.entry("b.db"), self.entry("c.db")))
        until(lambda: set(self.states().values()) == {"open"}, "all to be open")
        kept = self.ask("sync", "-wait", self.path("a.db"))
        moved = f"  - path: {self.dir}/c.db\n    replica: {{path: {self.dir}/r-moved, sync-interval: 1h}}\n"
        self.write(self.entry("a.db"), moved, self.entry("d.db"), extra="logging: {level: debug}")
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in daemon.log, "the reload")
        self.assertEqual(self.states(), {"a.db": "open", "c.db": "open", "d.db": "open"})
        self.assertIn("added=1 removed=1 modified=1 switched=0", daemon.log)
        # What was removed is on its replica; what moved is on the new one.
        self.assertEqual(self.restored_rows("b.db"), 3)
        self.ask("sync", "-wait", self.path("c.db"))
        self.assertEqual(self.restored_rows("moved"), 3)
        # a.db was not touched: it went on where it was.
        again = self.ask("sync", "-wait", self.path("a.db"))
        self.assertEqual((again["status"], again["txid"]), ("no_change", kept["txid"]))
        self.assertEqual(daemon.log.count(f"replicating path={self.path('a.db')}"), 1)
        self.assertEqual(self.ask("log.level")["level"], "debug")
        self.assertEqual(daemon.end(), 0)

    def test_a_bad_file_changes_nothing(self):
        self.database()
        daemon = self.daemon("-config", self.write(self.entry("app.db")))
        self.write(self.entry("app.db", extra="    bad-key: 1\n"))
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration not reloaded" in daemon.log, "the refusal")
        self.assertIn("litestream.yml:6: unknown key", daemon.log)
        self.refused(f"failed to load config: {self.dir}/litestream.yml:6: unknown key \"bad-key\" in dbs[0]",
                     "config.reload", "-socket", self.socket)
        self.refused(f"failed to load config: {self.dir}/litestream.yml:6: unknown key \"bad-key\" in dbs[0]",
                     "config.validate", "-socket", self.socket)
        self.assertEqual(self.states(), {"app.db": "open"})
        self.assertEqual(daemon.end(), 0)

    def test_diff_and_dry_run_tell_and_do_nothing(self):
        self.database()
        self.daemon("-config", self.write(self.entry("app.db")))
        self.write(self.entry("app.db", extra="    enabled: false\n"), self.entry("new.db"), extra="addr: 127.0.0.1:0")
        expected = {"added": [self.path("new.db")], "removed": [], "modified": [], "switched": [self.path("app.db")],
                    "applied": [], "needs_restart": ["addr"]}
        self.assertEqual(self.ask("config.diff"), expected)
        self.assertEqual(self.ask("config.reload", "-dry-run"),
                         {"status": "reloaded", **expected, "changed": True, "dry_run": True})
        self.assertEqual(self.states(), {"app.db": "open"})
        self.assertEqual(self.ask("config.reload")["changed"], True)
        self.assertEqual(self.states(), {"app.db": "closed", "new.db": "open"})
        # What needs a restart is told until there was one.
        self.assertEqual(self.ask("config.reload"), {
            "status": "reloaded", "added": [], "removed": [], "modified": [], "switched": [], "applied": [],
            "needs_restart": ["addr"], "changed": True})

    def test_a_database_started_by_a_call_survives_a_reload(self):
        self.database("tenant.db")
        tenant = self.config("dbs:\n" + self.entry("tenant.db"), name="tenant.yml")
        daemon = self.daemon("-config", self.write())
        self.ask("start", "-wait", "-config", tenant, self.path("tenant.db"))
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in daemon.log, "the reload")
        self.assertEqual(self.states(), {"tenant.db": "open"})
        # Then it comes into the file: nothing is to be done for it.
        self.write(self.entry("tenant.db"))
        self.ask("config.reload")
        self.assertEqual(self.states(), {"tenant.db": "open"})
        self.assertEqual(daemon.log.count("replication stopped"), 0)
        # And now it belongs to the file.
        self.write()
        self.ask("config.reload")
        self.assertEqual(self.states(), {})

    def test_what_was_stopped_by_hand_stays_closed(self):
        self.database()
        self.daemon("-config", self.write(self.entry("app.db")))
        self.ask("stop", self.path("app.db"))
        self.write(self.entry("app.db", extra="    busy-timeout: 2s\n"))
        self.assertEqual(self.ask("config.reload")["modified"], [self.path("app.db")])
        self.assertEqual(self.states(), {"app.db": "closed"})

    def test_log_level(self):
        self.database()
        daemon = self.daemon("-config", self.write(self.entry("app.db")))
        self.assertEqual(self.ask("log.level"), {"level": "info", "changed": False})
        self.assertEqual(self.ask("log.level", "-level", "error"), {"level": "error", "changed": True})
        self.ask("stop", self.path("app.db"))
        self.assertNotIn("replication stopped", daemon.log)
        self.ask("log.level", "-level", "info")
        self.ask("start", "-wait", self.path("app.db"))
        self.assertIn("replication started", daemon.log)
        self.refused("level must be trace, debug, info, warn or error", "log.level", "-level", "loud", "-socket",
                     self.socket)


class Safety(Scenario):
    def setUp(self):
        super().setUp()
        self.database()
        self.app = self.dir / "app.db"
        self.process = self.daemon("-config", self.standard("app.db"))
        until(lambda: self.ask("status", self.app)["status"] == "open", "the database to be open")

    def test_a_dry_run_changes_nothing(self):
        dry = self.ask("stop", "-dry-run", self.app)
        self.assertEqual((dry["status"], dry["changed"], dry["dry_run"]), ("stopped", True, True))
        self.assertEqual(self.ask("status", self.app)["status"], "open")
        self.refused(f"database already enabled: {self.app}", "start", "-dry-run", "-socket", self.socket, self.app)
        self.ask("sync", "-dry-run", self.app)
        self.ask("stop", self.app)
        self.refused(f"database already disabled: {self.app}", "stop", "-dry-run", "-socket", self.socket, self.app)
        self.refused(f"database not open: {self.app}", "sync", "-dry-run", "-socket", self.socket, self.app)
        self.assertEqual(self.ask("start", "-dry-run", self.app),
                         {"status": "started", "path": str(self.app), "changed": True, "dry_run": True})
        self.assertEqual(self.ask("status", self.app)["status"], "closed")
        tenant = self.config(f"dbs: [{{path: {self.dir}/t.db, replica: {{path: {self.dir}/r-app.db}}}}]", name="t.yml")
        self.refused(f"failed to load config: replica file://{self.dir}/r-app.db is already used by {self.app}", "start",
                     "-dry-run", "-config", tenant, "-socket", self.socket, self.dir / "t.db")
        self.assertEqual(len(self.ask("list")), 1)

    def test_a_repeated_request_has_one_effect(self):
        first = self.ask("stop", "-request-id", "night-1", self.app)
        self.assertEqual(self.ask("stop", "-request-id", "night-1", self.app), first)
        self.refused("request_id was used for another call: night-1", "start", "-request-id", "night-1", "-socket",
                     self.socket, self.app)
        self.refused(f"database already disabled: {self.app}", "stop", "-request-id", "night-2", "-socket", self.socket,
                     self.app)
        self.assertEqual(self.process.log.count("replication stopped"), 1)

    def test_a_deadline_that_is_over(self):
        self.refused("timeout waiting for stop", "stop", "-deadline", int(time.time()) - 5, "-socket", self.socket,
                     self.app)
        self.assertEqual(self.ask("status", self.app)["status"], "open")
        self.ask("stop", "-deadline", int(time.time()) + 30, self.app)

    def test_results_say_whether_anything_changed(self):
        self.ask("sync", "-wait", self.app)
        self.assertEqual(self.ask("sync", "-wait", self.app)["changed"], False)
        # The daemon can be faster than the call; not every time.
        with self.database() as connection:
            until(lambda: self.insert(connection) or self.ask("sync", "-wait", self.app)["changed"], "a sync with work")


if __name__ == "__main__":
    unittest.main()
