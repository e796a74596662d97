#!/usr/bin/env python3
"""How soon after a rank died its job's diagnosis is in the API: real data-parallel runs on gloo under torchrun.

usage: diagnosis_delay.py [RANKSCOPE [RUNS]]     (build/release/bin/rankscope, 10 runs of 4 ranks)

One rank raises, is killed or ends by itself, in turn; it notes the time. The server makes the diagnosis by itself; class and
rank are checked.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/rankscope"
os.environ["RANKSCOPE"] = PROGRAM  # the harness's
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
from harness import torchrun  # noqa: E402

RANKS, CULPRIT, PATIENCE_S = 4, 2, 120
TRAIN = """
import os, time, torch, torch.distributed as dist
torch.set_num_threads(1)
dist.init_process_group("gloo")
for step in range(1, 40):
    dist.all_reduce(torch.ones(2))
    print({"loss": 2 / step, "step": step}, flush=True)
    time.sleep(0.05)
    if step == 30 and dist.get_rank() == CULPRIT:
        with open(os.environ["DIED_AT"], "w") as file:
            file.write(str(time.time()))
        FAULT
"""
FAULTS = (("raise KeyError('pixel_values')", "python_exception_one_rank"), ("os.kill(os.getpid(), 9)", "host_oom_killed"),
          ("os.kill(os.getpid(), 11)", "segfault_sigsegv"), ("os._exit(7)", "python_exception_one_rank"))


def diagnosis_of(http, job):
    query = urllib.parse.urlencode({"query": f'job:"{job}" stream:event event:diagnosis'})
    with urllib.request.urlopen(f"http://{http}/api/v1/query?{query}") as answer:
        rows = [json.loads(line) for line in answer]
    return rows[0] if rows else None


def wait_for_diagnosis(http, job):
    for _ in range(int(PATIENCE_S / 0.05)):
        if row := diagnosis_of(http, job):
            return row, time.time()
        time.sleep(0.05)
    raise TimeoutError(f"no diagnosis of job {job} in {PATIENCE_S} s")


def one_run(http, place, number):
    fault, expected = FAULTS[number % len(FAULTS)]
    script, died_at, job = f"{place}/train{number}.py", f"{place}/died{number}", f"run-{number}"
    with open(script, "w") as file:
        file.write(TRAIN.replace("CULPRIT", str(CULPRIT)).replace("FAULT", fault))
    run = subprocess.Popen([PROGRAM, "run", "--server", http, "--job_id", job, "--", *torchrun(RANKS, script)],
                           env={**os.environ, "DIED_AT": died_at}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(died_at) and run.poll() is None:
            time.sleep(0.05)
        row, told = wait_for_diagnosis(http, job)
    finally:
        run.terminate()
        run.wait()
    with open(died_at) as file:
        delay = told - float(file.read())
    right = (row["class"], row.get("rank")) == (expected, CULPRIT)
    print(f"{job}: {fault}: {row['class']} on rank {row.get('rank')} after {delay:.2f} s ({row['reason']})"
          + ("" if right else f"; expected {expected}"), flush=True)
    return delay, right


def main():
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as place:
        os.environ.update(XDG_STATE_HOME=place + "/state", XDG_DATA_HOME=place + "/data")
        server = subprocess.Popen([PROGRAM, "serve", "--data-dir", place + "/server", "--http", "127.0.0.1:0", "--grpc",
                                   "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        http = dict(word.split("=", 1) for word in server.stdout.readline().split()[2:])["http"]
        try:
            found = [one_run(http, place, number) for number in range(runs)]
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()
    delays = [delay for delay, _ in found]
    print(f"{runs} runs: median {statistics.median(delays):.2f} s, most {max(delays):.2f} s; class and rank right in "
          f"{sum(right for _, right in found)}")


if __name__ == "__main__":
    main()
