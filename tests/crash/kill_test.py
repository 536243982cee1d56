"""kill -9 of litestreamd at random moments under writers, 100 times. Whatever a sync had reported as replicated is in a
restore made right after the kill; after the restart the next sync and restore are exact.
KILL_TRIALS (5 kills each) and KILL_SEED choose others."""
import concurrent.futures
import http.client
import os
import random
import shutil
import signal
import threading
import time
import unittest

from support_py import main, programs
from support_py.daemon import Daemon, database_entry

TRIALS = int(os.environ.get("KILL_TRIALS", "20"))
SEED = int(os.environ.get("KILL_SEED", "1"))
KILLS = 5
FAST = {"levels": [{"interval": "100ms"}, {"interval": "300ms"}], "snapshot": {"interval": "700ms", "retention": "24h"},
        "l0_retention": "200ms", "l0_retention_check_interval": "100ms"}


def settings(chance):
    return {"monitor_interval": "20ms", "checkpoint_interval": chance.choice(["30ms", "300ms"]), "sync_interval": "10ms",
            "min_checkpoint_page_count": chance.choice([5, 100]), "truncate_page_n": chance.choice([50, 5000])}


class Trial:
    """One database, its writers and a daemon that keeps being killed."""

    def __init__(self, seed, path):
        self.random, self.path = random.Random(seed), path
        self.seed = seed
        self.database, self.replica = path / "a.db", path / "replica"
        self.writers, self.promised, self.checks = [], [], 0

    def run(self):
        programs.workload("create", self.database, "--seed", self.seed)
        daemon = Daemon("ours", self.path, [database_entry(self.database, self.replica, **settings(self.random))], **FAST)
        try:
            daemon.start()
            daemon.sync_when_open(self.database)
            self.start_writers()
            for _ in range(KILLS):
                self.one_kill(daemon)
            self.stop_writers()
            self.final_state_is_exact(daemon)
        finally:
            daemon.kill()
            for writer in self.writers:
                writer.kill()

    def start_writers(self):
        for index in range(1, self.random.choice([1, 2, 3]) + 1):
            self.writers.append(programs.start_workload(
                "write", self.database, "--index", index, "--seed", self.seed, "--seconds", 300,
                "--ledger", self.path / f"ledger.{index}"))

    def stop_writers(self):
        for writer in self.writers:
            writer.send_signal(signal.SIGTERM)
        for writer in self.writers:
            programs.finish_workload(writer)

    def one_kill(self, daemon):
        # In half the cases the kill comes while a sync is under way.
        for _ in range(self.random.choice([0, 1, 2])):
            time.sleep(self.random.uniform(0, 0.15))
            self.promise(daemon)
        meanwhile = threading.Thread(target=self.sync_until_dead, args=(daemon,))
        if self.random.random() < 0.5:
            meanwhile.start()
        time.sleep(self.random.uniform(0, 0.3))
        daemon.process.kill()
        daemon.kill()
        if meanwhile.ident:
            meanwhile.join()
        self.promises_are_kept()
        time.sleep(self.random.choice([0, 0, 0.1]))
        daemon.start()
        daemon.sync_when_open(self.database)

    def promise(self, daemon):
        """What had been committed before a successful sync began is promised from then on."""
        noted = []
        for log in self.path.glob("ledger.?"):
            copy = self.path / f"promised.{log.name}"
            noted.append((copy, log.read_bytes()))
        daemon.sync(self.database)
        for copy, data in noted:
            copy.write_bytes(data[:data.rfind(b"\n") + 1])

    def sync_until_dead(self, daemon):
        try:
            while True:
                daemon.sync(self.database)
        except (OSError, http.client.HTTPException, ValueError):
            pass  # it was killed in the middle of an answer

    def promises_are_kept(self):
        self.checks += 1
        output = programs.restore("ours", self.replica, self.path / f"restored.{self.checks}.db")
        programs.digest(output)
        programs.workload("ledger", output, *sorted(self.path.glob("promised.*")))
        output.unlink()

    def final_state_is_exact(self, daemon):
        daemon.sync(self.database)
        output = programs.restore("ours", self.replica, self.path / "final.db")
        source, restored = programs.digest(self.database), programs.digest(output)
        if source != restored:
            raise AssertionError(f"source {source}, restored {restored}")
        programs.workload("ledger", output, *sorted(self.path.glob("ledger.?")))
        daemon.stop()


def run_trial(seed):
    directory = programs.Directory()
    try:
        Trial(seed, directory.path).run()
    except Exception as error:
        kept = f"{directory.path}.failed"
        shutil.copytree(directory.path, kept, ignore=shutil.ignore_patterns("*.sock"))
        return f"KILL_SEED={seed}: {error}\nkept {kept}"
    finally:
        directory.cleanup()
    return None


class Kill(unittest.TestCase):
    def test_nothing_acknowledged_is_lost(self):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            failures = [f for f in pool.map(run_trial, range(SEED, SEED + TRIALS)) if f]
        print(f"{TRIALS * KILLS} kills in {TRIALS} trials, {len(failures)} trials failed")
        self.assertFalse(failures, "\n".join(failures))


if __name__ == "__main__":
    main.main()
