#!/usr/bin/env python3
"""docs/conformance.md names tests that exist, and names one for every statement."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/conformance.md"


def rows():
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if len(cells) == 2 and cells[0] not in ("the page says", "---") and not cells[0].startswith("**"):
            yield cells


def scenario_exists(module, name):
    """`name` is CLASS.TEST: the test stands between its class and the next."""
    owner, test = name.split(".")
    text = (ROOT / f"tests/scenario/{module}_scenarios.py").read_text()
    body = re.search(rf"(?ms)^class {owner}\(.*?(?=^class |\Z)", text)
    return body is not None and f"    def {test}(self):" in body[0]


def case_exists(module, name):
    files = [ROOT / f"tests/{folder}/{module}.cpp" for folder in ("control", "daemon")]
    return any(file.exists() and f'"{name}"' in file.read_text() for file in files)


class Conformance(unittest.TestCase):
    def test_every_statement_has_tests_and_every_test_exists(self):
        found = 0
        for statement, shown in rows():
            tests = re.findall(r"`(?:scenario/(\w+): ([\w.]+)|(\w+): \"([^\"]+)\")`", shown)
            self.assertTrue(tests, f"no test for: {statement}")
            self.assertEqual(len(tests), shown.count("`") // 2, f"cannot read: {shown}")
            for module, name, unit, case in tests:
                found += 1
                exists = scenario_exists(module, name) if module else case_exists(unit, case)
                self.assertTrue(exists, f"{module or unit}: {name or case} does not exist; it shows: {statement}")
        self.assertGreater(found, 40)

    def test_the_table_is_part_of_the_protocol(self):
        self.assertTrue((ROOT / "docs/protocol.md").read_text().endswith(TABLE.read_text()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
