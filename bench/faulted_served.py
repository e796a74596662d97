#!/usr/bin/env python3
"""The runs of faulted_runs.py under `rankscope run`: what the server says of each by itself, and how soon after its
end.

    bench/faulted_served.py FOLDER --drawn SEED [--count 20] [--only TEXT]

The environment is that of faulted_runs.py; each run is carried out anew."""
import argparse
import os
import shutil
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("RANKSCOPE", HERE + "/../build/release/bin/rankscope")  # the harness's
sys.path.append(HERE + "/../tests/e2e")
from faulted_runs import PYTHON, RANKSCOPE, WAITS_FOR_EVER, Run, draw_runs, is_right, launch  # noqa: E402
from swift_run import prepare_swift  # noqa: E402
from harness import Place, Server  # noqa: E402

IN_TIME_S = 10
PATIENCE_S, OF_HEALTHY_S = 60, 15  # for the diagnosis of a run that failed, and of one that did not
OF_HUNG_S = 600  # its start and what the server calls a hang
LAST_STEP = "11"  # of all programs


def wait_for_diagnosis(server, job, patience, which):
    """(the event, how long it took); where none came, no time."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < patience:
        rows = server.rows(f'job_id:"{job}" stream:event')
        if told := [row for row in rows if row.get("event") == "diagnosis"]:
            return told[which], waited
        time.sleep(0.1)
    return {"class": "none"}, None


def judge(server, run):
    shutil.rmtree(run.folder, ignore_errors=True)
    run.under = [RANKSCOPE, "run", "--server", server.http, "--job_id", run.name, "--"]
    run.patience_s = OF_HUNG_S
    processes, codes = launch(run)
    which = 0 if processes.was_ended else -1  # what was said while it hung, not of its end by this bench
    told, waited = wait_for_diagnosis(server, run.name, PATIENCE_S if any(codes) else OF_HEALTHY_S, which)
    if waited is None and any(codes):
        waited = PATIENCE_S
    classes, ranks = run.expected("tee")
    right = told["class"] in classes, is_right(ranks, told.get("rank"))
    note = "" if all(right) else f", not {'/'.join(classes)} on {ranks}"
    when = "" if waited is None else f" after {waited:.1f} s"
    print(f"{run.name}: {told['class']} on rank {told.get('rank')}{when}{note}", flush=True)
    return *right, waited


def make(base, framework, launch, fault, world, culprit, variant):
    """A run whose ranks, where they wait without a word, do so after so many steps that the server may miss one."""
    if framework in WAITS_FOR_EVER and fault in ("missing", "shapes"):
        variant = variant | {"FAULT_STEP": LAST_STEP, "FAULT_PLACE": "step"}
    return Run(base, framework, launch, fault, world, culprit, variant)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=os.path.abspath)
    parser.add_argument("--drawn", type=int, metavar="SEED", required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--only", default="", help="runs whose names have this")
    asked = parser.parse_args()
    drawn = draw_runs(asked.drawn, asked.count, lambda *made: make(asked.folder, *made))
    runs = [run for run in drawn if asked.only in run.name]
    if not runs:
        parser.error(f"no run's name has {asked.only!r}")
    prepare_swift(asked.folder, PYTHON)
    place = Place()
    os.environ.update(place.env)
    server = Server(place)
    try:
        found = [judge(server, run) for run in runs]
    finally:
        server.stop()
        place.remove()
    classes, ranks, waits = zip(*found)
    print(f"{len(found)} runs: class right in {sum(classes)}, rank in {sum(ranks)}")
    if timed := [wait for wait in waits if wait is not None]:
        print(f"{len(timed)} of them told after {statistics.median(timed):.1f} s at the median, {max(timed):.1f} s at "
              f"most, within {IN_TIME_S} s in {sum(wait <= IN_TIME_S for wait in timed)}")


if __name__ == "__main__":
    main()
