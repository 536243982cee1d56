"""The application's database is not ours: nothing of us in it, and no commit fails because of us."""
import hashlib
import json
import sqlite3
import unittest

from support_py import main, programs
from support_py.daemon import Daemon, database_entry

BUSY = {"monitor_interval": "20ms", "checkpoint_interval": "50ms", "min_checkpoint_page_count": 20, "sync_interval": "10ms"}


def logical_pages(connection, path):
    """Hash of every page as a reader sees it."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Attach(unittest.TestCase):
    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path
        self.database = self.path / "a.db"
        programs.workload("create", self.database, "--seed", 3, "--page-size", 4096)

    def daemon(self, **settings):
        daemon = Daemon("ours", self.path, [database_entry(self.database, self.path / "replica", **settings)])
        self.addCleanup(daemon.kill)
        return daemon.start()

    def connect(self, **arguments):
        connection = sqlite3.connect(self.database, isolation_level=None, **arguments)
        self.addCleanup(connection.close)
        return connection

    def test_leaves_no_trace_in_the_database(self):
        programs.workload("write", self.database, "--transactions", 50, "--seed", 1)
        app = self.connect()
        before = (app.execute("PRAGMA data_version").fetchone(), programs.digest(self.database),
                  app.execute("SELECT * FROM sqlite_schema").fetchall(), logical_pages(app, self.database))
        daemon = self.daemon(**BUSY)
        daemon.sync_when_open(self.database)
        during = app.execute("PRAGMA data_version").fetchone()
        daemon.stop()
        after = (app.execute("PRAGMA data_version").fetchone(), programs.digest(self.database),
                 app.execute("SELECT * FROM sqlite_schema").fetchall(), logical_pages(app, self.database))
        self.assertEqual(before[0], during)
        self.assertEqual(before, after)

    def writer_without_patience(self, *arguments):
        daemon = self.daemon(**BUSY)
        daemon.sync_when_open(self.database)
        output = programs.finish_workload(programs.start_workload(
            "write", self.database, "--busy0", "--small", "--rate", 300, "--seconds", 4, *arguments))
        daemon.sync(self.database)
        report = json.loads(output)
        self.assertGreater(report["transactions"], 300)
        self.assertEqual(report["busy"], 0, report)
        restored = programs.restore("ours", self.path / "replica", self.path / "restored.db")
        self.assertEqual(programs.digest(self.database), programs.digest(restored))

    def test_writer_without_patience_never_sees_busy(self):
        self.writer_without_patience("--autocheckpoint", 0)

    def test_writer_that_checkpoints_itself_never_sees_busy(self):
        self.writer_without_patience("--autocheckpoint", 50)

    def test_attaches_while_somebody_holds_the_write_lock(self):
        app = self.connect()
        app.execute("INSERT INTO t(k) VALUES('committed')")
        other = self.connect()
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO t(k) VALUES('not committed')")
        daemon = self.daemon()
        daemon.sync_when_open(self.database)
        restored = sqlite3.connect(programs.restore("ours", self.path / "replica", self.path / "restored.db"))
        self.addCleanup(restored.close)
        keys = {row[0] for row in restored.execute("SELECT k FROM t")}
        self.assertIn("committed", keys)
        self.assertNotIn("not committed", keys)
        other.execute("COMMIT")
        daemon.sync(self.database)
        second = programs.restore("ours", self.path / "replica", self.path / "second.db")
        self.assertEqual(programs.digest(self.database), programs.digest(second))


if __name__ == "__main__":
    main.main()
