#!/usr/bin/env python3
"""The programs of docs/examples, run as docs/control.md says."""
import os
import pathlib
import subprocess
import sys
import unittest

from scenario import BIN, LIMIT, Scenario, until

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs/examples"


class Examples(Scenario):
    def example(self, *command, status=0):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=LIMIT, cwd=self.dir,
                              check=False, env={**os.environ, "no_proxy": "*"})
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_orchestrate_py(self):
        self.assertLessEqual(len((EXAMPLES / "orchestrate.py").read_text().splitlines()), 30)
        self.database(rows=4)
        daemon = self.daemon("-config", self.config("addr: 127.0.0.1:0\ndbs: []\n"))
        line = until(lambda: next((l for l in daemon.log.splitlines() if "/metrics" in l), None), "the address")
        url = f"http://{line.split('http://')[1].split('/')[0]}/control/"
        tenant = self.config(f"dbs: [{{path: {self.dir}/app.db, replica: {{path: {self.dir}/r-app.db}}}}]\n", "t.yml")
        run = [sys.executable, EXAMPLES / "orchestrate.py", url]
        done = self.example(*run, self.dir / "app.db", tenant)
        lines = done.stdout.splitlines()
        self.assertEqual((lines[0], lines[2]), ("durable up to transaction 1", "stopped"))
        self.assertRegex(lines[1], rf"^{self.dir}/app.db open [0-9.]+ s behind$")
        self.assertEqual(self.restored_rows(), 4)
        refused = self.example(*run, self.dir / "none.db", tenant, status=1)
        self.assertIn(f"RuntimeError: start: failed to load config: database not found in {tenant}", refused.stderr)

    def test_control_client(self):
        self.database(rows=4)
        self.daemon("-config", self.standard("app.db"))
        db = self.dir / "app.db"
        program = BIN / "examples/control_client"
        self.assertEqual(self.example(program, self.socket, db).stdout, "durable up to transaction 1\n")
        self.ask("stop", db)
        self.insert(self.database(rows=0), 3)
        self.assertRegex(self.example(program, self.socket, db).stdout, "^durable up to transaction [0-9]+\n$")
        self.assertEqual(self.restored_rows(), 7)
        refused = self.example(program, self.socket, "/none.db", status=1)
        self.assertEqual(refused.stderr.splitlines()[0], "Error: database not found: /none.db (not_found)")
        self.assertEqual(self.example(program, self.dir / "no.sock", db, status=75).stdout, "")

    def test_embedded(self):
        self.database(rows=4)
        program = BIN / "examples/embedded"
        done = self.example(program, self.dir / "app.db", self.dir / "r-app.db")
        self.assertEqual(done.stdout, "durable up to transaction 1\n")
        self.assertEqual(self.restored_rows(), 4)
        self.assertIn("Error: ", self.example(program, "relative.db", self.dir / "r", status=1).stderr)

    def test_the_guide_shows_what_is_run(self):
        guide = (EXAMPLES.parent / "control.md").read_text()
        for name in ("orchestrate.py", "control_client.cpp", "embedded.cpp"):
            self.assertIn((EXAMPLES / name).read_text(), guide, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
