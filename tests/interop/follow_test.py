"""Follow mode of both kinds on replicas of both kinds: the same command lines get the same answers, the same lines are
logged, and the copies are the same."""
import itertools
import re
import signal
import sqlite3
import subprocess
import unittest

from support_py import main, programs, waiting
from support_py.daemon import Daemon, database_entry


def program(kind):
    return programs.ours("litestream") if kind == "ours" else programs.peer()


class Copy:
    """restore -f with what it has said so far."""

    def __init__(self, kind, path, *flags, name=None):
        self.path = path / f"{name or kind}.copy.db"
        self.log = path / f"{name or kind}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program(kind), "restore", "-f", "-follow-interval", "50ms", *flags, "-o", str(self.path),
                 f"file://{path}/replica"], stdout=subprocess.PIPE if "-json" in flags else log, stderr=log, text=True,
                env=programs.environment())

    def position(self):
        try:
            return int((self.path.parent / f"{self.path.name}-txid").read_text(), 16)
        except FileNotFoundError:
            return 0

    def wait_for(self, txid):
        def there():
            if self.process.poll() is not None:
                raise programs.Failed(f"follower ended with {self.process.returncode}: {self.log.read_text()}")
            return self.position() >= txid
        waiting.until(there, f"{self.path} to reach {txid}")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=60)


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
class Follow(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path
        self.database = self.path / "a.db"
        self.connection = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(self.connection.close)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("CREATE TABLE t(x)")

    def daemon(self, kind):
        entry = database_entry(self.database, self.path / "replica", sync_interval="20ms", monitor_interval="20ms")
        daemon = Daemon(kind, self.path, [entry])
        self.addCleanup(daemon.kill)
        daemon.start()
        daemon.sync_when_open(self.database)
        return daemon

    def commit(self, daemon):
        self.connection.execute("INSERT INTO t VALUES(randomblob(2000))")
        answer = daemon.sync(self.database)
        return answer.get("replicated_txid") or answer["txid"]

    def copy(self, kind, *flags, **options):
        copy = Copy(kind, self.path, *flags, **options)
        self.addCleanup(copy.close)
        return copy

    def rows(self, path):
        connection = sqlite3.connect(path, timeout=30)
        try:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            return connection.execute("SELECT x FROM t ORDER BY rowid").fetchall()
        finally:
            connection.close()

    def plain(self, text, kind):
        text = text.replace(str(self.path), "DIR").replace(f"{kind}.copy", "copy")
        text = re.sub(r"time=\S+", "time=TIME", text)
        return re.sub(r'("duration_ms": )\d+', r"\1N", text)

    def test_both_say_and_show_the_same(self):
        for writer in ("peer", "ours"):
            for flags in ([], ["-json"], ["-integrity-check", "full"]):
                with self.subTest(writer=writer, flags=flags):
                    self.compare(writer, flags)

    def compare(self, writer, flags):
        said = {}
        daemon = self.daemon(writer)
        for kind in ("peer", "ours"):
            txid = self.commit(daemon)
            copy = self.copy(kind, *flags)
            copy.wait_for(txid)
            for _ in range(3):
                copy.wait_for(self.commit(daemon))
            status, out = copy.end()
            self.assertEqual(self.rows(copy.path), self.rows(self.database))
            text = self.plain(copy.log.read_text() + (out or ""), kind)
            # How far each had come is its own, and so is how many transactions it took at once.
            lines = re.sub(r"txid=[0-9a-f]{16}", "txid=N", text).splitlines()
            said[kind] = (status, [line for line, _ in itertools.groupby(lines)])
            for file in self.path.glob("*.copy.db*"):
                file.unlink()
        daemon.stop()
        self.assertEqual(said["ours"], said["peer"])

    def test_we_take_over_what_the_peer_follows(self):
        daemon = self.daemon("peer")
        copy = self.copy("peer", name="one")
        copy.wait_for(self.commit(daemon))
        self.assertEqual(copy.end()[0], 0)
        txid = self.commit(daemon)
        copy = self.copy("ours", name="one")
        copy.wait_for(txid)
        waiting.until(lambda: self.rows(copy.path) == self.rows(self.database), "the same rows")
        self.assertEqual(copy.end(signal.SIGINT)[0], 0)
        copy = self.copy("ours", name="one")
        copy.wait_for(self.commit(daemon))
        self.assertEqual(copy.end()[0], 0)
        self.assertNotIn("restored anew", copy.log.read_text())
        self.assertEqual(self.rows(copy.path), self.rows(self.database))
        daemon.stop()

    def test_the_same_refusals(self):
        daemon = self.daemon("peer")
        daemon.stop()
        url, copy = f"file://{self.path}/replica", self.path / "x.db"
        programs.restore("ours", self.path / "replica", self.path / "there.db")
        (self.path / "empty.db").touch()
        here = ["-config", daemon.config]
        for words in (["-dry-run", "-o", copy, url], ["-txid", f"{1:016x}", "-o", copy, url],
                      ["-txid", f"{1:016x}", "-dry-run", "-o", copy, url],
                      ["-timestamp", "2030-01-01T00:00:00Z", "-o", copy, *here, self.database],
                      ["-timestamp", "x", "-o", copy, url], ["-integrity-check", "zz", "-dry-run", "-o", copy, url],
                      ["-txid", f"{1:016x}", "-timestamp", "2030-01-01T00:00:00Z", "-o", copy, *here, self.database],
                      ["-txid", "1", "-o", copy, url], [url], [], ["-dry-run", url],
                      ["-o", self.path / "there.db", url], ["-force", "-o", self.path / "there.db", url],
                      ["-o", self.path / "empty.db", url], ["-o", self.path, url],
                      ["-if-db-not-exists", "-o", self.path / "there.db", url],
                      ["-if-db-not-exists", "-dry-run", "-o", self.path / "there.db", url],
                      ["-if-replica-exists", "-o", copy, f"file://{self.path}/nothing"],
                      ["-o", copy, f"file://{self.path}/nothing"], ["-dry-run", *here, "/no/such.db"],
                      ["-follow-interval", "x", "-o", copy, url], ["-follow-interval", "5", "-o", copy, url]):
            with self.subTest(words=words):
                command = ["restore", "-f", *map(str, words)]
                peer, ours = (self.answer(kind, command) for kind in ("peer", "ours"))
                self.assertEqual(ours, peer)
                self.assertFalse(copy.exists())

    def answer(self, kind, command):
        done = programs.run(program(kind), *command, check=False)
        stdout = "USAGE" if re.search(r"(?im)^usage:", done.stdout) else self.plain(done.stdout, kind)
        return done.returncode, stdout, done.stderr.replace("\u00a0", " ")  # the peer has such a blank in one message

    def test_an_interval_that_is_not_positive_is_a_second(self):
        daemon = self.daemon("ours")
        txid = self.commit(daemon)
        for interval in ("0", "0s", "-5s"):
            for kind in ("peer", "ours"):
                name = f"{kind}{interval}"
                copy = self.copy(kind, "-follow-interval", interval, name=name)
                copy.wait_for(txid)
                waiting.until(lambda: "interval=1s" in copy.log.read_text(), "the log")
                self.assertEqual(copy.end()[0], 0)
        daemon.stop()


if __name__ == "__main__":
    main.main()
