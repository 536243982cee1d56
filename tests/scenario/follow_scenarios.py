#!/usr/bin/env python3
"""restore -follow beside a daemon at work: readers of the copy see whole transactions whatever is done to the follower,
and it finds its way after kill -9, a long absence and a store that was away."""
import json
import signal
import sqlite3
import subprocess
import threading
import unittest

from scenario import BIN, LIMIT, Scenario, until

FAST = "levels: [{interval: 300ms}, {interval: 1s}]\nl0-retention: 300ms\nl0-retention-check-interval: 100ms\n"
AGREE = "SELECT (SELECT count(*) FROM entries), (SELECT n FROM total)"


class Writer:
    """Keeps two tables in agreement: `total.n` is the number of rows of `entries`."""

    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=LIMIT)
        self.connection.execute("PRAGMA journal_mode=wal")
        self.connection.execute("CREATE TABLE entries(id INTEGER PRIMARY KEY, x)")
        self.connection.execute("CREATE TABLE total(n)")
        self.connection.execute("INSERT INTO total VALUES(0)")
        self.over = threading.Event()
        self.thread = None

    def commit(self, number=0):
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        if number % 40 == 39:
            run("DELETE FROM entries WHERE id % 3 = 0")
        run("INSERT INTO entries(x) WITH RECURSIVE c(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM c LIMIT ?)"
            " SELECT randomblob(700) FROM c", (1 + number % 20,))
        run("UPDATE total SET n = (SELECT count(*) FROM entries)")
        run("COMMIT")

    def start(self):
        def work():
            number = 0
            while not self.over.wait(0.003):
                self.commit(number)
                number += 1
        self.thread = threading.Thread(target=work)
        self.thread.start()

    def stop(self):
        self.over.set()
        if self.thread:
            self.thread.join()

    def close(self):
        self.stop()
        self.connection.close()


class Reader:
    """Looks at a database all the time, as an application would; `wrong` is what should never be seen."""

    def __init__(self, path):
        self.path, self.looks, self.wrong, self.over = path, 0, None, False
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        kept = sqlite3.connect(self.path, isolation_level=None, timeout=LIMIT)
        while not self.over and not self.wrong:
            fresh = sqlite3.connect(self.path, isolation_level=None, timeout=LIMIT)
            try:
                for connection in (kept, fresh):
                    rows, total = connection.execute(AGREE).fetchone()
                    sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
                    if rows != total or sound != "ok":
                        self.wrong = (rows, total, sound)
            except sqlite3.Error as error:
                self.wrong = error
            finally:
                fresh.close()
            self.looks += 1
        kept.close()

    def stop(self):
        self.over = True
        self.thread.join()


