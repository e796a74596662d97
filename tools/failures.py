#!/usr/bin/env python3
"""The failed tests of a run of ctest, each with the end of what it printed, as a reader of a long log looks for it.

usage: failures.py JUNIT_FILE      (of `ctest --output-junit JUNIT_FILE`)
"""
import sys
import xml.etree.ElementTree

LINES = 40


def main(path):
    for test in xml.etree.ElementTree.parse(path).iter("testcase"):
        if test.find("failure") is None:
            continue
        printed = (test.findtext("system-out") or "").splitlines()
        print(f"\n-- failed: {test.get('name')} (its last lines of {len(printed)})")
        print("\n".join(printed[-LINES:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
