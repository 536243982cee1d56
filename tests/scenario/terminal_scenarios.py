#!/usr/bin/env python3
"""litestreamctl as people use it: tables on a terminal, JSON in a pipe, many databases at once, any call, a live view."""
import json
import re
import signal
import unittest

from scenario import Scenario, until
from terminal import ctl_on_terminal

LEAVE = "\x1b[?25h\x1b[?1049l"  # the cursor and the screen as they were


class Output(Scenario):
    def setUp(self):
        super().setUp()
        self.connections = [self.database(name) for name in ("app.db", "b.db")]
        self.connect_replica()
        self.daemon("-config", self.standard("app.db", "b.db", interval="100ms"))
        self.ask("sync", "-wait", "app.db")
        self.ask("stop", "b.db")

    def shown(self, *arguments, status=0):
        terminal = ctl_on_terminal(self, *arguments, "-socket", self.socket)
        self.assertEqual(terminal.end(), status, terminal.text)
        return terminal.text.replace("\r\n", "\n")

    def test_list_is_a_table_on_a_terminal_and_json_elsewhere(self):
        text = self.shown("list")
        lines = text.splitlines()
        self.assertEqual(re.split("  +", lines[0]), ["path", "status", "lag", "txid", "size", "last sync"])
        bytes_now = (self.dir / "app.db").stat().st_size / 1000
        path, status, lag, txid, size, synced = re.split("  +", lines[1])
        self.assertEqual((path, status, lag, txid, size),
                         (f"{self.dir}/app.db", "open", "0 s", "0000000000000001", f"{bytes_now:.1f} kB"))
        self.assertRegex(synced, r"^[0-9.]+ s ago$")
        self.assertEqual(re.split("  +", lines[2])[:3], [f"{self.dir}/b.db", "closed", "-"])
        page = (f'[\n  {{\n    "path": "{self.dir}/app.db",\n    "status": "open"\n  }},\n'
                f'  {{\n    "path": "{self.dir}/b.db",\n    "status": "closed"\n  }}\n]\n')
        self.assertEqual(self.shown("list", "-json"), page)
        self.assertEqual(self.ctl("list", "-socket", self.socket).stdout, page)
        self.assertEqual(self.ctl("databases", "-config", "litestream.yml").stdout.splitlines()[0].split(),
                         ["path", "replica"])

    def test_status_and_info_are_readable_on_a_terminal(self):
        lines = dict(re.split("  +", line, maxsplit=1) for line in self.shown("status", "app.db").splitlines())
        self.assertEqual((lines["path"], lines["status"], lines["txid"], lines["replicated_txid"], lines["lag_seconds"],
                          lines["replica"]),
                         (f"{self.dir}/app.db", "open", "0000000000000001", "0000000000000001", "0 s",
                          f"file://{self.dir}/r-app.db"))
        info = self.shown("info")
        self.assertRegex(info, r"(?m)^persist_to_config +no$")
        self.assertRegex(info, r"(?m)^databases +2$")
        self.assertEqual(json.loads(self.shown("status", "-json", "app.db")),
                         {"path": f"{self.dir}/app.db", "status": "open"})

    def test_details_follow_the_members_of_the_page(self):
        entry = self.ask("status", "-details", "app.db")
        self.assertEqual(list(entry), ["path", "status", "txid", "replicated_txid", "lag_seconds", "database_bytes",
                                       "wal_bytes", "replica", "last_sync_at", "replica_state", "requests", "hibernating"])
        self.assertEqual((entry["txid"], entry["replicated_txid"], entry["lag_seconds"], entry["database_bytes"]),
                         (1, 1, 0, (self.dir / "app.db").stat().st_size))
        listed = self.ask("list", "-details")[0]
        self.assertEqual(listed | {"last_sync_at": entry["last_sync_at"], "requests": entry["requests"]}, entry)
        # An upload that fails: behind, and why.
        self.disconnect_replica()
        self.insert(self.connections[0])
        entry = until(lambda: (e := self.ask("status", "-details", "app.db")).get("last_error") and e, "the error")
        self.assertEqual(list(entry["last_error"]), ["code", "message"])
        self.assertIn("r-app.db", entry["last_error"]["message"])
        self.assertGreater(entry["lag_seconds"], 0)
        self.assertGreater(entry["txid"], entry["replicated_txid"])
        # Each attempt says which file it failed at.
        until(lambda: self.ask("status", "-details", "app.db")["last_error"]["message"] in self.shown("list"),
              "the list to tell the error")

    def test_actions_say_one_line_on_a_terminal(self):
        self.assertEqual(self.shown("stop", "app.db"), f"{self.dir}/app.db  stopped  0000000000000001\n")
        self.assertIn("database already disabled", self.shown("stop", "app.db", status=1))


