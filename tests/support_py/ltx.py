"""What tests need to know of LTX files: names and headers."""
import bisect
import pathlib
import re
import struct
from typing import NamedTuple

NAME = re.compile(r"^([0-9a-f]{16})-([0-9a-f]{16})\.ltx$")


class File(NamedTuple):
    level: int
    min: int
    max: int
    path: pathlib.Path


class Header(NamedTuple):
    page_size: int
    commit: int
    min: int
    max: int
    timestamp_ms: int
    wal_offset: int
    wal_size: int
    salts: tuple


def files(replica, levels=range(10)):
    """Ascending by level and range."""
    found = []
    for level in levels:
        for path in pathlib.Path(replica, "ltx", str(level)).glob("*.ltx"):
            match = NAME.match(path.name)
            if match:
                found.append(File(level, int(match[1], 16), int(match[2], 16), path))
    return sorted(found)


def header(path):
    with open(path, "rb") as f:
        raw = f.read(72)
    magic, _, page_size, commit, low, high, stamp = struct.unpack_from(">4sIIIQQq", raw)
    if magic != b"LTX1":
        raise ValueError(f"{path} is no LTX file")
    offset, size, salt1, salt2 = struct.unpack_from(">qqII", raw, 48)
    return Header(page_size, commit, low, high, stamp, offset, size, (salt1, salt2))


def text(txid):
    return f"{txid:016x}"


def reachable(replica):
    """Every TXID that a chain of files from TXID 1 ends with: what restore must be able to give."""
    return chain_ends(files(replica))


def chain_ends(found):
    states = [0]  # ascending, as files are taken by their end
    for file in sorted(found, key=lambda f: f.max):
        position = bisect.bisect_left(states, file.min - 1)
        if position < len(states) and states[position] < file.max and states[-1] != file.max:
            states.append(file.max)
    return states[1:]
