"""Daemons of both kinds take turns on one database, its metadata and its replica. TURNS_SEED picks others."""
import os
import random
import shutil
import time
import unittest

from support_py import ltx, main, programs, waiting
from support_py.daemon import Daemon, database_entry

SEED = int(os.environ.get("TURNS_SEED", "1"))
TURNS = 6
FAST = {"levels": [{"interval": "300ms"}, {"interval": "1s"}], "snapshot": {"interval": "2s", "retention": "24h"},
        "l0_retention": "1s", "l0_retention_check_interval": "500ms"}
SETTINGS = {"monitor_interval": "20ms", "checkpoint_interval": "200ms", "min_checkpoint_page_count": 100, "sync_interval": "20ms"}
# Where the peer is the one to prove continuity, the application neither checkpoints nor spills its cache: it loses
# transactions otherwise.
PEER_SAFE = ["--autocheckpoint", 0, "--small", "--rate", 300]


@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
class Turns(unittest.TestCase):
    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path
        self.database, self.replica = self.path / "a.db", self.path / "replica"

    def write(self, *arguments):
        self.writes += 1
        return programs.start_workload("write", self.database, "--seed", self.writes * 100 + self.seed, *arguments)

    def turn(self, kind, ending):
        daemon = Daemon(kind, self.path, [database_entry(self.database, self.replica, **SETTINGS)], **FAST)
        self.addCleanup(daemon.kill)
        daemon.start()
        daemon.sync_when_open(self.database)
        if kind == "ours":
            programs.finish_workload(self.write("--seconds", 0.7))
        writer = self.write("--seconds", 0.8, *PEER_SAFE)
        if ending == "kill":
            time.sleep(self.random.uniform(0.1, 0.7))  # any moment will do
            daemon.kill()
            programs.finish_workload(writer)
            return
        programs.finish_workload(writer)
        daemon.stop()
        self.compare(f"{kind}-{self.writes}")

    def compare(self, name):
        """Both restore the same bytes, and the content is the source's."""
        mine = programs.restore("ours", self.replica, self.path / f"{name}.ours.db")
        theirs = programs.restore("peer", self.replica, self.path / f"{name}.peer.db")
        self.assertTrue(programs.same_bytes(mine, theirs), f"{name}: restores differ")
        self.assertEqual(programs.digest(self.database, "_litestream_"), programs.digest(mine, "_litestream_"), name)

    def play(self, seed):
        self.seed, self.random, self.writes = seed, random.Random(seed), 0
        programs.workload("create", self.database, "--seed", seed)
        kinds = ["ours", "peer"] if self.random.random() < 0.5 else ["peer", "ours"]
        for number in range(TURNS):
            # The last turn ends in order, so that there is a state to compare with.
            ending = "stop" if number >= TURNS - 2 else self.random.choice(["stop", "kill"])
            print(f"turn {number}: {kinds[number % 2]}, {ending}", flush=True)
            self.turn(kinds[number % 2], ending)
            if self.random.random() < 0.5:
                programs.finish_workload(self.write("--seconds", 0.2, *PEER_SAFE))
        final = Daemon("ours", self.path, [database_entry(self.database, self.replica, **SETTINGS)], **FAST)
        self.addCleanup(final.kill)
        final.start()
        final.sync_when_open(self.database)
        final.stop()
        self.compare("final")

    def test_the_peer_continues_behind_what_we_uploaded_together(self):
        """An object of level 0 with several TXIDs, which the peer never writes, is restored and compacted by it."""
        self.seed, self.writes = SEED, 0
        programs.workload("create", self.database, "--seed", SEED, "--page-size", 4096)
        levels = {"levels": FAST["levels"]}
        often = database_entry(self.database, self.replica, monitor_interval="50ms")  # captures between two uploads
        with Daemon("ours", self.path, [often], **levels) as ours:
            ours.sync_when_open(self.database)
            programs.finish_workload(self.write("--seconds", 5, "--rate", 500, "--small", "--autocheckpoint", -1))
            ours.stop()
        merged = [f for f in ltx.files(self.replica, [0]) if f.min < f.max]
        self.assertTrue(merged, "nothing was uploaded together")
        self.compare("ours")
        with Daemon("peer", self.path, [database_entry(self.database, self.replica)], **levels) as peer:
            peer.sync_when_open(self.database)
            programs.finish_workload(self.write("--seconds", 2, *PEER_SAFE))
            waiting.until(lambda: any(f.max > merged[-1].max for f in ltx.files(self.replica, [1])), "the peer to compact")
            peer.stop()
        self.compare("peer")

    def test_the_peer_goes_on_where_a_power_failure_took_our_first_file(self):
        """Its name is not durable before the second one: any part of the meta directory may be gone."""
        meta = self.path / ".a.db-litestream"
        for number, lost in enumerate((meta, meta / "ltx", meta / "ltx" / "0" / f"{1:016x}-{1:016x}.ltx")):
            with self.subTest(lost=lost.name):
                self.seed, self.writes = SEED + number, 0
                programs.workload("create", self.database, "--seed", self.seed)
                with Daemon("ours", self.path, [database_entry(self.database, self.replica)]) as ours:
                    ours.sync_when_open(self.database)
                    ours.kill()
                self.assertEqual([(f.min, f.max) for f in ltx.files(self.replica, [0])], [(1, 1)])
                shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
                for kind in ("peer", "ours"):
                    with Daemon(kind, self.path, [database_entry(self.database, self.replica)]) as daemon:
                        daemon.sync_when_open(self.database)
                        programs.finish_workload(self.write("--seconds", 0.5, *PEER_SAFE))
                        daemon.stop()
                    self.compare(f"{number}-{kind}")
                for path in (meta, self.replica):
                    shutil.rmtree(path)
                for path in self.path.glob("a.db*"):
                    path.unlink()

    def test_turns(self):
        print(f"TURNS_SEED={SEED}")
        self.play(SEED)

    def test_turns_with_another_shape(self):
        self.play(SEED + 1)

    def test_turns_with_a_third_shape(self):
        self.play(SEED + 2)


if __name__ == "__main__":
    main.main()
