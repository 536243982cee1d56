"""5,000 transactions, each its own TXID, through compaction and retention; then restores to TXIDs and times all over the
window give exactly the row count that was committed at that TXID. CHAIN_LENGTH overrides the number."""
import datetime
import os
import random
import sqlite3
import unittest

from support_py import ltx, main, programs
from support_py.daemon import Daemon, database_entry

LENGTH = int(os.environ.get("CHAIN_LENGTH", "5000"))
SEED = int(os.environ.get("CHAIN_SEED", "1"))
TOP_LEVEL = {"levels": [{"interval": "300ms"}, {"interval": "1s"}, {"interval": "3s"}],
             "snapshot": {"interval": "2s", "retention": "4s"}, "l0_retention": "1s", "l0_retention_check_interval": "500ms"}


class LongChain(unittest.TestCase):
    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path, self.random = directory.path, random.Random(SEED)
        self.database, self.replica = self.path / "a.db", self.path / "replica"
        self.rows_at, self.restores = {}, 0
        print(f"CHAIN_SEED={SEED}")

    def write_chain(self):
        """One commit, one sync, LENGTH times; remembers how many rows each TXID holds."""
        db = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(db.close)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)")
        entry = database_entry(self.database, self.replica, sync_interval="1ms")
        with Daemon("ours", self.path, [entry], **TOP_LEVEL) as daemon:
            daemon.sync_when_open(self.database)
            for row in range(1, LENGTH + 1):
                db.execute("INSERT INTO t(v) VALUES(?)", (self.random.randbytes(self.random.randint(1, 400)),))
                self.rows_at[self.sync_here(daemon)] = row
            daemon.stop()

    def sync_here(self, daemon):
        """Captured, not yet uploaded: the chain must not wait for the replica each time."""
        return daemon.request("sync", {"path": str(self.database), "wait": False, "timeout": 30})["txid"]

    def rows_in_restore(self, *flags):
        self.restores += 1
        output = programs.restore("ours", self.replica, self.path / f"restored.{self.restores}.db", *flags)
        db = sqlite3.connect(output)
        try:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok", flags)
            count, highest = db.execute("SELECT count(*), max(id) FROM t").fetchone()
        finally:
            db.close()
        output.unlink()
        self.assertEqual(count, highest or 0, flags)
        return count

    def test_every_point_of_the_window(self):
        self.write_chain()
        self.assertGreater(len(self.rows_at), LENGTH * 0.9, "transactions were to have TXIDs of their own")
        files = ltx.files(self.replica)
        self.check_shape(files)
        self.assertEqual(self.rows_in_restore(), LENGTH)
        self.check_txids(ltx.chain_ends(files))
        self.check_times(files)

    def check_shape(self, files):
        levels = {file.level for file in files}
        self.assertLessEqual({0, 1, 2, 9}, levels)
        level0 = [file for file in files if file.level == 0]
        self.assertLess(len(level0), LENGTH // 2, "retention was to remove level 0 files")

    def check_txids(self, ends):
        known = [txid for txid in ends if txid in self.rows_at]
        self.assertTrue(known)
        for txid in sorted(self.random.sample(known, min(25, len(known)))):
            with self.subTest(txid=txid):
                self.assertEqual(self.rows_in_restore("-txid", ltx.text(txid)), self.rows_at[txid])
        gone = [txid for txid in self.rows_at if txid not in set(ends)]
        if gone:
            command = programs.restore_command("ours", self.path / "never.db", self.replica, "-txid", ltx.text(gone[0]))
            self.assertNotEqual(programs.run(*command, check=False).returncode, 0, "a TXID that is gone was restored")

    def check_times(self, files):
        """Strictly before a time: the end of the best chain of the files made before it."""
        made = {file: ltx.header(file.path).timestamp_ms for file in files}
        times = sorted(made.values())
        for _ in range(15):
            at = self.random.randint(times[0] + 1, times[-1])
            ends = [e for e in ltx.chain_ends([f for f in files if made[f] < at]) if e in self.rows_at]
            if not ends:
                continue
            with self.subTest(time=at):
                moment = datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc)
                flag = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"
                self.assertEqual(self.rows_in_restore("-timestamp", flag), self.rows_at[max(ends)])


if __name__ == "__main__":
    main.main()
