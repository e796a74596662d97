"""What the fault tests share: a job whose every line is known beforehand."""
import collections
import hashlib
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import (PATIENCE, RANKSCOPE, Case, LoggingServer, PlaceCase, ServerCase, lack, mount_small_disk,  # noqa: E402,F401
                     wait_until)

KILLS = int(os.environ.get("RANKSCOPE_KILLS", 20))
ENDLESS = 10**9  # lines of a job that prints until it is told to stop, however slow the machine is

WRITER = """
import hashlib, os, sys, time
rank, lines, pause, stop = int(os.environ["RANK"]), int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
for i in range(lines):
    print("item", rank, i, hashlib.sha512(b"%d %d" % (rank, i)).hexdigest() * 2)
    if pause and i % 100 == 99:
        sys.stdout.flush()
        if os.path.exists(stop) or not os.path.exists(sys.argv[0]): break  # or its test has gone
        time.sleep(pause)
with open(f"{stop}.{rank}", "w") as file: print(i + 1, file=file)
"""
LAUNCHER = """
import os, subprocess, sys
ranks = int(sys.argv[1])
def env(r):
    return {**os.environ, "RANK": str(r), "LOCAL_RANK": str(r), "WORLD_SIZE": str(ranks), "LOCAL_WORLD_SIZE": str(ranks)}
workers = [subprocess.Popen([sys.executable, *sys.argv[2:]], env=env(r)) for r in range(ranks)]
sys.exit(max(w.wait() for w in workers))
"""


def read(path, mode="r"):
    with open(path, mode) as file:
        return file.read()


def text_of(rank, i):
    return f"item {rank} {i} " + hashlib.sha512(b"%d %d" % (rank, i)).hexdigest() * 2


class Job:
    """`rankscope run` of several ranks that print `lines` known lines each, or fewer where it is told to stop."""

    def __init__(self, place, server, job="j", ranks=4, lines=2000, pause=0.02, options=()):
        self.place, self.job, self.ranks, self.lines = place, job, ranks, lines
        self.stop_file = place.path + f"/{job}.stop"
        writer, launcher = place.write("writer.py", WRITER), place.write("launcher.py", LAUNCHER)
        with open(place.path + f"/{job}.stderr", "w") as stderr:
            self.process = subprocess.Popen(
                [RANKSCOPE, "run", "--server", server, "--job_id", job, *options, "--", sys.executable, launcher,
                 str(ranks), writer, str(lines), str(pause), self.stop_file], stdout=subprocess.DEVNULL, stderr=stderr, env=place.env)

    def running(self):
        return self.process.poll() is None

    def stop(self):
        """What the test has to do is done: more lines would show nothing more."""
        open(self.stop_file, "w").close()

    def printed(self):
        """Lines of all its ranks; of one that has not ended, those that it is to print."""
        files = [f"{self.stop_file}.{rank}" for rank in range(self.ranks)]
        return sum(int(read(file)) if os.path.exists(file) else self.lines for file in files)

    def finish(self):
        """Waits for the run and for its agent to have shipped everything."""
        code = self.process.wait(PATIENCE + 3 * KILLS)  # its lines outlast the kills
        wait_until(lambda: not self.place.run_directories(), "the agent to have shipped everything")
        return code

    def agent(self):
        """The pid of the run's agent, or None."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        try:
            for pid in read(path).split():
                if read(f"/proc/{pid}/cmdline").split("\0")[1:2] == ["agent"]:
                    return int(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
        return None

    def ledger(self, server, codes=(0,)):
        """Compares what the ranks printed with what the server has: (lost, doubled, out of order, changed)."""
        seen, last, disorder, changed = collections.Counter(), {}, 0, 0
        for record in self.place.logs(server, self.job, "--stream", "stdout", codes=codes):
            found = re.match(r"item (\d+) (\d+) ", record["msg"])
            if not found:
                continue
            rank, i = int(found[1]), int(found[2])
            seen[rank, i] += 1
            if record["msg"] != text_of(rank, i):
                changed += 1
                if changed == 1:
                    print("changed:", record, flush=True)
            if i <= last.get(rank, -1):
                disorder += 1
                print("out of order, behind", last[rank], record, flush=True)
            last[rank] = i
        lost = self.printed() - len(seen)
        return lost, sum(n - 1 for n in seen.values()), disorder, changed

    def events(self, server):
        return [r for r in self.place.logs(server, self.job, "--stream", "event")]

    def progress(self):
        """(records in the agent's spool, acknowledged) so far."""
        for name in self.place.run_directories():
            try:
                return struct.unpack_from("<QQ", read(f"{self.place.path}/state/rankscope/runs/{name}/status", "rb"))
            except (FileNotFoundError, struct.error):
                pass
        return 0, 0

    def await_progress(self, since):
        """Waits until more than `since` records are acknowledged; returns how many, or None when the run has ended."""
        wait_until(lambda: not self.running() or self.progress()[1] > since, "records to be acknowledged")
        return self.progress()[1] if self.running() else None
