"""One database and its daemon while the store misbehaves: an application goes on writing, somebody asks for syncs, the
daemon is killed in the middle of it. Afterwards everything is there, and what was acknowledged was there all the time.

A test class says `replica(port)`, the settings of its replica with the store at that port."""
import json
import pathlib
import random
import sqlite3
import sys
import threading
from http.client import HTTPException

from scenario import LIMIT, until
from store_scenario import MIB, StoreScenario

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py.daemon import ControlError, UnixConnection  # noqa: E402

LONGEST_LOG = 1000  # pages, from which on the daemon takes the write lock to checkpoint
WAL_LIMIT = 32 * MIB  # those, and what is written until the next attempt when one found no gap
MEMORY_LIMIT = 96 * MIB  # resident at most, whatever is waiting
FIRST = 10  # rows that are promised before the fault


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) << 10


def generation(wal):
    """How often the log was begun anew, as its header counts."""
    with open(wal, "rb") as log:
        return log.read(16)[12:]


class Writer(threading.Thread):
    """An application: small transactions, now and then a large one, as fast as one every few milliseconds."""

    def __init__(self, path, seed):
        super().__init__()
        self.path, self.random = path, random.Random(seed)
        self.committed = FIRST  # the last row
        self.written, self.largest_wal = 0, 0  # bytes
        self.generation, self.restarts = b"", 0  # of the log
        self.ended, self.failure = threading.Event(), None

    def run(self):
        try:
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=LIMIT)
            while not self.ended.wait(self.random.uniform(0, 0.01)):
                size = self.random.randint(200_000, 300_000) if self.random.random() < 0.05 else \
                    self.random.randint(1, 60_000)
                connection.execute("INSERT INTO t VALUES (?, ?)", (self.committed + 1, self.random.randbytes(size)))
                self.committed += 1
                self.written += size
                self.look_at_the_log(pathlib.Path(self.path + "-wal"))
            connection.close()
        except (sqlite3.Error, OSError) as failure:
            self.failure = failure

    def look_at_the_log(self, wal):
        self.largest_wal = max(self.largest_wal, wal.stat().st_size)
        now = generation(wal)
        self.restarts += now != self.generation
        self.generation = now

    def stop(self):
        self.ended.set()
        self.join()


class Asker(threading.Thread):
    """Asks for syncs, one after the other; a positive answer is a promise for all rows committed before the question."""

    def __init__(self, socket, database, writer):
        super().__init__()
        self.socket, self.database, self.writer = socket, database, writer
        self.promised, self.answers, self.refusals, self.refusal = FIRST, 0, 0, None
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            before = self.writer.committed
            try:
                call(self.socket, "sync", path=self.database, wait=True, timeout=2)
            except (OSError, HTTPException, ControlError) as refusal:  # late, or the daemon is gone
                self.refusals, self.refusal = self.refusals + 1, refusal
                self.ended.wait(0.05)
                continue
            self.promised, self.answers = before, self.answers + 1

    def stop(self):
        self.ended.set()
        self.join()


