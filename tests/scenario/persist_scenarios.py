#!/usr/bin/env python3
"""socket.persist-to-config: what was started and stopped at run time outlives the daemon."""
import json
import signal
import socket
import unittest

from scenario import Scenario, until


class Persist(Scenario):
    def standard(self, *names, **options):
        path = super().standard(*names, **options)
        text = path.read_text().replace(".sock}", ".sock, persist-to-config: true}")
        path.write_text("# by hand\n" + text)
        return path

    def states(self):
        return {name_of(entry["path"]): entry["status"] for entry in self.ask("list")}

    def again(self, daemon, config):
        self.assertEqual(daemon.end(), 0, daemon.errors)
        daemon.close()
        return self.daemon("-config", config)

    def test_stopped_stays_stopped_and_started_stays_started(self):
        self.database()
        self.database("b.db")
        config = self.standard("app.db", "b.db")
        before = config.read_text()
        daemon = self.daemon("-config", config)
        self.assertTrue(self.ask("info")["persist_to_config"])
        self.ask("stop", "app.db")
        self.assertIn("enabled: false", config.read_text())
        daemon = self.again(daemon, config)
        self.assertEqual(self.states(), {"app.db": "closed", "b.db": "open"})
        self.ask("start", "-wait", "app.db")
        daemon = self.again(daemon, config)
        self.assertEqual(self.states(), {"app.db": "open", "b.db": "open"})
        self.assertEqual(config.read_text().replace("enabled: true\n    ", ""), before)

    def test_a_tenant_is_there_after_a_restart(self):
        config = self.standard()
        daemon = self.daemon("-config", config)
        self.database("t1.db", rows=4)
        self.config(f"dbs:\n  - path: {self.dir}/t1.db\n    replica: {{path: {self.dir}/r-t1.db}}\n", "t.yml")
        self.ask("start", "-wait", "-config", "t.yml", "t1.db")
        (self.dir / "t.yml").unlink()
        daemon.process.send_signal(signal.SIGKILL)
        daemon.wait()
        daemon.close()
        daemon = self.daemon("-config", config)
        self.assertEqual(self.states(), {"t1.db": "open"})
        self.ask("sync", "-wait", "t1.db")
        self.assertEqual(self.restored_rows("t1.db"), 4)
        self.ask("stop", "t1.db")
        self.again(daemon, config)
        self.assertEqual(self.states(), {"t1.db": "closed"})

    def test_a_file_that_somebody_changed_is_told_and_left_alone(self):
        self.database()
        config = self.standard("app.db")
        daemon = self.daemon("-config", config)
        mine = config.read_text() + "# by hand\n"
        config.write_text(mine)
        stderr = self.refused(f"stopped, but {config} could not be changed: it was changed by somebody else since it was "
                              "read", "stop", "-socket", self.socket, "app.db")
        self.assertIn("Hint: ", stderr)
        self.assertEqual(self.states(), {"app.db": "closed"})
        until(lambda: "cannot write to the configuration file" in daemon.log, "the log line")
        self.assertEqual(config.read_text(), mine)
        answer = daemon_answer(self.socket, {"method": "unregister", "params": {"path": str(self.dir / "app.db")}})
        self.assertEqual((answer["error"]["code"], answer["error"]["data"]["reason"]), (-32001, "config_changed"))
        self.assertEqual((config.read_text(), self.states()), (mine, {}))

    def test_each_call_may_say_whether_it_lasts(self):
        self.database()
        config = super().standard("app.db")
        before = config.read_text()
        daemon = self.daemon("-config", config)
        self.assertFalse(self.ask("info")["persist_to_config"])
        self.ask("stop", "-persist", "app.db")
        self.assertIn("enabled: false", config.read_text())
        self.ask("start", "-no-persist", "-wait", "app.db")
        daemon = self.again(daemon, config)
        self.assertEqual(self.states(), {"app.db": "closed"})
        self.ask("start", "-persist", "-wait", "app.db")
        self.assertEqual(config.read_text().replace("enabled: true\n    ", ""), before)
        self.again(daemon, config)
        self.assertEqual(self.states(), {"app.db": "open"})

    def test_what_is_registered_lasts_when_it_is_told_to(self):
        self.database()
        self.database("t1.db", rows=4)
        self.database("t2.db")
        config = self.standard("app.db")
        before = config.read_text()
        daemon = self.daemon("-config", config)
        url = f"file://{self.dir}/r-t1.db"
        self.assertEqual(self.ask("register", "t1.db", url), {"status": "registered", "path": f"{self.dir}/t1.db", "changed": True})
        self.ask("register", "-no-persist", "t2.db", f"file://{self.dir}/r-t2.db")
        self.assertTrue(config.read_text().startswith(before))
        self.assertNotIn("t2.db", config.read_text())
        daemon.process.send_signal(signal.SIGKILL)
        daemon.wait()
        daemon.close()
        daemon = self.daemon("-config", config)
        self.assertEqual(self.states(), {"app.db": "open", "t1.db": "open"})
        self.ask("sync", "-wait", "t1.db")
        self.assertEqual(self.restored_rows("t1.db"), 4)
        done = self.ask("unregister", "t1.db")
        self.assertEqual((done["status"], done["path"], done["txid"]), ("unregistered", f"{self.dir}/t1.db", 1))
        self.assertEqual(config.read_text(), before)
        self.assertEqual(self.restored_rows("t1.db"), 4)
        self.again(daemon, config)
        self.assertEqual(self.states(), {"app.db": "open"})

    def test_the_only_entry_goes_and_another_comes(self):
        self.database()
        config = self.standard("app.db")
        config.chmod(0o640)
        before = config.read_text()
        daemon = self.daemon("-config", config)
        self.ask("unregister", "app.db")
        self.assertTrue(config.read_text().endswith("dbs: []\n"), config.read_text())
        daemon = self.again(daemon, config)
        self.assertEqual(self.states(), {})
        self.ask("register", "app.db", f"file://{self.dir}/r-app.db")
        self.assertEqual(config.stat().st_mode & 0o777, 0o640)
        self.assertEqual(config.read_text().split("dbs:")[0], before.split("dbs:")[0])
        self.again(daemon, config)
        self.assertEqual(self.states(), {"app.db": "open"})

    def test_a_reload_makes_a_changed_file_known(self):
        self.database()
        self.database("t1.db")
        config = self.standard("app.db")
        self.daemon("-config", config)
        config.write_text(config.read_text() + "# by hand\n")
        self.ask("config.reload")
        self.ask("stop", "app.db")
        self.ask("register", "t1.db", f"file://{self.dir}/r-t1.db")
        self.assertTrue(config.read_text().endswith("# by hand\n"))
        # What we wrote ourselves is nothing new.
        self.assertEqual(self.ask("config.reload")["modified"], [])
        self.assertEqual(self.states(), {"app.db": "closed", "t1.db": "open"})
        self.ask("unregister", "t1.db")
        self.ask("config.reload")
        self.assertEqual(self.states(), {"app.db": "closed"})

    def test_a_dry_run_registers_nothing(self):
        self.database()
        self.database("t1.db")
        config = self.standard("app.db")
        before = config.read_text()
        self.daemon("-config", config)
        url = f"file://{self.dir}/r-t1.db"
        self.assertEqual(self.ask("register", "-dry-run", "t1.db", url),
                         {"status": "registered", "path": f"{self.dir}/t1.db", "changed": True, "dry_run": True})
        self.assertEqual(self.ask("register", "-dry-run", "app.db", url)["changed"], False)
        self.assertIn("already used", self.ctl("register", "-dry-run", "-socket", self.socket, "t1.db",
                                               f"file://{self.dir}/r-app.db").stderr)
        self.assertEqual(self.ask("unregister", "-dry-run", "app.db")["changed"], True)
        self.assertEqual(self.ask("unregister", "-dry-run", "t1.db")["changed"], False)
        self.assertEqual((self.states(), config.read_text()), ({"app.db": "open"}, before))

    def test_off_means_off(self):
        self.database()
        config = super().standard("app.db")
        before = config.read_text()
        self.daemon("-config", config)
        self.ask("stop", "app.db")
        self.ask("start", "-wait", "app.db")
        self.assertEqual(config.read_text(), before)


def daemon_answer(path, call):
    """One JSON-RPC call without the command line: all of the reply."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(json.dumps({"id": 1, **call}).encode() + b"\n")
        return json.loads(connection.makefile().readline())


def name_of(path):
    return path.rsplit("/", 1)[1]


if __name__ == "__main__":
    unittest.main(verbosity=2)
