"""Databases beyond 1 GiB: the page with SQLite's lock bytes is never stored, and everything behind it is where it belongs.

Page size 512 has two million pages and takes a minute."""
import sqlite3
import unittest

from support_py import ltx, main, programs
from support_py.daemon import Daemon, database_entry

LOCK_BYTE = 0x40000000
SIZES = [512, 4096, 65536]


def make_large(path, page_size):
    """One blob of zeros that reaches beyond the lock page, then rows behind it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA page_size = {page_size}")
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)")
    # A blob has at most 10^9 bytes, so it takes two.
    db.execute("INSERT INTO t(v) VALUES(zeroblob(600000000)), (zeroblob(500000000))")
    db.execute("INSERT INTO t(v) VALUES(randomblob(100000))")
    db.execute("PRAGMA journal_mode = WAL")
    return db


class LockPage(unittest.TestCase):
    def trial(self, page_size):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        database, replica = directory.path / "a.db", directory.path / "replica"
        db = make_large(database, page_size)
        self.addCleanup(db.close)
        lock_page = LOCK_BYTE // page_size + 1
        self.assertGreater(db.execute("PRAGMA page_count").fetchone()[0], lock_page)
        with Daemon("ours", directory.path, [database_entry(database, replica)]) as daemon:
            daemon.sync_when_open(database, patience=300)
            # A second, incremental file that touches pages on both sides.
            db.execute("INSERT INTO t(v) VALUES(randomblob(300000))")
            db.execute("UPDATE t SET v = randomblob(50000) WHERE id = 3")
            daemon.sync(database)
            daemon.stop()
        restored = programs.restore("ours", replica, directory.path / "restored.db")
        self.assertEqual(programs.digest(database), programs.digest(restored))
        self.check_lock_page(restored, page_size)
        self.check_with_peer(directory.path, replica, restored)

    def check_lock_page(self, restored, page_size):
        with open(restored, "rb") as f:
            f.seek(LOCK_BYTE)
            self.assertEqual(f.read(page_size), bytes(page_size))

    def check_with_peer(self, path, replica, restored):
        if not programs.peer():
            return
        # A sound database was just opened from `restored`; its bytes are still those of the files.
        theirs = programs.restore("peer", replica, path / "peer.db")
        self.assertTrue(programs.same_bytes(restored, theirs))

    def test_snapshot_and_increment_around_the_lock_page(self):
        for page_size in SIZES:
            with self.subTest(page_size=page_size):
                self.trial(page_size)


if __name__ == "__main__":
    main.main()
