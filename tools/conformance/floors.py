#!/usr/bin/env python3
"""Hold results of conformance.py against the recorded floors: how many methods of each module pass, and must go on passing.

    floors.py RESULTS.json ...            compare; exit 1 if a module is below its floor, or above it without a record
    floors.py --update RESULTS.json ...   write the floors of the modules in the results; others keep theirs
    floors.py --reasons RESULTS.json ...  compare failing methods with tests/cpython/expectations.toml: each has a reason there,
                                          and each reason has a failing method

A module with results above its floor fails too, so that what was won is recorded; `--at-least` lets it pass.
"""
import argparse
import fnmatch
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import conformance  # noqa: E402

FLOORS = os.path.join(HERE, "..", "..", "tests", "cpython", "floors.toml")
REASONS = os.path.join(HERE, "..", "..", "tests", "cpython", "expectations.toml")
HEAD = """\
# How many test methods of each module of CPython's test package pass (of those that CPython 3.14 itself passes).
# Written by `tools/conformance/floors.py --update`; see tests/cpython/README.md.

[passed]
"""


def read_floors(path):
    floors = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                name, equals, count = line.partition("=")
                if equals and not line.startswith("#"):
                    floors[name.strip().strip('"')] = int(count)
    return floors


def write_floors(path, floors):
    with open(path, "w", encoding="utf-8") as out:
        out.write(HEAD)
        for name in sorted(floors):
            key = '"%s"' % name if "." in name else name
            out.write("%s = %d\n" % (key, floors[name]))


def entries(paths):
    for path in paths:
        with open(path, encoding="utf-8") as results:
            yield from json.load(results)["modules"].items()


def passed_counts(paths):
    base = conformance.Baseline(os.path.join(HERE, "baseline.json"))
    return {name: conformance.score(name, entry, base)["passed"] for name, entry in entries(paths)}


def read_reasons(path):
    """Patterns of methods and their reasons by module: the part of TOML that the file is written in."""
    reasons, table = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("["):
                table = reasons.setdefault(line.strip(" []\n\""), {})
                continue
            row = re.match(r'"([^"]+)" = "(.+)"$', line)
            if row and table is not None:
                table[row[1]] = row[2]
    return reasons


def compare_reasons(paths):
    base = conformance.Baseline(os.path.join(HERE, "baseline.json"))
    reasons = read_reasons(REASONS)
    bad = 0
    for name, entry in entries(paths):
        states = conformance.flat(entry)
        failing = [key for key in base.modules.get(name) or () if states.get(key) != "ok"]
        patterns = reasons.get(name, {})
        for key in sorted(failing):
            if not any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns):
                print("%s: %s fails without a reason" % (name, key))
                bad += 1
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(key, pattern) for key in failing):
                print("%s: %s has a reason, and passes" % (name, pattern))
                bad += 1
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+")
    parser.add_argument("--floors", default=FLOORS)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--at-least", action="store_true")
    parser.add_argument("--reasons", action="store_true")
    options = parser.parse_args()
    if options.reasons:
        return compare_reasons(options.results)
    floors = read_floors(options.floors)
    counts = passed_counts(options.results)
    if options.update:
        floors.update(counts)
        write_floors(options.floors, floors)
        return 0
    bad = 0
    for name, count in sorted(counts.items()):
        floor = floors.get(name)
        if floor is None:
            print("%s: no floor recorded; %d pass" % (name, count))
        elif count < floor:
            print("%s: %d pass, the floor is %d" % (name, count, floor))
        elif count > floor and not options.at_least:
            print("%s: %d pass, more than the floor of %d: record it with --update" % (name, count, floor))
        else:
            continue
        bad += 1
    print("%d modules compared, %d not as recorded" % (len(counts), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
