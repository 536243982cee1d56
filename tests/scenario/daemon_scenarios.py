#!/usr/bin/env python3
"""litestreamd and litestreamctl as users run them."""
import http.client
import json
import os
import shutil
import signal
import sqlite3
import sys
import unittest

from scenario import LIMIT, Scenario, until


class ControlSocket(Scenario):
    def test_results_are_those_of_the_page(self):
        self.database()
        self.database("b.db")
        config = self.standard("app.db", "b.db")
        self.daemon("-config", config)
        db = str(self.dir / "app.db")
        done = self.ctl("status", "-socket", self.socket, db)
        self.assertEqual(done.stdout, f'{{\n  "path": "{db}",\n  "status": "open"\n}}\n')
        self.assertEqual(self.ask("sync", "-wait", db)["replicated_txid"], 1)
        self.assertEqual(self.ask("stop", db), {"status": "stopped", "path": db, "txid": 1, "changed": True})
        self.assertEqual(self.ask("status", db), {"path": db, "status": "closed"})
        self.assertEqual(self.ask("list"), [{"path": db, "status": "closed"},
                                            {"path": str(self.dir / "b.db"), "status": "open"}])
        started = self.ask("start", "-wait", db)
        self.assertEqual((started["status"], started["path"]), ("started", db))
        info = self.ask("info")
        self.assertEqual(list(info)[:9], ["version", "pid", "config_path", "socket_path", "http_addr",
                                          "persist_to_config", "databases", "open_databases", "started_at"])
        self.assertEqual((info["config_path"], info["socket_path"], info["http_addr"], info["persist_to_config"],
                          info["databases"], info["open_databases"]),
                         (str(config), str(self.socket), "", False, 2, 2))

    def test_errors_are_those_of_the_page(self):
        self.database()
        config = self.config(f"socket: {{path: {self.socket}}}\ndbs:\n"
                             f"  - {{path: {self.dir}/app.db, replica: {{path: {self.dir}/r-app.db}}}}\n"
                             f"  - {{path: {self.dir}/bare.db, enabled: false}}\n")
        self.daemon("-config", config)
        here = ["-socket", self.socket]
        app, bare, none = (self.dir / n for n in ("app.db", "bare.db", "none.db"))
        for verb in ("start", "stop", "sync", "status"):
            self.refused(f"database not found: {none}", verb, *here, none)
        self.refused(f"database already enabled: {app}", "start", *here, app)
        self.refused(f"database has no replica configured: {bare}", "start", *here, bare)
        self.refused("database has no replica", "sync", *here, bare)
        self.refused(f"database already disabled: {bare}", "stop", *here, bare)
        self.ask("stop", app)
        self.refused(f"database already disabled: {app}", "stop", *here, app)
        self.refused(f"database not open: {app}", "sync", *here, app)
        for verb in ("start", "stop", "sync", "status"):
            self.refused("socket path required; use -socket flag", verb, app, status=2)
            self.refused("database path required", verb, *here, status=2)
            self.refused("too many arguments", verb, *here, app, app, status=2)
        self.refused("socket path required; use -socket flag", "list", "-socket", "", status=2)
        missing = self.dir / "no.sock"
        self.refused(f"failed to connect to control socket: dial unix {missing}: connect: no such file or directory",
                     "list", "-socket", missing)
        self.refused("flag provided but not defined: -bad", "list", *here, "-bad", status=2)
        self.refused("litestreamctl frob: unknown command", "frob", status=2)
        self.refused("timeout must be greater than 0", "stop", *here, "-timeout", "0", app, status=2)

    def test_flags_stand_anywhere_in_any_notation(self):
        self.database()
        self.daemon("-config", self.standard("app.db"))
        db = str(self.dir / "app.db")
        want = {"path": db, "status": "open"}
        for words in (["status", "-socket", self.socket, "app.db"], ["status", "app.db", f"--socket={self.socket}"],
                      ["status", "--socket", self.socket, "./x/../app.db"]):
            done = self.ctl(*words)
            self.assertEqual(json.loads(done.stdout), want, done.stderr)

    def test_a_missing_database_is_waited_for_until_the_timeout(self):
        self.daemon("-config", self.standard("app.db"))
        self.ask("stop", "app.db")
        self.refused("timeout waiting for start", "start", "-wait", "-timeout", "1", "-socket", self.socket, "app.db")
        self.database(rows=2)
        until(lambda: self.ctl("sync", "-wait", "-socket", self.socket, "app.db").returncode == 0, "the database")
        self.assertEqual(self.restored_rows(), 2)

    def test_sync_says_why_it_failed(self):
        self.daemon("-config", self.standard("app.db"))
        done = self.ctl("sync", "-wait", "-socket", self.socket, "app.db")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith("Error: sync failed: "), done.stderr)

    def test_tenants_are_added_at_run_time(self):
        self.config(f"socket: {{path: {self.socket}}}\ndbs: []\n")
        self.daemon("-config", self.dir / "litestream.yml")
        self.assertEqual(self.ask("list"), [])
        self.database("t1.db", rows=4)
        tenant = self.config(f"dbs:\n  - path: {self.dir}/t1.db\n    replica: {{path: {self.dir}/r-t1.db}}\n", "t.yml")
        self.ask("start", "-wait", "-config", "t.yml", "t1.db")  # a path of the caller, not of the daemon
        self.assertEqual(self.ask("sync", "-wait", "t1.db")["replicated_txid"], 1)
        self.assertEqual(self.restored_rows("t1.db"), 4)
        here = ["-socket", self.socket]
        t2 = self.dir / "t2.db"
        self.refused(f"database already enabled: {self.dir}/t1.db", "start", *here, "-config", tenant, "t1.db")
        self.refused(f"failed to load config: database not found in {tenant}: {t2}", "start", *here, "-config", tenant,
                     t2)
        self.refused(f"failed to load config: config file not found: {self.dir}/no.yml", "start", *here, "-config",
                     "no.yml", t2)
        self.config(f"dbs: [{{path: {t2}, replica: {{path: {self.dir}/r-t1.db}}}}]\n", "t2.yml")
        self.refused(f"failed to load config: replica file://{self.dir}/r-t1.db is already used by {self.dir}/t1.db",
                     "start", *here, "-config", "t2.yml", t2)
        self.config(f"dbs: [{{path: {t2}, enabled: no}}]\n", "t3.yml")
        self.refused(f"database has no replica configured: {t2}", "start", *here, "-config", "t3.yml", t2)
        # A stopped one takes the settings of the new file.
        self.ask("stop", "t1.db")
        self.config(f"dbs: [{{path: {self.dir}/t1.db, replica: {{path: {self.dir}/r-moved.db}}}}]\n", "t1b.yml")
        self.ask("start", "-wait", "-config", "t1b.yml", "t1.db")
        self.ask("sync", "-wait", "t1.db")
        self.assertEqual(self.restored_rows("moved.db"), 4)

    def test_stop_flushes_and_start_goes_on(self):
        connection = self.database()
        self.daemon("-config", self.standard("app.db"))
        self.ask("start" if self.ask("status", "app.db")["status"] == "closed" else "sync", "-wait", "app.db")
        self.insert(connection, 5)
        self.ask("stop", "app.db")
        self.assertEqual(self.restored_rows(), 8)
        self.insert(connection, 5)
        self.ask("start", "-wait", "app.db")
        self.ask("sync", "-wait", "app.db")
        self.assertEqual(self.restored_rows(), 13)

    def test_the_socket_has_the_configured_mode_and_goes_with_the_daemon(self):
        config = self.config(f"socket: {{path: {self.socket}, permissions: 0660}}\ndbs: []\n")
        daemon = self.daemon("-config", config)
        self.assertEqual(self.socket.stat().st_mode & 0o777, 0o660)
        self.assertEqual(daemon.end(), 0)
        self.assertFalse(self.socket.exists())

    def test_a_second_daemon_on_the_socket_is_refused(self):
        config = self.config(f"socket: {{path: {self.socket}}}\ndbs: []\n")
        self.daemon("-config", config)
        second = self.run_program("litestreamd", "-config", config)
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"another daemon listens on {self.socket}", second.stderr)
        self.assertEqual(self.ask("list"), [])

    def test_a_socket_path_that_is_too_long_is_refused(self):
        long = self.dir / ("x" * 120)
        done = self.run_program("litestreamd", "-config", self.config(f"socket: {{path: {long}}}\ndbs: []\n"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("socket.path: too long for a Unix socket", done.stderr)


class Http(Scenario):
    def start(self):
        config = self.standard("app.db", extra="addr: 127.0.0.1:0", interval="100ms")
        daemon = self.daemon("-config", config)
        line = until(lambda: next((l for l in daemon.log.splitlines() if "/metrics" in l), None), "the address")
        self.address = line.split("http://")[1].split("/")[0]
        return daemon

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=LIMIT)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def call(self, method, **params):
        status, text = self.request("POST", "/control/", {"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
        self.assertEqual(status, 200)
        return json.loads(text)

    def test_control_calls_over_http(self):
        self.database()
        self.start()
        db = str(self.dir / "app.db")
        self.assertEqual(self.call("databases"), {"jsonrpc": "2.0", "result": [{"path": db, "status": "open"}], "id": 1})
        self.assertEqual(self.call("sync", path=db, wait=True)["result"]["replicated_txid"], 1)
        error = self.call("start", path="/none.db")["error"]
        self.assertEqual((error["code"], error["message"]), (-32001, "database not found: /none.db"))
        self.assertEqual(error["data"]["reason"], "not_found")
        self.call("stop", path=db)
        error = self.call("stop", path=db)["error"]
        self.assertEqual((error["code"], error["message"]), (-32001, f"database already disabled: {db}"))
        self.assertEqual(self.call("frob")["error"]["code"], -32601)
        self.assertEqual(self.call("start")["error"]["code"], -32602)
        os.rename(db, db + ".away")
        error = self.call("start", path=db, wait=True, timeout=1)["error"]
        self.assertEqual((error["code"], error["message"]), (-32004, "timeout waiting for start"))

    def test_litestreamctl_over_http(self):
        self.database()
        self.start()
        done = self.ctl("list", "-socket", f"http://{self.address}")
        self.assertEqual(json.loads(done.stdout), [{"path": str(self.dir / "app.db"), "status": "open"}], done.stderr)

    def test_metrics_and_health(self):
        self.database()
        self.start()
        self.call("sync", path=str(self.dir / "app.db"), wait=True)
        status, text = self.request("GET", "/metrics")
        self.assertEqual(status, 200)
        lines = text.splitlines()
        label = f'{{db="{self.dir}/app.db"}}'
        for line in (f"litestream_txid{label} 1", f"litestream_replica_txid{label} 1",
                     f"litestream_replica_lag_seconds{label} 0", f"litestream_database_open{label} 1"):
            self.assertIn(line, lines)
        puts = [l for l in lines if l.startswith('litestream_replica_operation_total{replica_type="file",operation="PUT"}')]
        self.assertGreater(int(puts[0].split()[-1]), 0)
        for path in ("/health", "/healthz?max_lag=60", "/readyz?max_lag=60", "/livez"):
            self.assertEqual(self.request("GET", path), (200, "ok\n"), path)
        self.assertEqual(self.request("GET", "/readyz?max_lag=soon")[0], 400)
        self.assertEqual(self.request("GET", "/none")[0], 404)


class Shutdown(Scenario):
    def test_a_signal_flushes_what_is_not_uploaded_yet(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                name = f"app{int(number)}.db"
                connection = self.database(name)
                daemon = self.daemon("-config", self.standard(name))
                self.ask("sync", "-wait", name)
                self.insert(connection, 100)  # the next regular upload is an hour away
                self.assertEqual(daemon.end(number), 0, daemon.errors)
                self.assertEqual(self.restored_rows(name), 103)
                self.assertIn("litestreamd shut down", daemon.log)
                self.assertEqual(daemon.notify.recv(100), b"STOPPING=1")
                daemon.close()

    def test_a_failed_final_upload_is_named_and_ends_with_1(self):
        connection = self.database()
        self.connect_replica()
        config = self.standard("app.db", extra="shutdown-sync-timeout: 300ms\nshutdown-sync-interval: 50ms")
        daemon = self.daemon("-config", config)
        self.ask("sync", "-wait", "app.db")
        self.disconnect_replica()
        self.insert(connection, 10)
        self.assertEqual(daemon.end(), 1)
        # More than once, though the error looks permanent, and not for ever.
        self.assertIn(f"Error: final upload of {self.dir}/app.db failed: gave up after ", daemon.errors)

    def test_a_replica_that_comes_back_within_the_timeout_gets_the_final_upload(self):
        connection = self.database()
        self.connect_replica()
        config = self.standard("app.db", extra="shutdown-sync-timeout: 1h\nshutdown-sync-interval: 10ms")
        daemon = self.daemon("-config", config)
        self.ask("sync", "-wait", "app.db")
        self.disconnect_replica()
        self.insert(connection, 10)
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: "shutting down" in daemon.log, "the signal")
        self.connect_replica()
        self.assertEqual(daemon.wait(), 0, daemon.errors)
        self.assertEqual(self.restored_rows(), 13)

    def test_a_second_signal_gives_up(self):
        connection = self.database()
        self.connect_replica()
        daemon = self.daemon("-config", self.standard("app.db", extra="shutdown-sync-timeout: 1h"))
        self.ask("sync", "-wait", "app.db")
        self.disconnect_replica()
        self.insert(connection, 10)
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: "shutting down" in daemon.log, "the first signal")
        self.assertEqual(daemon.end(), 1)
        self.assertIn("second signal received", daemon.log)
        self.assertIn(f"Error: final upload of {self.dir}/app.db failed: ", daemon.errors)

    def test_sighup_leaves_what_was_not_changed_alone(self):
        self.database()
        daemon = self.daemon("-config", self.standard("app.db"))
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in daemon.log, "the log line")
        self.assertEqual(self.ask("status", "app.db")["status"], "open")
        self.assertEqual(daemon.end(), 0)


class Exec(Scenario):
    def run_with(self, command):
        self.database()
        return self.daemon("-exec", command, "app.db", f"file://{self.dir}/r-app.db")

    def test_the_exit_status_of_the_command_is_ours(self):
        for status in (0, 3, 77):
            with self.subTest(status):
                daemon = self.run_with(f"sh -c 'exit {status}'")
                self.assertEqual(daemon.wait(), status, daemon.log)
                daemon.close()

    def test_what_the_command_wrote_is_uploaded_at_its_end(self):
        self.database()
        script = f"import sqlite3; c = sqlite3.connect('{self.dir}/app.db'); c.execute('INSERT INTO t VALUES (1)'); c.commit()"
        daemon = self.daemon("-exec", f'{sys.executable} -c "{script}"', "app.db", f"file://{self.dir}/r-app.db")
        self.assertEqual(daemon.wait(), 0, daemon.errors)
        self.assertEqual(self.restored_rows(), 4)

    def test_signals_are_passed_on(self):
        daemon = self.run_with("sleep 1000")
        self.assertEqual(daemon.end(), 0, daemon.errors)
        daemon.close()
        ready = self.dir / "trapped"
        daemon = self.run_with(f"sh -c 'trap \"exit 7\" TERM; touch {ready}; while :; do sleep 0.01; done'")
        until(ready.exists, "the trap")
        self.assertEqual(daemon.end(), 7, daemon.errors)

    def test_a_command_that_cannot_be_run(self):
        self.database()
        for command, message in (("/nonexist", "cannot start exec command: /nonexist: no such file or directory"),
                                 ("sh 'x", "cannot parse exec command: no closing '")):
            done = self.run_program("litestreamd", "-exec", command, "app.db", f"file://{self.dir}/r-app.db")
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr.splitlines()[0], f"Error: {message}")


