#!/usr/bin/env python3
"""An S3 store that throttles: how often it is asked again, and when."""
import collections
import json
import pathlib
import random
import re
import sqlite3
import sys
import threading
import time
import unittest

from scenario import Scenario, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import http_between, s3_server  # noqa: E402
from support_py.http_between import FORWARD, s3_error  # noqa: E402

DATABASES = 500
REFUSED_FOR = 6.0  # seconds from the first request on
SHARE = 0.9  # of the requests in this time
DATABASE = re.compile(r"(?:/|prefix=)r(?:/|%2F)(\d+)(?:/|%2F)")


class Throttled(Scenario):
    def setUp(self):
        super().setUp()
        self.server = s3_server.S3Server(self.dir)
        self.addCleanup(self.server.stop)
        self.between = http_between.Between(self.server.port)
        self.addCleanup(self.between.stop)

    def make_databases(self, count, extra=""):
        (self.dir / "db").mkdir()
        first = self.dir / "first.db"
        connection = sqlite3.connect(first, isolation_level=None)
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("CREATE TABLE t (x)")
        connection.close()
        content = first.read_bytes()
        text = f"socket: {{path: {self.socket}}}\naccess-key-id: {s3_server.KEY}\n" \
               f"secret-access-key: {s3_server.SECRET}\n{extra}\ndbs:\n"
        for number in range(count):
            path = self.dir / f"db/{number}.db"
            path.write_bytes(content)
            replica = {"type": "s3", "bucket": s3_server.BUCKET, "path": f"r/{number}", "sync-interval": "1s",
                       "endpoint": f"http://127.0.0.1:{self.between.port}"}
            text += f"  - {{path: {path}, replica: {json.dumps(replica)}}}\n"
        return self.config(text)

    def replicated(self):
        return [one["path"] for one in self.ask("list", "-details") if one.get("replicated_txid")]


@s3_server.required
class ManyAtOnce(Throttled):
    def test_five_hundred_databases_come_up(self):
        """Most of what is asked in the first seconds is refused."""
        seed = random.SystemRandom().randrange(1 << 32)
        print(f"\nseed {seed}")
        draw, lock, begin = random.Random(seed), threading.Lock(), []

        def script(method, path):
            del method, path
            with lock:
                begin[:] = begin or [time.monotonic()]
                refused = time.monotonic() - begin[0] < REFUSED_FOR and draw.random() < SHARE
            return s3_error(503, "SlowDown") if refused else FORWARD

        config = self.make_databases(DATABASES)
        self.between.script = script
        daemon = self.daemon("-config", config)
        until(lambda: len(self.replicated()) == DATABASES, "all databases on their replicas")
        took = time.monotonic() - begin[0]
        seen = list(self.between.seen)
        refused = [one for one in seen if one.answer != FORWARD]
        asked, in_vain = by_database(seen), by_database(refused)
        slots = collections.Counter(int((one.at - begin[0]) * 2) for one in refused)
        answered = by_database(one for one in seen if one.answer == FORWARD and one.at - begin[0] < REFUSED_FOR)
        most = {"asked": max(map(len, asked.values())), "in vain": max(map(len, in_vain.values())),
                "in vain without an answer": max(len(times) - 2 * len(answered[name]) for name, times in in_vain.items())}
        print(f"{len(seen)} requests in {took:.1f} s, {len(refused)} in vain; of one database at most {most}; in vain in "
              f"each half second: {sorted(slots.items())}")
        self.assertEqual(len(asked), DATABASES)
        # Four rounds of three attempts, 1, 2 and 4 s apart; within a round each answer can follow two in vain, after
        # which the next request has three attempts of its own.
        self.assertLessEqual(most["in vain without an answer"], 12)
        self.assertLessEqual(len(refused), DATABASES)
        self.assertLessEqual(max(slots.values()), 3 * len(refused) / (2 * REFUSED_FOR) + 5)
        self.assertEqual(daemon.end(), 0, daemon.errors)


@s3_server.required
class AgainAndAgain(Throttled):
    DATABASES, ROUNDS = 3, 3

    def rounds(self, **headers):
        """The databases' requests of a while in which all are refused: for each the rounds of attempts, as their times."""
        daemon = self.daemon("-config", self.make_databases(self.DATABASES, "levels: [{interval: 1h}]"))
        until(lambda: len([key for key in self.server.keys() if "/0009/" in key]) == self.DATABASES,
              "the snapshots, which are made last")
        self.between.script = lambda method, path: s3_error(503, "SlowDown", **headers)
        begin = len(self.between.seen)
        for number in range(self.DATABASES):
            with sqlite3.connect(self.dir / f"db/{number}.db") as connection:
                connection.execute("INSERT INTO t VALUES (1)")
            connection.close()

        def refused():  # by what uploads, which is about level 0
            return by_database(one for one in self.between.seen[begin:] if re.search(r"(/|%2F)0000(/|%2F)", one.path))

        until(lambda: len(refused()) == self.DATABASES and
              all(len(one) > 3 * self.ROUNDS for one in refused().values()), "attempts")
        self.between.heal()
        until(lambda: all(one["txid"] == one["replicated_txid"] for one in self.ask("list", "-details")), "the catch-up")
        self.assertEqual(daemon.end(), 0, daemon.errors)
        return {name: [times[n:n + 3] for n in range(0, 3 * self.ROUNDS + 1, 3)] for name, times in refused().items()}

    def test_pauses_grow_and_differ(self):
        pauses = set()
        for name, rounds in sorted(self.rounds().items()):
            print(f"\ndatabase {name}:", *([round(time - rounds[0][0], 3) for time in one] for one in rounds))
            for number in range(self.ROUNDS):
                one = rounds[number]
                # Pauses of 0.25, 0.5 and 1, 2, 4 s, cut short by up to a half and a quarter.
                self.assertGreater(one[1] - one[0], 0.12)
                self.assertGreater(one[2] - one[1], 0.24)
                self.assertGreater(rounds[number + 1][0] - one[2], 0.74 * 2 ** number)
                pauses.add(round(one[1] - one[0], 2))
        self.assertGreater(len(pauses), 3, "pauses in lockstep")

    def test_nobody_asks_before_the_store_says(self):
        for rounds in self.rounds(Retry_After=1).values():
            for one in rounds[:self.ROUNDS]:
                self.assertGreater(one[1] - one[0], 1.1)
                self.assertGreater(one[2] - one[1], 1.2)


def by_database(seen):
    """Times of requests, by the number in the name of the database."""
    times = collections.defaultdict(list)
    for one in seen:
        found = DATABASE.search(one.path)
        if found:
            times[found[1]].append(one.at)
    return times


if __name__ == "__main__":
    unittest.main(verbosity=2)