class Many(Scenario):
    def setUp(self):
        super().setUp()
        (self.dir / "sub").mkdir()
        self.names = ["a.db", "b.db", "c.db", "sub/d.db"]
        for name in self.names:
            self.database(name)
        self.connect_replica("r1")
        text = f"socket: {{path: {self.socket}}}\ndbs:\n"
        for number, name in enumerate(self.names):
            text += f"  - {{path: {self.dir}/{name}, replica: {{path: {self.dir}/r{number}, sync-interval: 1h}}}}\n"
        self.daemon("-config", self.config(text))
        for name in self.names:
            self.ask("sync", "-wait", name)

    def states(self):
        return [entry["status"] for entry in self.ask("list")]

    def run_many(self, *arguments, status=0):
        done = self.ctl(*arguments, "-socket", self.socket)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_a_pattern_takes_what_list_shows_and_no_slash(self):
        done = self.run_many("stop", f"{self.dir}/[ab].db")
        self.assertEqual(done.stdout.splitlines(), [f"{self.dir}/{n}  stopped  0000000000000001" for n in ("a.db", "b.db")])
        self.assertEqual(self.states(), ["closed", "closed", "open", "open"])
        done = self.run_many("stop", "*.db")  # relative to where it is run, as paths are
        self.assertEqual(done.stdout.splitlines(), [f"{self.dir}/a.db  already closed", f"{self.dir}/b.db  already closed",
                                                    f"{self.dir}/c.db  stopped  0000000000000001"])
        self.assertEqual(self.states(), ["closed", "closed", "closed", "open"])
        done = self.run_many("start", "-wait", "-json", "?.db")
        self.assertEqual([(r["path"], r["status"]) for r in json.loads(done.stdout)],
                         [(f"{self.dir}/{n}", "started") for n in self.names[:3]])
        done = self.run_many("start", "*.none", status=1)
        self.assertEqual(done.stderr, f"Error: no database matches {self.dir}/*.none\n")

    def test_all_of_them_and_one_that_fails(self):
        self.assertEqual(len(self.run_many("sync", "-wait", "-all").stdout.splitlines()), 4)
        self.disconnect_replica("r1")
        connection = self.database("b.db")
        self.insert(connection)
        done = self.run_many("sync", "-wait", "-all", status=1)
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()],
                         [f"{self.dir}/{n}" for n in ("a.db", "c.db", "sub/d.db")])
        self.assertTrue(done.stderr.startswith(f"Error: {self.dir}/b.db: sync failed: "), done.stderr)
        self.assertEqual(done.stderr.splitlines()[-1], "Error: 1 of 4 databases failed")
        done = self.run_many("sync", "-wait", "-all", "-json", status=1)
        failed = json.loads(done.stdout)[1]
        self.assertEqual((failed["path"], failed["error"]["reason"]), (f"{self.dir}/b.db", "sync_failed"))

    def test_misuse(self):
        self.refused("-all and a database path exclude each other", "stop", "-socket", self.socket, "-all", "a.db",
                     status=2)
        self.refused("too many arguments", "stop", "-socket", self.socket, "*.db", "*.x", status=2)
        self.refused("socket path required; use -socket flag", "stop", "-all", status=2)
        self.refused("-request-id stands for one call, not for many databases", "stop", "-socket", self.socket, "-all",
                     "-request-id", "x", status=2)
        self.refused("flag provided but not defined: -all", "status", "-socket", self.socket, "-all", status=2)

    def test_a_path_that_looks_like_a_pattern_is_that_database(self):
        odd = "odd[1].db"
        self.database(odd)
        other = self.config(f"dbs: [{{path: '{self.dir}/{odd}', replica: {{path: {self.dir}/r9}}}}]\n", "odd.yml")
        self.assertEqual(self.ask("rpc", "start", json.dumps(
            {"path": f"{self.dir}/{odd}", "config": str(other), "wait": True}))["status"], "started")
        done = self.run_many("stop", odd)
        self.assertEqual(done.stdout.split()[:2], [f"{self.dir}/{odd}", "stopped"])


