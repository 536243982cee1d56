"""Stores that answer and should not be believed, or do not want to: a server before them spoils their answers."""
import collections
import itertools
import pathlib
import random
import sys
import threading

from fault_run import FaultRun
from scenario import until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import http_between  # noqa: E402
from support_py.http_between import FORWARD, LOSE, TRUNCATE  # noqa: E402

WRITES = ("PUT", "POST")


class AnswerRun(FaultRun):
    """Before a store of fault_stores.py."""

    def setUp(self):
        super().setUp()
        self.server = self.make_server()
        self.addCleanup(self.server.stop)
        self.between = http_between.Between(self.server.port)
        self.addCleanup(self.between.stop)
        self.random, self.lock = random.Random(self.seed), threading.Lock()

    def mostly(self, spoilt, which=lambda method, path: True, share=0.7):
        """That share of the requests, the first among them, is answered by what `spoilt` gives."""
        draws = itertools.chain([0], iter(self.random.random, None))

        def script(method, path):
            with self.lock:
                hit = which(method, path) and next(draws) < share
                return spoilt() if hit else FORWARD
        return script

    def endure_answers(self, script):
        def begin():
            self.between.script = script

        def spoilt():
            return sum(one.answer != FORWARD for one in list(self.between.seen))

        def end():
            until(spoilt, "a request that is spoilt")  # the application can be done before the daemon asks anything
            self.between.heal()
        self.endure(self.between.port, self.server.port, begin, end)
        print(f"{spoilt()} of {len(self.between.seen)} requests spoilt")


class EachAnswer:
    """The tests of each store."""

    def test_errors_of_a_store(self):
        errors = itertools.cycle([self.error(500, "InternalError"), self.error(503, "SlowDown", Retry_After=1),
                                  self.error(429, "TooManyRequests", Retry_After=1), self.error(503, "ServiceUnavailable")])
        self.endure_answers(self.mostly(lambda: next(errors)))

    def test_expired_token(self):
        self.endure_answers(lambda method, path: self.expired())

    def test_expired_token_is_told(self):
        self.direct = self.replica_config(self.server.port, "direct.yml")
        daemon = self.daemon("-config", self.replica_config(self.between.port, "litestream.yml"))
        self.synced()
        self.between.script = lambda method, path: self.expired()
        self.insert_row()
        error = until(lambda: self.details().get("last_error"), "the refusal")
        self.assertEqual(error["code"], "permission_denied", error)
        until(lambda: self.details()["replica_state"] == "auth_failed", "the state")
        self.between.heal()
        until(self.in_sync, "the catch-up")
        self.assertEqual(self.restored(), self.rows(self.db))
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_stored_and_reset(self):
        """The object is there, and the client is told nothing."""
        self.endure_answers(self.mostly(lambda: LOSE, lambda method, path: method in WRITES))

    def test_truncated_answers(self):
        self.endure_answers(self.mostly(lambda: TRUNCATE, lambda method, path: method == "GET"))

    def test_restore_from_truncated_answers(self):
        """Read to the end all the same; never taken for whole when nothing else comes."""
        through = self.replica_config(self.between.port, "litestream.yml")
        daemon = self.daemon("-config", through)
        for _ in range(30):
            self.insert_row()
        self.synced()
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.direct = through
        times = collections.Counter()

        def script(method, path):
            with self.lock:
                times[path] += 1
                return TRUNCATE if method == "GET" and times[path] <= 2 else FORWARD  # of five attempts
        self.between.script = script
        self.assertEqual(self.restored(), self.rows(self.db))
        self.between.script = lambda method, path: TRUNCATE
        output = self.dir / "never.db"
        done = self.ctl("restore", "-o", output, "-config", through, self.db)
        self.assertEqual(done.returncode, 1)
        self.assertIn("gave up after", done.stderr)
        self.assertFalse(output.exists())

    def test_one_object_fails(self):
        """Nothing goes up past it, so that whatever is there is a whole history."""
        chosen = []

        def script(method, path):
            match = self.LEVEL_0.search(path)
            if method not in WRITES or not match:
                return FORWARD
            with self.lock:
                chosen[:] = chosen or [match[1]]
                later = int(match[1], 16) > int(chosen[0], 16)
            if later:
                out_of_order.append(path)
            return self.error(500, "InternalError") if match[1] == chosen[0] else FORWARD
        out_of_order = []
        self.endure_answers(script)
        self.assertEqual(out_of_order, [])
