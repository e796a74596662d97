#!/usr/bin/env python3
"""Prints what sanitizers wrote into FOLDER during the end-to-end tests; exits 1 when there was anything.

usage: no_reports.py FOLDER
"""
import pathlib
import sys

reports = sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.stat().st_size)
for report in reports:
    print(f"== {report.name}\n{report.read_text(errors='replace')}")
sys.exit(1 if reports else 0)
