"""Runs the TestCases of a file for ctest: python3 main.py FILE, or main() at the end of it.

A test that was skipped shows: exit status 77, for which ctest says "Skipped". Where something is required (CI) it is a
failure, whatever the reason."""
import importlib.util
import os
import pathlib
import sys
import unittest

SKIPPED = 77


def is_required():
    return "1" in (os.environ.get("LITESTREAM_REQUIRE_SERVERS"), os.environ.get("LITESTREAM_REQUIRE_PEER"))


def main(module="__main__", arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    result = unittest.main(module=module, argv=[module, *arguments], exit=False, verbosity=2).result
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    if result.skipped:
        sys.exit(1 if is_required() else SKIPPED)


def run(file):
    """As if it were run itself."""
    sys.path[0] = str(file.parent)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    sys.modules[file.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    main(file.stem, sys.argv[2:])


if __name__ == "__main__":
    run(pathlib.Path(sys.argv[1]).resolve())
