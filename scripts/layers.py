#!/usr/bin/env python3
"""Fails when a source file breaks a rule of docs/architecture.md that a compiler does not see.

- an #include that points down the layer table, or from one library into the other
- an operating system, SQLite, LZ4, Boost… header outside the one place that may use it
- a coroutine keyword (docs/adr/0006-no-coroutines.md)
- a file that is too long to be read in one sitting
- a source file that no target builds (with --compile-commands FILE)
"""
import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 500

# What each layer of libreplica names directly; what those use comes with them.
USES = {
    "base": [],
    "wal": ["base"],
    "ltx": ["base"],
    "io": ["base"],
    "store": ["ltx", "io"],
    "http": ["base"],
    "backend": ["base", "io", "http"],
    "replica": ["ltx", "backend"],
    "engine": ["wal", "store", "replica"],
    "restore": ["ltx", "io", "replica"],
    "replicator": ["engine", "restore"],
}
# The same for the folders of libcontrol; its public headers are open to all of them.
CONTROL_USES = {
    "net": [],
    "rpc": [],
    "methods": ["rpc"],
    "access": ["net", "methods"],
    "http": ["rpc", "methods"],
    "server": ["net", "rpc", "methods", "http", "access"],
    "client": ["net", "rpc", "http"],
}
PUBLIC_HEADERS = {
    "result": "base", "types": "base", "bytes": "base", "clock": "base", "log": "base", "requests": "base", "lasting_memory": "base",
    "wal": "wal", "ltx": "ltx", "backend": "backend", "conformance": "backend",
    "s3": "backend", "sftp": "backend", "nats": "backend",
    "gcs": "backend", "webdav": "backend", "azure": "backend", "oss": "backend",
    "replica": "replica", "database": "engine", "local_state": "engine", "events": "engine", "restore": "restore", "several": "restore", "follow": "restore", "replicator": "replicator",
}
# Header pattern → the places that may include it.
EXTERNAL = [
    (r"sqlite3\.h$", ["libreplica/io", "libreplica/restore", "ctl", "tests"]),
    (r"(fcntl|unistd|dirent|poll|netdb)\.h$|sys/", ["libreplica/io", "libcontrol", "daemon", "ctl", "tests"]),
    (r"lz4", ["libreplica/ltx", "tests"]),
    (r"xxhash", ["libreplica/store", "tests"]),
    (r"boost/(?!json|unordered/)", ["libcontrol", "daemon", "ctl", "tests"]),
    (r"boost/json", ["libreplica/backend", "libcontrol", "daemon", "ctl", "tests"]),
    (r"boost/unordered/", ["libreplica/backend", "libreplica/replicator", "tests"]),
    (r"yaml-cpp/", ["daemon", "tests"]),
    (r"openssl/", ["libreplica/io", "libreplica/backend", "libcontrol", "daemon", "tests"]),
    (r"curl/", ["libreplica/http", "daemon"]),
    (r"pugixml", ["libreplica/backend"]),
    (r"libssh/|nats/nats.h", ["libreplica/backend"]),
    (r"catch2/", ["tests"]),
]
FOLDERS = ["libreplica", "libcontrol", "daemon", "ctl", "tests", "bench"]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
COROUTINE = re.compile(r"\bco_(await|return|yield)\b")


def closure(layer):
    seen = {layer}
    for used in USES[layer]:
        seen |= closure(used)
    return seen


def place_of(path):
    """"libreplica/io" for the library's layers, else the top folder."""
    if path.parts[0] != "libreplica":
        return path.parts[0]
    if path.parts[1] == "include":
        return "libreplica/" + PUBLIC_HEADERS.get(path.stem, "unknown")
    return "libreplica/" + path.parts[2]


def target_layer(header):
    """The layer an include names, or None when it is none of libreplica's."""
    folder, _, rest = header.partition("/")
    if folder == "replica" and pathlib.PurePath(rest).stem in PUBLIC_HEADERS and (
            ROOT / "libreplica/include" / header).exists():
        return PUBLIC_HEADERS[pathlib.PurePath(rest).stem]
    return folder if folder in USES and (ROOT / "libreplica/src" / header).exists() else None


def check_control(own, header):
    """Folders of libcontrol include what CONTROL_USES says."""
    if own not in CONTROL_USES:
        return f"folder {own} is not in the table of scripts/layers.py"
    folder = header.partition("/")[0]
    if folder in CONTROL_USES and folder != own and folder not in CONTROL_USES[own]:
        return f"{own} may not use {folder}"
    return None


def check_include(place, header):
    layer = target_layer(header)
    if place.startswith("libreplica/"):
        own = place.split("/")[1]
        if own not in USES:
            return f"layer {own} is not in the table of scripts/layers.py"
        if header.startswith("control/"):
            return "libreplica never includes libcontrol"
        if layer and layer not in closure(own):
            return f"layer {own} may not use {layer}"
    if place == "libcontrol" and layer:
        return "libcontrol never includes libreplica"
    if place in ("daemon", "ctl") and layer and not header.startswith("replica/"):
        return f"{place} uses the public headers only"
    for pattern, places in EXTERNAL:
        if re.match(pattern, header) and place not in places:
            return f"only {', '.join(places)} may include it"
    return None


def check_file(path, text):
    relative = path.relative_to(ROOT)
    place = place_of(relative)
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        yield f"{relative}: {len(lines)} lines; split it (at most {MAX_LINES})"
    in_control = relative.parts[:2] == ("libcontrol", "src")
    for number, line in enumerate(lines, 1):
        if match := INCLUDE.match(line):
            why = check_include(place, match[1]) or (in_control and check_control(relative.parts[2], match[1]))
            if why:
                yield f"{relative}:{number}: {match[1]}: {why}"
        if COROUTINE.search(line):
            yield f"{relative}:{number}: coroutine; g++ 12 miscompiles them (docs/adr/0006-no-coroutines.md)"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile-commands", type=pathlib.Path, help="also fail on sources that are in no target")
    options = parser.parse_args()

    files = sorted(f for folder in FOLDERS for f in (ROOT / folder).rglob("*.[ch]pp"))
    problems = [p for f in files for p in check_file(f, f.read_text())]
    if options.compile_commands:
        built = {pathlib.Path(entry["file"]).resolve() for entry in json.loads(options.compile_commands.read_text())}
        # The consumer is a project of its own.
        own = [f for f in files if f.suffix == ".cpp" and ROOT / "tests/consumer" not in f.parents]
        problems += [f"{f.relative_to(ROOT)}: in no target" for f in own if f not in built]
    for problem in problems:
        print(problem)
    print(f"layers: {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