class Once(Scenario):
    def test_everything_is_uploaded(self):
        self.database()
        self.database("b.db", rows=9)
        done = self.run_program("litestreamd", "-once", "-config", self.standard("app.db", "b.db"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual((self.restored_rows(), self.restored_rows("b.db")), (3, 9))

    def test_a_missing_database_fails_and_the_others_are_uploaded(self):
        self.database("b.db", rows=9)
        done = self.run_program("litestreamd", "-once", "-config", self.standard("app.db", "b.db"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.splitlines()[0],
                         f"Error: sync replica for {self.dir}/app.db: no position, waiting for data")
        self.assertEqual(self.restored_rows("b.db"), 9)

    def test_a_second_daemon_on_a_database_is_refused(self):
        self.database()
        daemon = self.daemon("-config", self.standard("app.db"))
        self.ask("sync", "-wait", "app.db")
        done = self.run_program("litestreamd", "-once", "app.db", f"file://{self.dir}/other")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"is already replicated by process {daemon.process.pid}", done.stderr)
        self.assertFalse((self.dir / "other").exists())


class CommandLine(Scenario):
    def fails(self, status, message, *arguments, **options):
        done = self.run_program("litestreamd", *arguments, **options)
        self.assertEqual(done.stderr.splitlines()[:1], [f"Error: {message}"])
        self.assertEqual(done.returncode, status)

    def test_wrong_command_lines(self):
        self.fails(2, "flag provided but not defined: -bad", "-bad")
        self.fails(2, "flag needs an argument: -config", "-config")
        self.fails(2, "must specify at least one replica URL for a.db", "a.db")
        self.fails(2, "multiple replicas on a single database are no longer supported", "a.db", "file:///r", "file:///s")
        self.fails(2, "cannot specify a replica URL and the -config flag", "-config", "x", "a.db", "file:///r")
        self.fails(2, "cannot specify -once flag with -exec", "-once", "-exec", "true", "a.db", "file:///r")
        self.fails(1, 'unknown replica type in config: "zz"', "a.db", "zz://bucket/p")
        self.fails(1, f"config file not found: {self.dir}/no.yml", "-config", "no.yml")
        self.fails(1, f"config file not found: {self.dir}/env.yml", environment={"LITESTREAM_CONFIG": "env.yml"})
        self.fails(1, "no databases specified in configuration", "-config", self.config("dbs: []\n"))
        self.fails(1, f"{self.dir}/litestream.yml:2: unknown key \"dbz\"", "-config", self.config("\ndbz: []\n"))

    def test_help_and_version(self):
        for program, words in (("litestreamd", ["-help"]), ("litestreamd", ["-h"]), ("litestreamctl", ["help"]),
                               *(("litestreamctl", [verb, "-help"]) for verb in
                                 ("start", "stop", "sync", "status", "list", "info", "restore", "ltx", "databases",
                                  "version"))):
            done = self.run_program(program, *words)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(f"Usage: {program}"), done.stdout)
        self.assertIn("-timeout SECONDS", self.ctl("start", "-help").stdout)
        self.assertIn("convert-to-wal", self.run_program("litestreamd", "-help-config").stdout)
        self.assertTrue(self.run_program("litestreamd", "-version").stdout.startswith("litestreamd "))
        self.assertIn("SQLite:", self.ctl("version", "-verbose").stdout)

    def test_the_environment_is_expanded_unless_forbidden(self):
        config = self.config("dbs:\n  - path: ${HERE}/app.db\n    replica: {path: $HERE/r-app.db}\n")
        done = self.ctl("databases", "-config", config, "-no-expand-env")
        self.assertIn("${HERE}/app.db", done.stdout)
        done = self.run_program("litestreamctl", "databases", "-config", config, "-json",
                                environment={"HERE": str(self.dir)})
        self.assertEqual(json.loads(done.stdout), [{"path": f"{self.dir}/app.db", "replica": "file"}])

    def test_log_level_and_format(self):
        self.database()
        url = f"file://{self.dir}/r-app.db"
        quiet = self.daemon("-log-level", "error", "app.db", url, environment={"LOG_LEVEL": "debug"})
        self.assertEqual(quiet.end(), 0)
        self.assertEqual(quiet.log, "")
        quiet.close()
        config = self.standard("app.db", extra="logging: {type: json, stderr: true}")
        daemon = self.daemon("-config", config)
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(daemon.log, "")
        for line in daemon.errors.splitlines():
            self.assertEqual(list(json.loads(line))[:3], ["time", "level", "msg"])


class Offline(Scenario):
    def setUp(self):
        super().setUp()
        self.connection = self.database()
        self.file = self.standard("app.db")
        done = self.run_program("litestreamd", "-once", "-config", self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.url = f"file://{self.dir}/r-app.db"
        self.out = self.dir / "out.db"

    def test_ltx_lists_the_files(self):
        for source in (["-config", self.file, "app.db"], [self.url]):
            done = self.ctl("ltx", *source)
            lines = done.stdout.splitlines()
            self.assertEqual(lines[0].split(), ["level", "min_txid", "max_txid", "size", "created"], done.stderr)
            self.assertEqual(lines[1].split()[:3], ["0", "0000000000000001", "0000000000000001"])
            files = json.loads(self.ctl("ltx", "-json", "-level", "all", *source).stdout)
            self.assertEqual(list(files[0]), ["level", "min_txid", "max_txid", "size", "timestamp"])
        self.assertEqual(self.ctl("ltx", f"file://{self.dir}/none").stdout.split(),
                         ["level", "min_txid", "max_txid", "size", "created"])
        self.assertEqual(self.ctl("ltx", "-json", f"file://{self.dir}/none").stdout, "[]\n")
        self.refused('invalid value "10" for flag -level: level must be between 0 and 9', "ltx", "-level", "10",
                     self.url, status=2)
        self.refused('invalid value "x" for flag -level: invalid level: must be 0-9 or "all"', "ltx", "-level", "x",
                     self.url, status=2)
        self.refused("cannot specify a replica URL and the -config flag", "ltx", "-config", self.file, self.url,
                     status=2)

    def test_databases_lists_the_configuration(self):
        done = self.ctl("databases", "-config", self.file)
        self.assertEqual([l.split() for l in done.stdout.splitlines()],
                         [["path", "replica"], [f"{self.dir}/app.db", "file"]])
        self.refused("too many arguments", "databases", "x", status=2)

    def test_restore(self):
        done = self.ctl("restore", "-config", self.file, "-o", self.out, "app.db")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(sqlite3.connect(self.out).execute("SELECT count(*) FROM t").fetchone(), (3,))
        exists = f"cannot restore, output path already exists and is not empty: {self.out}. Use -force to overwrite"
        self.refused(exists, "restore", "-o", self.out, self.url)
        done = self.ctl("restore", "-o", self.out, "-if-db-not-exists", self.url)
        self.assertEqual((done.returncode, done.stderr), (0, "database already exists, skipping\n"))
        done = self.ctl("restore", "-o", self.out, "-force", "-json", "-integrity-check", "quick", "-parallelism", "2",
                        "-txid", "0000000000000001", self.url)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(list(result), ["db_path", "replica", "txid", "duration_ms", "integrity_check"])
        self.assertEqual((result["db_path"], result["replica"], result["txid"], result["integrity_check"]),
                         (str(self.out), "file", "0000000000000001", "quick"))
        self.assertEqual(done.stderr, "post-restore integrity check passed\n")

    def test_dry_run_writes_nothing(self):
        done = self.ctl("restore", "-dry-run", "-json", "-o", self.out, self.url)
        plan = json.loads(done.stdout)
        self.assertEqual(list(plan), ["source", "target_path", "replica", "min_txid", "max_txid", "files"])
        self.assertEqual(list(plan["files"][0]), ["level", "name", "min_txid", "max_txid", "size", "timestamp"])
        text = self.ctl("restore", "-dry-run", "-o", self.out, self.url).stdout
        self.assertTrue(text.startswith("Restore plan:\n"), text)
        self.assertIn("\n\nFiles to fetch:\nlevel  file", text)
        self.assertFalse(self.out.exists())

    def test_restore_errors(self):
        to_out = ["restore", "-o", self.out]
        self.refused("database path or replica URL required", "restore", status=2)
        self.refused("too many arguments", *to_out, "a", "b", status=2)
        stderr = self.refused("-o is required when restoring from a replica URL", "restore", self.url, status=2)
        self.assertIn("Try: litestreamctl restore -o ", stderr)
        self.refused('invalid value "5" for flag -txid: invalid txid format', *to_out, "-txid", "5", self.url, status=2)
        self.refused("invalid -timestamp, must specify in ISO 8601 format (e.g. 2000-01-01T00:00:00Z)", *to_out,
                     "-timestamp", "yesterday", self.url, status=2)
        self.refused("cannot specify index & timestamp to restore", *to_out, "-txid", "0" * 15 + "1", "-timestamp",
                     "2000-01-01T00:00:00Z", self.url, status=2)
        self.refused("invalid -integrity-check value: zz", *to_out, "-integrity-check", "zz", self.url, status=2)
        self.refused(f"database not found in config: {self.dir}/b.db", *to_out, "-config", self.file, "b.db")
        self.refused("no matching backup files available", *to_out, f"file://{self.dir}/none")
        self.refused("no matching backup files available", *to_out, "-txid", "00000000000000ff", self.url)
        early = ["-timestamp", "2000-01-01T00:00:00Z"]
        stderr = self.refused("timestamp does not exist", *to_out, *early, self.url)
        self.assertRegex(stderr, r"Hint: the oldest backup is of 2\d{3}-\d\d-\d\dT")
        self.refused("timestamp does not exist", *to_out, "-if-replica-exists", *early, self.url)
        self.refused("no backups found", *to_out, *early, f"file://{self.dir}/none")
        # The backup exists; only the transaction does not: no reason to go on without.
        self.refused("no matching backup files available", *to_out, "-if-replica-exists", "-txid", "00000000000000ff",
                     self.url)
        self.refused(f"cannot restore, output path is a directory: {self.dir}", "restore", "-o", self.dir, self.url)
        done = self.ctl(*to_out, "-if-replica-exists", f"file://{self.dir}/none")
        self.assertEqual((done.returncode, done.stderr), (0, "no matching backups found\n"))
        self.assertFalse(self.out.exists())

    def test_restore_before_replicating(self):
        self.connection.close()
        for path in self.dir.glob("*app.db*"):
            if path.name != "r-app.db":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(self.dir / ".app.db-litestream", ignore_errors=True)
        self.daemon("-restore-if-db-not-exists", "-config", self.file)
        until(lambda: self.ctl("sync", "-wait", "-socket", self.socket, "app.db").returncode == 0, "the database")
        self.assertEqual(sqlite3.connect(self.dir / "app.db").execute("SELECT count(*) FROM t").fetchone(), (3,))


if __name__ == "__main__":
    unittest.main(verbosity=2)
