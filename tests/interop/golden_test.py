"""Replicas written by released versions of the peer: restored byte for byte, and continued."""
import shutil
import sqlite3
import unittest

from support_py import ltx, main, programs
from support_py.daemon import Daemon, database_entry

VERSIONS = ["0.5.5-ps4096", "0.5.15-ps4096", "0.5.17-ps512", "0.5.17-ps4096", "0.5.17-ps65536"]


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
class Golden(unittest.TestCase):
    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path

    def each(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                place = self.path / version
                shutil.copytree(programs.GOLDEN / version, place)
                yield place

    def test_both_restore_the_recorded_bytes(self):
        for place in self.each():
            for kind in ("ours", "peer"):
                output = programs.restore(kind, place / "replica", place / f"{kind}.db")
                self.assertTrue(programs.same_bytes(output, place / "restored.db"), kind)

    def test_our_daemon_continues_an_old_replica(self):
        for place in self.each():
            database, replica = place / "restored.db", place / "replica"
            before = ltx.reachable(replica)[-1]
            with Daemon("ours", place, [database_entry(database, replica)]) as daemon:
                daemon.sync_when_open(database)
                db = sqlite3.connect(database)
                db.execute("CREATE TABLE added(v)")
                db.execute("INSERT INTO added VALUES(randomblob(20000))")
                db.commit()
                outcome = daemon.sync(database)
                db.close()
                daemon.stop()
            self.assertGreater(outcome["replicated_txid"], before)
            mine = programs.restore("ours", replica, place / "ours.db")
            theirs = programs.restore("peer", replica, place / "peer.db")
            self.assertTrue(programs.same_bytes(mine, theirs))
            self.assertEqual(programs.digest(database), programs.digest(mine))


if __name__ == "__main__":
    main.main()
