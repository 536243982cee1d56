"""One database that our daemon and the peer's replicate to the same store, one after the other or only one of them;
both must restore the same from it, the latest state and earlier ones."""
import random

from . import ltx, programs
from .daemon import Daemon

FAST = {"levels": [{"interval": "300ms"}, {"interval": "1s"}], "snapshot": {"interval": "1s", "retention": "24h"},
        "l0_retention": "2s", "l0_retention_check_interval": "500ms"}
SETTINGS = {"monitor-interval": "20ms", "checkpoint-interval": "200ms", "min-checkpoint-page-count": 100}
# The peer loses transactions when the application checkpoints or spills its cache; that is not what is tested here.
PEER_SAFE = ["--autocheckpoint", 0, "--small", "--rate", 300]


class StoreInterop:
    """Beside unittest.TestCase. A test class says `replica()`, the settings of the replica for both daemons, and
    `keys()`, what is in the store."""

    def setUp(self):
        directory = programs.Directory()
        self.addCleanup(directory.cleanup)
        self.path = directory.path
        self.database = self.path / "a.db"

    def daemon(self, kind):
        replica = {**self.replica(), "sync-interval": "20ms"}
        daemon = Daemon(kind, self.path, [{"path": str(self.database), **SETTINGS, "replica": replica}], **FAST)
        self.addCleanup(daemon.kill)
        return daemon.start()

    def work(self, kind, seed, *writer):
        daemon = self.daemon(kind)
        daemon.sync_when_open(self.database)
        programs.workload("run", self.database, "--writers", 2, "--seed", seed, "--seconds", 3, *writer)
        daemon.sync(self.database)
        daemon.stop()

    def source(self, kind):
        """Where `kind` restores from: what both daemons have read."""
        del kind
        config = next(self.path.glob("*.yml"))
        return ["-config", config, self.database]

    def restore(self, kind, name, *flags):
        output = self.path / f"{name}.{kind}.db"
        program = [programs.ours("litestreamctl")] if kind == "ours" else [programs.peer()]
        programs.run(*program, "restore", "-o", output, *flags, *self.source(kind))
        return output

    def compare(self, name, *flags):
        restored = {kind: self.restore(kind, name, *flags) for kind in ("ours", "peer")}
        self.assertTrue(programs.same_bytes(restored["ours"], restored["peer"]), f"{name}: restores differ")
        return restored["ours"]

    def files(self, level_base=10):
        for key in self.keys():
            _, level, name = ("/" + key).rsplit("/", 2)
            match = ltx.NAME.match(name)
            if match:
                yield ltx.File(int(level, level_base), int(match[1], 16), int(match[2], 16), key)

    def check(self, seed, exclude):
        latest = self.compare("latest")
        self.assertEqual(programs.digest(self.database, exclude), programs.digest(latest, exclude))
        ends = ltx.chain_ends(self.files())
        for txid in random.Random(seed).sample(ends, min(3, len(ends))):
            programs.digest(self.compare(f"txid-{txid}", "-txid", ltx.text(txid)))
