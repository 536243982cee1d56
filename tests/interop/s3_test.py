"""S3: what one daemon writes into a bucket the other restores, and either goes on where the other has stopped."""
import os
import random
import sqlite3
import unittest

from support_py import ltx, main, programs, s3_server
from support_py.daemon import Daemon

FAST = {"levels": [{"interval": "300ms"}, {"interval": "1s"}], "snapshot": {"interval": "1s", "retention": "24h"},
        "l0_retention": "2s", "l0_retention_check_interval": "500ms"}
SETTINGS = {"monitor-interval": "20ms", "checkpoint-interval": "200ms", "min-checkpoint-page-count": 100}
# The peer loses transactions when the application checkpoints or spills its cache; that is not what is tested here.
PEER_SAFE = ["--autocheckpoint", 0, "--small", "--rate", 300]


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
@s3_server.required
class S3BothDirections(unittest.TestCase):
    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path
        self.server = s3_server.S3Server(self.path)
        self.addCleanup(self.server.stop)
        self.database = self.path / "a.db"
        before = {name: os.environ.get(name) for name in s3_server.ENVIRONMENT}
        os.environ.update(s3_server.ENVIRONMENT)
        self.addCleanup(lambda: [os.environ.pop(n, None) if v is None else os.environ.__setitem__(n, v)
                                 for n, v in before.items()])

    def daemon(self, kind):
        replica = {"type": "s3", "bucket": s3_server.BUCKET, "path": "db", "endpoint": self.server.endpoint,
                   "region": s3_server.REGION, "sync-interval": "20ms"}
        daemon = Daemon(kind, self.path, [{"path": str(self.database), **SETTINGS, "replica": replica}], **FAST)
        self.addCleanup(daemon.kill)
        return daemon.start()

    def work(self, kind, seed, *writer):
        daemon = self.daemon(kind)
        daemon.sync_when_open(self.database)
        programs.workload("run", self.database, "--writers", 2, "--seed", seed, "--seconds", 3, *writer)
        daemon.sync(self.database)
        daemon.stop()

    def restore(self, kind, name, *flags):
        output = self.path / f"{name}.{kind}.db"
        program = [programs.ours("litestreamctl")] if kind == "ours" else [programs.peer()]
        programs.run(*program, "restore", "-o", output, *flags, self.server.url("db"))
        return output

    def compare(self, name, *flags):
        restored = {kind: self.restore(kind, name, *flags) for kind in ("ours", "peer")}
        self.assertTrue(programs.same_bytes(restored["ours"], restored["peer"]), f"{name}: restores differ")
        return restored["ours"]

    def files(self):
        for key in self.server.keys():
            path, level, name = key.rsplit("/", 2)
            match = ltx.NAME.match(name)
            if path == "db" and match:
                yield ltx.File(int(level, 16), int(match[1], 16), int(match[2], 16), key)

    def check(self, seed, exclude):
        latest = self.compare("latest")
        self.assertEqual(programs.digest(self.database, exclude), programs.digest(latest, exclude))
        ends = ltx.chain_ends(self.files())
        for txid in random.Random(seed).sample(ends, min(3, len(ends))):
            programs.digest(self.compare(f"txid-{txid}", "-txid", ltx.text(txid)))

    def test_ours_to_peer(self):
        programs.workload("create", self.database, "--seed", 31, "--page-size", 4096)
        self.work("ours", 31)
        self.check(31, None)

    def test_peer_to_ours(self):
        programs.workload("create", self.database, "--seed", 32, "--page-size", 4096)
        self.work("peer", 32, *PEER_SAFE)
        self.check(32, "_litestream_")

    def test_turns_with_files_that_go_up_in_parts(self):
        programs.workload("create", self.database, "--seed", 33, "--page-size", 4096)
        with sqlite3.connect(self.database) as connection:
            connection.execute("CREATE TABLE large (x)")
            connection.execute("INSERT INTO large VALUES (randomblob(?))", (12 << 20,))
        connection.close()
        for seed, kind in enumerate(("peer", "ours", "peer"), 33):
            self.work(kind, seed, *PEER_SAFE)
        self.check(33, "_litestream_")


if __name__ == "__main__":
    main.main()