def call(socket, method, **params):
    connection = UnixConnection(socket, LIMIT)
    try:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        connection.request("POST", "/control/", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if "error" in answer:
        raise ControlError(str(answer["error"]))
    return answer["result"]


class FaultRun(StoreScenario):
    MORE = 4 * MIB  # that the application writes, at least, before and after the kill
    RESTARTS = 2  # of its log meanwhile

    def setUp(self):
        super().setUp()
        self.asker = None
        self.seed = random.SystemRandom().randrange(1 << 32)
        connection = sqlite3.connect(self.db, isolation_level=None)
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
        connection.executemany("INSERT INTO t (x) VALUES (?)", [("first",)] * FIRST)
        connection.close()

    def replica_config(self, port, name):
        settings = {"sync-interval": "20ms", **self.replica(port)}
        text = f"socket: {{path: {self.socket}}}\nshutdown-sync-timeout: 30s\ndbs:\n  - path: {self.db}\n" \
               f"    min-checkpoint-page-count: 250\n    truncate-page-n: {LONGEST_LOG}\n    replica:\n"
        text += "".join(f"      {key}: {json.dumps(value)}\n" for key, value in settings.items())
        return self.config(text, name)

    def insert_row(self):
        with sqlite3.connect(self.db) as connection:
            connection.execute("INSERT INTO t (x) VALUES (randomblob(1000))")
        connection.close()

    def details(self):
        return call(self.socket, "status", path=self.db, details=True)

    def rows(self, path):
        connection = sqlite3.connect(path)
        self.addCleanup(connection.close)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        return connection.execute("SELECT id, x FROM t ORDER BY id").fetchall()

    def restored(self):
        """The rows of a restore past the fault."""
        output = self.dir / "restored.db"
        done = self.ctl("restore", "-force", "-o", output, "-config", self.direct, self.db)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.rows(output)

    def check_order(self):
        """Level 0 has every TXID once, from the first to the last. But for one file at most: what the daemon had sent
        when it was killed can reach the store after the next one has listed it, and has sent the same in a larger one."""
        listed = self.ctl("ltx", "-json", "-level", "0", "-config", self.direct, self.db)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        files = [(int(file["min_txid"], 16), int(file["max_txid"], 16)) for file in json.loads(listed.stdout)]
        late = [one for one in files if any(whole[0] <= one[0] and one[1] <= whole[1] for whole in files if whole != one)]
        self.assertLessEqual(len(late), 1, files)
        next_txid = 1
        for first, last in files:
            if (first, last) in late:
                continue
            self.assertEqual(first, next_txid, f"level 0 has a hole or an overlap: {files}")
            next_txid = last + 1
        return next_txid - 1

    def write_more(self, writer):
        written, restarts = writer.written + self.MORE, writer.restarts + self.RESTARTS
        until(lambda: writer.failure or (writer.written >= written and writer.restarts >= restarts),
              "the application to write, with checkpoints")
        self.assertIsNone(writer.failure)

    def endure(self, port, server_port, begin, end):
        """`port` leads to the store through the fault, `server_port` past it."""
        print(f"\n{self.id()}: seed {self.seed}")
        try:
            self.live_through(port, server_port, begin, end)
        except AssertionError:
            if self.asker:
                print(f"{self.asker.answers} syncs, {self.asker.refusals} refused, the last: {self.asker.refusal}")
            print("the daemon's log ends with:", *(self.dir / "daemon.log").read_text().splitlines()[-20:], sep="\n")
            raise

    def live_through(self, port, server_port, begin, end):
        self.direct = self.replica_config(server_port, "direct.yml")
        config = self.replica_config(port, "litestream.yml")
        daemon = self.daemon("-config", config)
        self.synced()
        writer = Writer(self.db, self.seed)
        self.asker = asker = Asker(self.socket, self.db, writer)
        self.addCleanup(writer.stop)
        self.addCleanup(asker.stop)
        begin()
        writer.start()
        asker.start()
        self.write_more(writer)
        # Whatever was promised so far is there, though the daemon has no time to end.
        peak = peak_memory(daemon.process.pid)
        asker.stop()
        daemon.close()
        held = [row for row, _ in self.restored()]
        self.assertEqual(held, list(range(1, len(held) + 1)))
        self.assertGreaterEqual(len(held), asker.promised)

        # Begun anew in the fault, which then ends.
        daemon = self.daemon("-config", config)
        self.write_more(writer)
        end()
        writer.stop()
        until(lambda: self.in_sync(), "the catch-up")
        self.assertEqual(self.restored(), self.rows(self.db))
        last = self.check_order()
        peak = max(peak, peak_memory(daemon.process.pid))
        self.assertEqual(daemon.end(), 0, daemon.errors)
        print(f"{writer.committed} transactions of {writer.written / MIB:.0f} MiB, {last} TXIDs; {asker.answers} syncs, "
              f"{asker.refusals} refused, {asker.promised} rows promised and {len(held)} there when killed; log begun "
              f"{writer.restarts} times, at most {writer.largest_wal / MIB:.1f} MiB, daemon at most {peak / MIB:.0f} MiB")
        self.assertIsNone(writer.failure)
        self.assertLess(writer.largest_wal, WAL_LIMIT)
        self.assertLess(peak, MEMORY_LIMIT)

    def in_sync(self):
        try:
            return call(self.socket, "sync", path=self.db, wait=True, timeout=10)
        except ControlError:
            return None
