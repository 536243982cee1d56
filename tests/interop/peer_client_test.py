"""The peer's command line works against our daemon, and our `litestream` link against both: the same commands give the
same transcripts, but for process ids, times and transaction ids. Offline commands give the same bytes."""
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import unittest

from support_py import main, programs, waiting
from support_py.daemon import Daemon, UnixConnection, database_entry

PAIRS = [("peer", "ours"), ("ours", "ours"), ("ours", "peer")]


def client(kind):
    return programs.ours("litestream") if kind == "ours" else programs.peer()


def make_database(path, rows=3):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("CREATE TABLE t(x)")
    connection.executemany("INSERT INTO t VALUES(?)", [(i,) for i in range(rows)])
    connection.commit()
    return connection


def normalised(text, directory):
    """Without what differs from run to run; a transaction id is none (0) or some (N)."""
    text = text.replace(str(directory), "DIR").replace("\u00a0", " ")  # the peer has such a blank in one message
    for pattern, replacement in [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r"Litestream \d+\.\d+\.\d+", "Litestream VERSION"),
            (r'"version": "\d+\.\d+\.\d+"', '"version": "VERSION"'),
            (r'(PID: +|"pid": )\d+', r"\1PID"),
            (r'(Uptime: +|"uptime_seconds": |duration_ms: |"duration_ms": )\d+', r"\1N"),
            (r'(txid"?: )[1-9]\d*', r"\1N")]:
        text = re.sub(pattern, replacement, text)
    return text


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
class ControlCommands(unittest.TestCase):
    maxDiff = None

    def transcript(self, with_client, of_daemon, talk):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path, self.client, self.lines = directory.path, client(with_client), []
        connections = [make_database(self.path / f"{name}.db") for name in "abc"]
        entries = [database_entry(self.path / f"{name}.db", self.path / f"r-{name}", sync_interval="100ms")
                   for name in "ab"]
        with Daemon(of_daemon, self.path, entries) as daemon:
            self.socket = daemon.socket
            for name in "ab":
                daemon.sync_when_open(self.path / f"{name}.db")
            # `list` tells when only after a sync of the daemon's own.
            waiting.until(lambda: self.raw("list").stdout.count("Z)") == 2, "the first syncs", pause=0.05)
            talk()
            daemon.stop()
        for connection in connections:
            connection.close()
        return self.lines

    def raw(self, *words):
        command = [words[0], "-socket", str(self.socket), *map(str, words[1:])]
        return programs.run(self.client, *command, check=False)

    def say(self, *words):
        """One command and all that came of it, with the control socket…"""
        self.note(words, self.raw(*words))

    def say_plainly(self, *words):
        """…and without."""
        self.note(words, programs.run(self.client, *words, check=False))

    def note(self, words, done):
        # The text of a usage is ours; that there is one is the peer's.
        stdout = "USAGE\n" if re.search(r"(?im)^usage:", done.stdout) else done.stdout
        self.lines.append(normalised(
            f"$ {' '.join(map(str, words))}\n{stdout}{done.stderr}exit {done.returncode}", self.path))

    def compare(self, talk):
        expected = self.transcript("peer", "peer", talk)
        for pair in PAIRS:
            with self.subTest(client=pair[0], daemon=pair[1]):
                self.assertEqual("\n".join(self.transcript(*pair, talk)), "\n".join(expected))

    def test_queries(self):
        def talk():
            for word in ("list", "info"):
                for flags in ([], ["-json"], ["-timeout", "5"], ["-timeout", "0"], ["-json=false"], ["x"]):
                    self.say(word, *flags)
        self.compare(talk)

    def test_start_and_stop(self):
        def talk():
            a = self.path / "a.db"
            for word in ("start", "start", "stop", "stop", "start"):
                self.say(word, a)
            for word in ("start", "stop", "stop", "start"):
                self.say(word, "-json", a)
            self.say("stop", "-timeout", "7", a)
            self.say("list")
            self.say("start", "-timeout", "0", a)
            for word in ("start", "stop"):
                self.say(word, self.path / "none.db")
                self.say(word, "")
                self.say(word)
                self.say(word, a, a)
                self.say(word, a, "-json")
        self.compare(talk)

    def test_sync(self):
        def talk():
            a = self.path / "a.db"
            with sqlite3.connect(a) as connection:
                connection.execute("INSERT INTO t VALUES(7)")
            connection.close()
            self.say("sync", "-wait", a)
            self.say("sync", "-wait", "-json", a)
            self.say("sync", a)
            self.say("sync", "-json", a)
            self.say("sync", "-timeout", "0", a)
            self.say("sync", self.path / "none<&>.db")
            self.say("sync")
            self.say("sync", a, a)
            self.say("stop", a)
            self.say("sync", a)
            self.say("sync", "-wait", a)
        self.compare(talk)

    def test_register_and_unregister(self):
        def talk():
            c, url = self.path / "c.db", f"file://{self.path}/r-c"
            for flags in ([], ["-json"]):
                self.say("register", *flags, "-replica", url, c)
                self.say("register", *flags, "-replica", url, c)
                self.say("sync", "-wait", c)
                self.say("unregister", "-dry-run", *flags, c)
                self.say("unregister", *flags, c)
                self.say("unregister", *flags, c)
                self.say("list")
                self.say("sync", c)
            self.say("register", "-replica", "zz://x/y", c)
            self.say("register", "-replica", "/no/scheme", c)
            self.say("register", c)
            self.say("register", "-replica", url)
            self.say("register", "-replica", url, c, c)
            self.say("register", "-timeout", "0", "-replica", url, c)
            self.say("unregister")
            self.say("unregister", c, c)
            self.say("unregister", "-timeout", "0", c)
        self.compare(talk)

    def test_command_lines(self):
        def talk():
            for words in (["list", "-bad"], ["list", "-timeout", "x"], ["list", "-timeout"], ["sync", "-wait=maybe", "x"],
                          ["info", "-h"], ["list", "--help"], ["start", "---x"], ["start", "-=x"], ["bogus"],
                          ["start", "-socket", self.path / "none.sock", "x"],
                          ["list", "-socket", self.path / "none.sock"], ["list", "-socket", ""],
                          ["start", "-socket", self.path / "a.db", "x"], ["unregister", "-dry-run", "x"],
                          ["restore"], ["ltx"], ["wal"], ["ltx", "-level", "10", "x"], ["ltx", "-level", "x", "x"],
                          ["restore", "-txid", "1", "x"], ["restore", "-timestamp", "x", "x"], ["restore", "a", "b"],
                          ["databases", "x"], ["status", "-config", self.path / "none.yml"],
                          ["databases", "-config", self.path / "none.yml"],
                          ["replicate", "-config", self.path / "none.yml"], ["replicate", "a.db"],
                          ["replicate", "-config", "x", "a.db", "file:///x"],
                          ["replicate", "a.db", "file:///x", "-once"],
                          ["restore", f"file://{self.path}/r-a"], [], ["help"], ["-h"], ["-json", "list"], ["version", "-x"]):
                self.say_plainly(*words)
        self.compare(talk)

    def test_relative_paths_are_of_the_daemon(self):
        def talk():
            self.say("sync", "no/such.db")
        lines = self.transcript("peer", "ours", talk)
        self.assertIn("database not found: ", lines[0])
        self.assertIn("/no/such.db\n", lines[0])

    def test_a_daemon_that_does_not_answer(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        make_database(directory.path / "a.db").close()
        entry = database_entry(directory.path / "a.db", directory.path / "r-a")
        with Daemon("ours", directory.path, [entry]) as daemon:
            daemon.process.send_signal(signal.SIGSTOP)
            try:
                said = [programs.run(client(kind), "list", "-timeout", "1", "-socket", daemon.socket, check=False)
                        for kind in ("peer", "ours")]
            finally:
                daemon.process.send_signal(signal.SIGCONT)
        self.assertEqual(said[1].stderr, said[0].stderr)
        self.assertEqual(said[1].returncode, said[0].returncode)


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
class Routes(unittest.TestCase):
    """The same requests give the same statuses, headers and bodies."""
    maxDiff = None

    REQUESTS = [
        *[(method, route, "{}") for method in ("PUT", "DELETE", "OPTIONS", "GET")
          for route in ("/start", "/stop", "/sync", "/register", "/unregister")],
        *[(method, route, None) for method in ("GET", "HEAD", "POST", "DELETE")
          for route in ("/list", "/info", "/txid", "/txid?path=DIR/a.db", "/debug/sync-status?path=DIR/no")],
        *[("GET", route, None) for route in ("/", "/nope", "/list/", "/txid?path=", "/txid?path=%zz", "/txid?path=DIR/no",
                                            "/txid?x=1&path=%2Fno%2Fway+home", "/debug/sync-status?path=")],
        *[("POST", route, body) for route in ("/start", "/stop", "/sync", "/unregister", "/register")
          for body in ("", " ", "{", "[]", "null", "{}", '{"path":null}', '{"path":7}', '{"path":""}', "nonsense",
                       '{"path":"DIR/a.db","timeout":"x"}', '{"path":"DIR/a.db","timeout":1.5}')],
        *[("POST", route, body) for route in ("/start", "/stop", "/start", "/sync")
          for body in ('{"path":"DIR/no.db"}', '{"path":"DIR/a.db"}', '{"path":"DIR/a.db","more":{"x":[1]}} behind',
                       '{"PATH":"DIR/a.db","timeout":-1}')],
        ("POST", "/sync", '{"path":"DIR/a.db","wait":"yes"}'),
        ("POST", "/register", '{"path":"DIR/c.db","replica_url":null}'),
        ("POST", "/register", '{"path":"DIR/c.db","replica_url":"zz://r"}'),
        ("POST", "/register", '{"path":"DIR/c.db","replica_url":"file://DIR/r-c"}'),
        ("POST", "/register", '{"path":"DIR/c.db","replica_url":"file://DIR/r-c"}'),
        ("POST", "/sync", '{"path":"DIR/c.db","wait":true}'),
        ("POST", "/unregister", '{"path":"DIR/c.db","timeout":0}'),
        ("POST", "/unregister", '{"path":"DIR/c.db"}'),
    ]

    def answers(self, kind):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        path = directory.path
        for name in "ac":
            make_database(path / f"{name}.db").close()
        with Daemon(kind, path, [database_entry(path / "a.db", path / "r-a", sync_interval="100ms")]) as daemon:
            daemon.sync_when_open(path / "a.db")
            last_sync = lambda: "last_sync_at" in self.ask(daemon, path, "GET", "/list", None)
            waiting.until(last_sync, "the first sync", pause=0.05)
            answers = [self.ask(daemon, path, *request) for request in self.REQUESTS]
            daemon.stop()
        return answers

    @staticmethod
    def ask(daemon, path, method, route, body):
        connection = UnixConnection(daemon.socket, 30)
        try:
            connection.request(method, route.replace("DIR", str(path)), body and body.replace("DIR", str(path)))
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        headers = [response.headers.get(name) for name in ("Content-Type", "Allow")]
        text = re.sub(r'("version":)"[^"]*"', r'\1"VERSION"', text)
        text = re.sub(r'("pid":|"uptime_seconds":|txid":)[1-9]\d*', r"\1N", text.replace('"uptime_seconds":0', '"uptime_seconds":N'))
        text = re.sub(r'"details":.*}', '"details":SOME}', text)
        # What the peer tells of a sync under way is not all known here.
        text = re.sub(r'("active":)(true|false).*}', r"\1SOME}", text)
        return f"{method} {route} {body}: {response.status} {headers} {normalised(text, path)}"

    def test_the_same_answers(self):
        self.assertEqual("\n".join(self.answers("ours")), "\n".join(self.answers("peer")))


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
class OfflineCommands(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path
        make_database(self.path / "a.db").close()
        make_database(self.path / "fresh.db").close()
        entries = [database_entry(self.path / f"{name}.db", self.path / f"r-{name}") for name in ("a", "none")]
        with Daemon("peer", self.path, entries) as daemon:
            daemon.sync_when_open(self.path / "a.db")
            daemon.stop()
        entries.append(database_entry(self.path / "fresh.db", self.path / "r-fresh"))
        self.config = Daemon("ours", self.path, entries).config
        self.replica = f"file://{self.path}/r-a"

    def same(self, *words):
        peer, ours = (subprocess.run([client(kind), *map(str, words)], cwd=self.path, capture_output=True, text=True,
                                     env=programs.environment(), timeout=60, check=False) for kind in ("peer", "ours"))
        plain = lambda done: (words, done.returncode, normalised(done.stdout, self.path), normalised(done.stderr, self.path))
        self.assertEqual(plain(ours), plain(peer))
        return ours

    def test_the_same_bytes(self):
        config, a = ["-config", self.config], self.path / "a.db"
        for flags in ([], ["-json"]):
            self.same("databases", *flags, *config)
            self.same("status", *flags, *config)
            self.same("status", *flags, *config, a)
            self.same("status", *flags, *config, "a.db")
            self.same("ltx", *flags, *config, a)
            self.same("wal", *flags, *config, a)
            self.same("ltx", *flags, "-level", "all", self.replica)
            self.same("ltx", *flags, "-level=9", f"file://{self.path}/nothing")
            self.same("restore", *flags, "-dry-run", "-o", "x.db", *config, a)
            self.same("restore", *flags, "-dry-run", "-o", "x.db", self.replica)
            self.same("restore", *flags, "-force", "-o", f"out{len(flags)}.db", *config, a)
            self.same("restore", *flags, "-force", "-o", f"out{len(flags)}.db", self.replica)
            self.same("restore", *flags, "-if-db-not-exists", *config, a)
            self.same("restore", *flags, "-if-replica-exists", "-o", "none.db", f"file://{self.path}/nothing")
        self.same("restore", *config, a)
        self.same("restore", "-o", "none.db", *config, self.path / "none.db")
        self.same("restore", "-o", "none.db", "-txid", "00000000000000ff", self.replica)
        self.same("restore", "-o", "none.db", "-timestamp", "2000-01-01T00:00:00Z", self.replica)
        self.same("restore", "-o", "none.db", "-integrity-check", "zz", self.replica)
        self.same("restore", *config, self.path / "unknown.db")
        self.same("ltx", *config, self.path / "unknown.db")
        self.same("ltx", *config, self.replica)

    def test_replicate_is_the_daemon(self):
        """In the same process, so that supervisors see the daemon itself."""
        link = self.path / "bin" / "litestream"
        link.parent.mkdir()
        link.symlink_to(programs.ours("litestream"))
        replica = self.path / "once"
        programs.run(link, "replicate", "-once", self.path / "a.db", f"file://{replica}")
        out = programs.restore("peer", replica, self.path / "once.db")
        with sqlite3.connect(out) as connection:
            self.assertEqual(connection.execute("SELECT count(*) FROM t").fetchone(), (3,))
        connection.close()
        programs.run(link, "replicate", "-once", "-force-snapshot", self.path / "a.db", f"file://{replica}")
        snapshots = programs.run(client("peer"), "ltx", "-level", "9", f"file://{replica}").stdout.splitlines()
        self.assertEqual(len(snapshots), 2, snapshots)
        process = subprocess.Popen([link, "replicate", "-config", self.config], env=programs.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        socket = self.path / "control.sock"
        waiting.until(lambda: programs.run(client("peer"), "info", "-socket", socket, check=False).returncode == 0,
                      "the daemon to answer", pause=0.05)
        info = json.loads(programs.run(client("peer"), "info", "-json", "-socket", socket).stdout)
        self.assertEqual(info["pid"], process.pid)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(60), 0)
        done = programs.run(link, "replicate", "-exec", "true", "-config", self.config, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_reset(self):
        config = ["-config", self.config]
        self.same("reset")
        self.same("reset", "a", "b")
        self.same("reset", self.path / "none.db")
        self.same("reset", "-dry-run", self.path / "a.db")
        self.same("reset", "-dry-run", *config, self.path / "a.db")
        local = self.path / ".a.db-litestream"
        files = list(local.glob("ltx/0/*.ltx"))
        self.assertTrue(files)
        done = programs.run(client("ours"), "reset", self.path / "a.db")
        self.assertEqual(done.stdout.splitlines(), [
            f"Resetting local Litestream state for: {self.path}/a.db", f"Removing: {local}/ltx",
            "Reset complete. Next replication sync will create a fresh snapshot."])
        self.assertEqual(list(local.glob("ltx/0/*.ltx")), [])
        # Nothing but the replica knows how far it was; it is continued, and holds all there is.
        with sqlite3.connect(self.path / "a.db") as connection:
            connection.execute("INSERT INTO t VALUES (99)")
        connection.close()
        programs.run(client("ours"), "replicate", "-once", self.path / "a.db", self.replica)
        for kind in ("peer", "ours"):
            with sqlite3.connect(programs.restore(kind, self.path / "r-a", self.path / f"{kind}.db")) as connection:
                self.assertEqual(connection.execute("SELECT count(*) FROM t WHERE x = 99").fetchone(), (1,))
            connection.close()
        shutil.rmtree(local)
        self.same("reset", self.path / "a.db")

    def test_a_database_at_work_is_not_reset(self):
        daemon = subprocess.Popen([client("ours"), "replicate", *["-config", self.config]], env=programs.environment(),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(daemon.wait, 60)
        self.addCleanup(daemon.terminate)
        waiting.until(lambda: programs.run(client("ours"), "info", "-socket", self.path / "control.sock",
                                           check=False).returncode == 0, "the daemon to answer", pause=0.05)
        programs.run(client("ours"), "sync", "-wait", "-socket", self.path / "control.sock", self.path / "a.db")
        done = programs.run(client("ours"), "reset", self.path / "a.db", check=False)
        self.assertEqual((done.returncode, done.stderr.splitlines()[0]),
                         (1, f"Error: database {self.path}/a.db is already replicated by process {daemon.pid}"))
        self.assertTrue(list((self.path / ".a.db-litestream").glob("ltx/0/*.ltx")))

    def test_retention_is_enforced_once(self):
        settings = self.path / "short.yml"
        settings.write_text(f"snapshot: {{retention: 1ms}}\ndbs: [{{path: {self.path}/a.db, "
                            f"replica: {{path: {self.path}/kept-short}}}}]\n")
        snapshots = lambda: list((self.path / "kept-short/ltx/9").glob("*.ltx"))
        for n in range(3):
            with sqlite3.connect(self.path / "a.db") as connection:
                connection.execute("INSERT INTO t VALUES (?)", (n,))
            connection.close()
            programs.run(client("ours"), "replicate", "-once", "-force-snapshot", "-config", settings)
        self.assertGreater(len(snapshots()), 2)
        programs.run(client("ours"), "replicate", "-once", "-enforce-retention", "-config", settings)
        self.assertEqual(len(snapshots()), 1)
        programs.restore("peer", self.path / "kept-short", self.path / "short.db")
        done = programs.run(client("ours"), "replicate", "-enforce-retention", "-config", settings, check=False)
        self.assertEqual((done.returncode, done.stderr.splitlines()[0]),
                         (1, "Error: cannot specify -enforce-retention flag without -once"))


if __name__ == "__main__":
    main.main()
