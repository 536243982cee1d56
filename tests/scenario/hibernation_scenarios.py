"""Databases that nobody writes to: what operators see of them, and that nothing is lost by it."""
import os
import shutil
import unittest
import urllib.request

from scenario import Scenario, until


class Hibernation(Scenario):
    def start(self, *names):
        text = f"socket: {{path: {self.socket}}}\naddr: 127.0.0.1:0\ndbs:\n"
        for name in names:
            text += f"  - path: {self.dir}/{name}\n    hibernate-after: 100ms\n"
            text += f"    replica: {{path: {self.dir}/r-{name}, sync-interval: 50ms}}\n"
        daemon = self.daemon("-config", self.config(text))
        self.page = until(lambda: next((l for l in daemon.log.splitlines() if "/metrics" in l), None), "the address")
        return daemon

    def metrics(self):
        address = self.page.split("http://")[1].split("/")[0]
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
            return answer.read().decode()

    def hibernating(self):
        return {e["path"].rsplit("/", 1)[1] for e in self.ask("list", "-details") if e["hibernating"]}

    def held(self, daemon):
        """Which files of databases the daemon has open."""
        folder = f"/proc/{daemon.process.pid}/fd"
        targets = []
        for number in os.listdir(folder):
            try:
                targets.append(os.readlink(f"{folder}/{number}"))
            except FileNotFoundError:
                continue
        return [t for t in targets if t.startswith(str(self.dir)) and ".db" in t]

    def test_quiet_databases_cost_no_descriptor_and_wake_with_a_commit(self):
        applications = {name: self.database(name) for name in ("a.db", "b.db")}
        for connection in applications.values():
            connection.execute("PRAGMA wal_checkpoint")  # all of the log is in the database
        daemon = self.start(*applications)
        until(lambda: self.hibernating() == set(applications), "both to hibernate")
        self.assertEqual(self.held(daemon), [])
        self.assertIn("litestream_databases_hibernating 2\n", self.metrics())
        self.assertIn("litestream_databases_open 2\n", self.metrics())
        self.assertEqual(self.ask("status", f"{self.dir}/a.db")["status"], "open")

        self.insert(applications["a.db"], 4)
        until(lambda: self.ask("status", "-details", f"{self.dir}/a.db")["lag_seconds"] == 0
              and self.restored_rows("a.db") == 7, "the commit to arrive")
        # A call wakes one up, too.
        self.assertEqual(self.ask("sync", "-wait", f"{self.dir}/b.db")["status"], "no_change")
        until(lambda: "b.db" in self.hibernating(), "it to fall asleep again")
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(self.restored_rows("a.db"), 7)
        self.assertNotIn("level=ERROR", daemon.log)

    def test_they_are_ready_and_still_asleep_after_a_restart(self):
        names = {"a.db", "b.db", "c.db"}
        applications = {name: self.database(name) for name in names}
        for connection in applications.values():
            connection.execute("PRAGMA wal_checkpoint")
        daemon = self.start(*names)
        until(lambda: self.hibernating() == names, "all to hibernate")
        before = {e["path"]: e for e in self.ask("list", "-details")}
        self.assertEqual(daemon.end(), 0)
        self.insert(applications["c.db"], 2)  # while nobody looks
        shutil.rmtree(self.dir / "r-b.db")

        daemon = self.start(*names)
        until(lambda: all(e["txid"] for e in self.ask("list", "-details")), "all to be found")
        now = self.ask("status", "-details", f"{self.dir}/a.db")
        known = before[f"{self.dir}/a.db"]
        for member in ("txid", "replicated_txid", "last_sync_at", "database_bytes", "hibernating"):
            self.assertEqual(now[member], known[member], member)
        self.assertIn("requests", known)
        self.assertNotIn("requests", now)
        self.assertEqual([f for f in self.held(daemon) if "/a.db" in f], [])
        self.assertFalse([l for l in daemon.log.splitlines() if "initialized db" in l and "/a.db" in l])
        until(lambda: self.restored_rows("c.db") == 5, "what was written meanwhile to arrive")

        self.ask("sync", "-wait", f"{self.dir}/b.db")  # an answer is not given on belief
        self.assertEqual(self.restored_rows("b.db"), 3)
        self.insert(applications["a.db"], 4)
        until(lambda: self.restored_rows("a.db") == 7, "the commit to arrive")
        self.assertEqual(self.ask("stop", f"{self.dir}/b.db")["status"], "stopped")
        self.assertTrue(self.ask("start", "-wait", f"{self.dir}/b.db")["changed"])
        self.assertEqual(daemon.end(), 0)
        self.assertNotIn("level=ERROR", daemon.log)


if __name__ == "__main__":
    unittest.main()
