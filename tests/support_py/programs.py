"""Where the programs are, and how to run them to their end."""
import os
import pathlib
import subprocess
import tempfile

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def bin_directory():
    """The build's bin/, from LITESTREAM_BIN (ctest sets it)."""
    return pathlib.Path(os.environ.get("LITESTREAM_BIN", "build/dev/bin")).resolve()


def ours(name):
    return str(bin_directory() / name)


def workload_tool():
    """Beside our programs, unless LITESTREAM_TOOLS says that the tools are from another build."""
    return str(pathlib.Path(os.environ.get("LITESTREAM_TOOLS", bin_directory())) / "workload")


def peer():
    """The peer's binary, or None: then what needs it is skipped, aloud."""
    return os.environ.get("LITESTREAM_PEER") or None


def environment():
    # With a CA bundle in the environment the peer does not start.
    return {k: v for k, v in os.environ.items() if k != "AWS_CA_BUNDLE"}


class Failed(AssertionError):
    """A program ended otherwise than it had to."""


def run(*command, check=True, timeout=120):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, env=environment())
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def workload(verb, database, *arguments, check=True):
    return run(workload_tool(), verb, database, *arguments, check=check)


def start_workload(verb, database, *arguments):
    command = [workload_tool(), verb, str(database), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish_workload(process, timeout=120):
    """Waits for a writer; it is an error when it met what no application should see."""
    output, _ = process.communicate(timeout=timeout)
    if process.returncode != 0:
        raise Failed(f"writer ended with {process.returncode}: {output}")
    return output


def digest(database, exclude=None):
    """Content and soundness of a database in one line; fails when it is damaged."""
    arguments = ["--exclude", exclude] if exclude else []
    return workload("digest", database, *arguments).stdout.strip()


def restore_command(kind, output, source, *flags):
    program = [ours("litestreamctl")] if kind == "ours" else [peer()]
    return [*program, "restore", "-o", str(output), *flags, f"file://{source}"]


def restore(kind, replica, output, *flags):
    """`kind` is "ours" or "peer"."""
    run(*restore_command(kind, output, replica, *flags))
    return output


def same_bytes(one, other):
    with open(one, "rb") as a, open(other, "rb") as b:
        return a.read() == b.read()


class Directory(tempfile.TemporaryDirectory):
    """A place for one test, kept when KEEP_TEST_DIRECTORIES is set."""

    def __init__(self):
        super().__init__(prefix="litestream-test-")
        self.path = pathlib.Path(self.name)

    def cleanup(self):
        if not os.environ.get("KEEP_TEST_DIRECTORIES"):
            super().cleanup()