class Rpc(Scenario):
    def test_any_call(self):
        self.database()
        self.daemon("-config", self.standard("app.db"))
        db = f"{self.dir}/app.db"
        self.assertEqual(self.ask("rpc", "databases"), [{"path": db, "status": "open"}])
        self.assertEqual(self.ask("rpc", "status", json.dumps({"path": db})), {"path": db, "status": "open"})
        self.assertEqual(self.ask("rpc", "sync", json.dumps({"path": db, "wait": True}))["replicated_txid"], 1)
        self.assertEqual(self.ask("rpc", "rpc.discover")["openrpc"], "1.3.2")
        here = ["-socket", self.socket]
        said = self.refused("Method not found", "rpc", *here, "frob")
        self.assertIn("no method frob; there are start stop", said)
        self.refused("unknown parameter: x", "rpc", *here, "list", '{"x": 1}')
        self.refused("parameters must be a JSON object", "rpc", *here, "list", "1", status=2)
        self.assertIn("parameters are no JSON", self.ctl("rpc", *here, "list", "{").stderr)
        self.refused("method required", "rpc", *here, status=2)
        self.refused("socket path required; use -socket flag", "rpc", "list", status=2)


class Top(Scenario):
    def start(self, *names, **options):
        self.daemons = self.daemon("-config", self.standard(*names, interval="100ms"))
        return ctl_on_terminal(self, "top", "-socket", self.socket, "-interval", "0.1", **options)

    def frames(self, terminal):
        """What it showed, whole frames only."""
        ends = terminal.read().split("\x1b[J")[:-1]
        return [re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", f.split("\x1b[H")[-1]).replace("\r", "").split("\n") for f in ends]

    def test_it_follows_the_daemon_until_ctrl_c(self):
        connection = self.database()
        self.database("behind.db")
        self.connect_replica("r-behind.db")
        terminal = self.start("app.db", "behind.db")
        terminal.wait_for("2 databases, 2 open")
        self.ask("sync", "-wait", "app.db")
        self.ask("sync", "-wait", "behind.db")
        self.disconnect_replica("r-behind.db")
        self.insert(self.database("behind.db"))
        terminal.wait_for("error")
        rows = until(lambda: (f := self.frames(terminal)[-1]) and "error" in f[3] and f, "a whole frame")
        self.assertEqual(rows[2].split(), ["PATH", "STATUS", "LAG", "TXID", "WAL", "SIZE", "LAST", "SYNC"])
        self.assertIn("behind.db", rows[3])  # it lags, so it comes first though its name does not
        self.assertIn("app.db", rows[4])
        self.insert(connection)
        self.ask("stop", "app.db")
        terminal.wait_for("2 databases, 1 open")
        for lines in self.frames(terminal):
            self.assertLessEqual(len(lines), 24)
            self.assertLessEqual(max(map(len, lines)), 80, lines)
        terminal.type("\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertTrue(terminal.text.endswith(LEAVE), terminal.text[-40:])
        self.assertTrue(terminal.settings_restored())

    def test_q_and_signals_end_it_and_the_terminal_is_given_back(self):
        self.database()
        first = self.start("app.db")
        first.wait_for("1 databases")
        first.type("q")
        self.assertEqual(first.end(), 0)
        second = ctl_on_terminal(self, "top", "-socket", self.socket)
        second.wait_for("1 databases")
        second.process.send_signal(signal.SIGTERM)
        self.assertEqual(second.end(), 0)
        for terminal in (first, second):
            self.assertTrue(terminal.text.endswith(LEAVE))
            self.assertTrue(terminal.settings_restored())

    def test_more_databases_than_lines_and_a_daemon_that_goes_and_comes(self):
        names = [f"n{i}.db" for i in range(12)]
        for name in names:
            self.database(name)
        terminal = self.start(*names, rows=10)
        terminal.wait_for("6 more databases with less lag")
        self.assertEqual(self.daemons.end(), 0)
        terminal.wait_for("Error: ")
        self.daemons.close()
        self.daemon("-config", self.dir / "litestream.yml")
        until(lambda: self.frames(terminal)[-1][1] == "", "the daemon again")
        terminal.type("q")
        self.assertEqual(terminal.end(), 0)

    def test_without_a_terminal_it_shows_one_frame(self):
        self.database("a-rather-long-name-that-would-not-fit-in-eighty-columns-beside-the-rest-of-it.db")
        self.daemon("-config", self.standard(
            "a-rather-long-name-that-would-not-fit-in-eighty-columns-beside-the-rest-of-it.db"))
        done = self.ctl("top", "-socket", self.socket)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("beside-the-rest-of-it.db  open", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        missing = self.dir / "no.sock"
        self.refused(f"failed to connect to control socket: dial unix {missing}: connect: no such file or directory",
                     "top", "-socket", missing)


if __name__ == "__main__":
    unittest.main(verbosity=2)
