"""From the return of COMMIT to the object under its final name on a file replica."""
import ctypes
import os
import pathlib
import struct
import threading
import time
from typing import NamedTuple

from support_py import ltx

IN_MOVED_TO, IN_CREATE = 0x80, 0x100  # a rename, or a hard link to a file that is complete
EVENT = struct.Struct("iIII")
LIBC = ctypes.CDLL(None, use_errno=True)


class Arrival(NamedTuple):
    time: float
    salts: tuple
    wal_end: int


class Commit(NamedTuple):
    time: float
    salts: tuple
    wal_end: int


class Arrivals(threading.Thread):
    """Notes when each level 0 file appears. Headers are read in the same moment, as retention may take the file."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.directory, self.found = pathlib.Path(directory), []
        self.descriptor = LIBC.inotify_init1(0)
        if LIBC.inotify_add_watch(self.descriptor, os.fsencode(self.directory), IN_MOVED_TO | IN_CREATE) < 0:
            raise OSError(ctypes.get_errno(), f"watch {directory}")

    def run(self):
        while True:
            data, now = os.read(self.descriptor, 65536), time.monotonic()
            for name in self.names(data):
                if ltx.NAME.match(name):
                    header = ltx.header(self.directory / name)
                    self.found.append(Arrival(now, header.salts, header.wal_offset + header.wal_size))

    @staticmethod
    def names(data):
        at = 0
        while at < len(data):
            size = EVENT.unpack_from(data, at)[3]
            yield data[at + EVENT.size:at + EVENT.size + size].rstrip(b"\0").decode()
            at += EVENT.size + size


def note_commit(wal):
    """Right after COMMIT of the only writer of a WAL that nobody restarts."""
    now = time.monotonic()
    with open(wal, "rb") as f:
        salts = struct.unpack_from(">II", f.read(32), 16)
        return Commit(now, salts, os.fstat(f.fileno()).st_size)


def lags(commits, arrivals):
    """Milliseconds for each commit that has arrived; fails when one has not."""
    result = []
    for commit in commits:
        covering = [a.time for a in arrivals
                    if a.salts == commit.salts and a.wal_end >= commit.wal_end and a.time >= commit.time - 1]
        if not covering:
            raise AssertionError("a commit never arrived at the replica")
        result.append(max(0.0, (min(covering) - commit.time) * 1000))
    return result