class Follow(Scenario):
    def setUp(self):
        super().setUp()
        self.copy = self.dir / "copy.db"
        self.journal = self.dir / "copy.db-journal"
        self.log_path = self.dir / "follow.log"

    def start(self, extra=""):
        writer = Writer(self.dir / "app.db")
        self.addCleanup(writer.close)
        daemon = self.daemon("-config", self.standard("app.db", interval="20ms", extra=extra))
        self.ask("sync", "-wait", "app.db")
        return writer, daemon

    def follow(self, *flags):
        with open(self.log_path, "ab") as log:
            process = subprocess.Popen(
                [BIN / "litestreamctl", "restore", "--follow", "--follow-interval", "20ms", *flags, "-o", self.copy,
                 f"file://{self.dir}/r-app.db"], cwd=self.dir, stdout=subprocess.PIPE, stderr=log, text=True)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LIMIT)

    def finish(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        out, _ = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0, self.log)
        return out

    @property
    def log(self):
        return self.log_path.read_text()

    def position(self):
        try:
            return (self.dir / "copy.db-txid").read_text()
        except FileNotFoundError:
            return ""

    def wait_for_copy(self, process):
        """Until the copy has all that the writer has committed."""
        self.ask("sync", "-wait", "app.db")
        wanted = f"{self.ask('txid', 'app.db')['txid']:016x}\n"
        def there():
            self.assertIsNone(process.poll(), self.log)
            return self.position() >= wanted
        until(there, f"position {wanted}")

    @staticmethod
    def content(path):
        connection = sqlite3.connect(path, timeout=LIMIT)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()

    def test_killed_again_and_again_beside_readers(self):
        writer, _ = self.start()
        process = self.follow()
        until(self.position, "the first restore")
        until(self.copy.exists, "the copy")
        reader = Reader(self.copy)
        self.addCleanup(reader.stop)
        writer.start()
        in_the_middle = 0
        for number in range(30):
            before = self.position()
            # Every other time in the middle of an application.
            moment = self.journal.exists if number % 2 else lambda: self.position() != before
            until(moment, "the follower at work")
            process.kill()
            process.communicate(timeout=LIMIT)
            in_the_middle += self.journal.exists()
            looks = reader.looks
            until(lambda: reader.looks > looks or reader.wrong, "a reader after the kill")
            self.assertIsNone(reader.wrong)
            process = self.follow()
        writer.stop()
        self.wait_for_copy(process)
        self.finish(process)
        reader.stop()
        self.assertIsNone(reader.wrong)
        self.assertEqual(self.content(self.copy), self.content(self.dir / "app.db"))
        self.assertNotIn("restored anew", self.log)
        self.assertGreater(in_the_middle, 0)
        self.assertEqual(sorted(path.name for path in self.dir.glob("copy*")), ["copy.db", "copy.db-txid"])

    def test_after_an_absence_longer_than_retention(self):
        writer, _ = self.start(FAST)
        process = self.follow()
        until(self.copy.exists, "the copy")
        self.finish(process, signal.SIGINT)
        parked = int(self.position(), 16)
        writer.start()
        level0 = self.dir / "r-app.db" / "ltx" / "0"
        first = lambda: min((path.name for path in level0.glob("*.ltx")), default="")
        until(lambda: first()[:16] > f"{parked + 1:016x}", "what comes next to be gone from level 0")
        process = self.follow()
        writer.stop()
        self.wait_for_copy(process)
        self.finish(process)
        self.assertEqual(self.content(self.copy), self.content(self.dir / "app.db"))
        self.assertNotIn("restored anew", self.log)

    def test_when_the_way_on_is_gone(self):
        writer, daemon = self.start()
        process = self.follow()
        until(self.copy.exists, "the copy")
        reader = Reader(self.copy)
        self.addCleanup(reader.stop)
        self.finish(process)
        for number in range(5):
            writer.commit(number)
            self.ask("sync", "-wait", "app.db")
        daemon.end()
        replica = self.dir / "r-app.db"
        done = self.run_program("litestreamd", "-once", "-force-snapshot", self.dir / "app.db", f"file://{replica}")
        self.assertEqual(done.returncode, 0, done.stderr)
        for path in (replica / "ltx" / "0").glob("*.ltx"):
            path.unlink()
        process = self.follow()
        until(lambda: "follow: restored anew in place" in self.log, "a new restore")
        until(lambda: self.content(self.copy) == self.content(self.dir / "app.db"), "the content")
        self.assertIn('reason="the files that continue from here are gone from the replica"', self.log)
        self.finish(process)
        reader.stop()
        self.assertIsNone(reader.wrong)

    def test_a_store_that_is_away_is_waited_for(self):
        self.connect_replica()
        writer, _ = self.start()
        process = self.follow("-json")
        until(lambda: "entering follow mode" in self.log, "the log")
        self.disconnect_replica()
        until(lambda: "level=ERROR" in self.log, "an error in the log")
        self.assertIn('msg="follow: error applying updates" replica=file error=', self.log)
        self.connect_replica()
        writer.commit()
        self.wait_for_copy(process)
        until(lambda: "follow: going on after an error" in self.log, "the follower to say so")  # after the position
        position = self.position().strip()
        summary = json.loads(self.finish(process))
        self.assertEqual((summary["db_path"], summary["replica"], summary["txid"]), (str(self.copy), "file", position))
        self.assertTrue(self.log.endswith('msg="follow mode stopped" replica=file\n'))

    def test_what_others_write_goes(self):
        writer, _ = self.start()
        process = self.follow()
        until(lambda: "entering follow mode" in self.log, "the log")
        with sqlite3.connect(self.copy, timeout=LIMIT) as connection:
            connection.execute("DROP TABLE total")
        connection.close()
        writer.commit()
        until(lambda: "somebody else has written to the database" in self.log, "the log")
        self.wait_for_copy(process)
        self.assertEqual(self.content(self.copy), self.content(self.dir / "app.db"))
        self.finish(process)

    def test_what_is_refused(self):
        self.start()
        url = f"file://{self.dir}/r-app.db"
        command = ["restore", "-follow", "-o", self.copy]
        self.refused("cannot use -dry-run with -f", *command, "-dry-run", url, status=2)
        self.refused("cannot use follow mode with -txid", *command, "-txid", f"{1:016x}", url, status=2)
        self.refused("cannot use follow mode with -timestamp", *command, "-timestamp", "2030-01-01T00:00:00Z", url, status=2)
        for interval in ("0s", "-1s", "x"):
            self.refused(f'invalid value "{interval}" for flag -follow-interval: must be a duration like 1s or 500ms',
                         *command, "-follow-interval", interval, url, status=2)
        self.refused("no matching backup files available", *command, f"file://{self.dir}/nothing")
        self.assertFalse(self.copy.exists() or (self.dir / "copy.db-txid").exists())
        self.assertEqual(self.ctl("restore", "-o", self.copy, url).returncode, 0)
        self.refused("cannot resume follow mode: database exists but no -txid file found; delete the database to "
                     f"re-restore: {self.copy}", *command, url)

    def test_one_follower_a_database(self):
        self.start()
        process = self.follow()
        until(lambda: "entering follow mode" in self.log, "the log")
        self.refused(f"another process follows into {self.copy}", "restore", "-follow", "-o", self.copy,
                     f"file://{self.dir}/r-app.db")
        self.finish(process)


if __name__ == "__main__":
    unittest.main(verbosity=2)
