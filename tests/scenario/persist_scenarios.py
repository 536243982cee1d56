#!/usr/bin/env python3
"""socket.persist-to-config: what was started and stopped at run time outlives the daemon."""
import signal
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

    def test_a_file_that_cannot_be_changed_is_told(self):
        self.database()
        config = self.standard("app.db")
        daemon = self.daemon("-config", config)
        config.write_text("dbs: [")
        stderr = self.refused(f"stopped, but {config} could not be changed: the file is not valid any more: "
                              "line:1: yaml: end of sequence flow not found", "stop", "-socket", self.socket, "app.db")
        self.assertIn("Hint: ", stderr)
        self.assertEqual(self.states(), {"app.db": "closed"})
        until(lambda: "cannot write to the configuration file" in daemon.log, "the log line")
        self.assertEqual(config.read_text(), "dbs: [")

    def test_off_means_off(self):
        self.database()
        config = super().standard("app.db")
        before = config.read_text()
        self.daemon("-config", config)
        self.ask("stop", "app.db")
        self.ask("start", "-wait", "app.db")
        self.assertEqual(config.read_text(), before)


def name_of(path):
    return path.rsplit("/", 1)[1]


if __name__ == "__main__":
    unittest.main(verbosity=2)
