"""A daemon with one database and its replica in a store, and the peer with the same configuration file."""
import os
import sqlite3
import subprocess
import unittest

from scenario import Scenario, until

MIB = 1 << 20
PEER = os.environ.get("LITESTREAM_PEER")


class StoreScenario(Scenario):
    def setUp(self):
        super().setUp()
        self.db = str(self.dir / "app.db")

    def synced(self):
        return self.ask("sync", "-wait", self.db)["replicated_txid"]

    def rows_in(self, output):
        connection = sqlite3.connect(output)
        self.addCleanup(connection.close)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        return connection.execute("SELECT count(*) FROM t").fetchone()[0]

    def rows_of(self, source, *arguments, environment=None):
        output = self.dir / "restored.db"
        done = self.run_program("litestreamctl", "restore", "-force", "-o", output, *arguments, source,
                                environment=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.rows_in(output)

    def peer(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if k != "AWS_CA_BUNDLE"}
        return subprocess.Popen([PEER, *map(str, arguments)], env=environment, cwd=self.dir, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)


class WithThePeer:
    """For a StoreScenario with store_config(), which writes the configuration file."""

    @unittest.skipUnless(PEER, "skipped: LITESTREAM_PEER is not set")
    def test_the_peer_and_we_go_on_with_one_file(self):
        """The peer restores what we wrote, goes on, and we go on after it."""
        connection = self.database()
        config = self.store_config()
        daemon = self.daemon("-config", config)
        self.synced()
        self.assertEqual(daemon.end(), 0, daemon.errors)
        output = self.dir / "peer.db"
        self.assertEqual(self.peer("restore", "-config", config, "-o", output, self.db).wait(60), 0)
        self.assertEqual(self.rows_in(output), 3)
        theirs = self.peer("replicate", "-config", config)
        self.addCleanup(theirs.kill)
        self.insert(connection, 4)
        until(lambda: self.rows_of(self.db, "-config", config) == 7, "the peer's upload")
        theirs.terminate()
        theirs.wait(60)
        self.daemon("-config", config)
        self.insert(connection, 2)
        self.synced()
        output.unlink()
        self.assertEqual(self.peer("restore", "-config", config, "-o", output, self.db).wait(60), 0)
        self.assertEqual(self.rows_in(output), 9)
