"""What one daemon writes, the other restores: byte for byte what the writer's own restore gives."""
import random
import unittest

from support_py import ltx, main, programs
from support_py.daemon import Daemon, database_entry

FAST = {"levels": [{"interval": "300ms"}, {"interval": "1s"}], "snapshot": {"interval": "1s", "retention": "24h"},
        "l0_retention": "2s", "l0_retention_check_interval": "500ms"}
SETTINGS = {"monitor_interval": "20ms", "checkpoint_interval": "200ms", "min_checkpoint_page_count": 100, "sync_interval": "20ms"}
# The peer loses transactions when the application checkpoints or spills its cache; that is not what is tested here.
PEER_SAFE = ["--autocheckpoint", 0, "--small", "--rate", 300]


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
class BothDirections(unittest.TestCase):
    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path
        self.database, self.replica = self.path / "a.db", self.path / "replica"

    def replicate(self, kind, seed, page_size, *writer):
        programs.workload("create", self.database, "--seed", seed, "--page-size", page_size)
        daemon = Daemon(kind, self.path, [database_entry(self.database, self.replica, **SETTINGS)], **FAST)
        self.addCleanup(daemon.kill)
        daemon.start()
        daemon.sync_when_open(self.database)
        programs.workload("run", self.database, "--writers", 2, "--seed", seed, "--seconds", 3, *writer)
        daemon.sync(self.database)
        daemon.stop()

    def compare(self, name, *flags):
        restored = {kind: programs.restore(kind, self.replica, self.path / f"{name}.{kind}.db", *flags)
                    for kind in ("ours", "peer")}
        self.assertTrue(programs.same_bytes(restored["ours"], restored["peer"]), f"{name}: restores differ")
        return restored["ours"]

    def check(self, seed, exclude):
        latest = self.compare("latest")
        self.assertEqual(programs.digest(self.database, exclude), programs.digest(latest, exclude))
        ends = ltx.reachable(self.replica)
        for txid in random.Random(seed).sample(ends, min(5, len(ends))):
            programs.digest(self.compare(f"txid-{txid}", "-txid", ltx.text(txid)))

    def test_ours_to_peer(self):
        self.replicate("ours", 11, 4096)
        self.check(11, None)

    def test_ours_to_peer_smallest_pages(self):
        self.replicate("ours", 12, 512)
        self.check(12, None)

    def test_ours_to_peer_largest_pages(self):
        self.replicate("ours", 13, 65536)
        self.check(13, None)

    def test_peer_to_ours(self):
        self.replicate("peer", 21, 4096, *PEER_SAFE)
        self.check(21, "_litestream_")

    def test_peer_to_ours_smallest_pages(self):
        self.replicate("peer", 22, 512, *PEER_SAFE)
        self.check(22, "_litestream_")

    def test_peer_to_ours_largest_pages(self):
        self.replicate("peer", 23, 65536, *PEER_SAFE)
        self.check(23, "_litestream_")


if __name__ == "__main__":
    main.main()
