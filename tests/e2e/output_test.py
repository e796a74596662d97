"""What processes write, whatever it is and however they end: plain Python ranks, no framework. Counted at both ends."""
import hashlib
import json
import os
import re
import signal
import subprocess
import unittest

from harness import RANKSCOPE, OneServerCase, wait_until

PYTHON = "/usr/bin/python3"
FLOOD_MB = int(os.environ.get("FLOOD_MB", 60))  # of each of two ranks
RANKS = 2

# A launcher: RANKS processes of one script, each with the environment that torchrun would give it.
LAUNCHER = """
import os, subprocess, sys
ranks = [subprocess.Popen([sys.executable, *sys.argv[1:]], env={**os.environ, "RANK": str(r), "LOCAL_RANK": str(r),
         "WORLD_SIZE": "%d"}) for r in range(%d)]
sys.exit(max(abs(rank.wait()) for rank in ranks))
""" % (RANKS, RANKS)

# As fast as the pipe takes it, in lines of all lengths; the hash of what was written goes into a file.
FLOOD = """
import hashlib, os, sys
rank, total, digest, written, lines = os.environ["RANK"], int(os.environ["FLOOD_MB"]) << 20, hashlib.sha256(), 0, 0
while written < total:
    block = b"".join(b"rank %s line %d " % (rank.encode(), n) + b"x" * (n * 7919 % 400) + b"\\n" for n in range(lines, lines + 512))
    sys.stdout.buffer.write(block)
    digest.update(block); written += len(block); lines += 512
sys.stdout.flush()
open(os.environ["OUT"] + rank, "w").write(f"{lines} {digest.hexdigest()}")
"""

POOL = """
import multiprocessing, os, rankscope
def work(i):
    rankscope.log({"loss": 1e9}, step=i)  # a worker is inert: this must never be seen
    print("worker of", os.environ["RANK"], "item", i, flush=True)
if __name__ == "__main__":
    with multiprocessing.get_context(os.environ["CONTEXT"]).Pool(3) as pool:
        for step in range(1, 11):
            pool.map(work, range(step * 10, step * 10 + 10)); rankscope.log({"loss": float(step)}, step=step)
"""

DOTS = """
import os, sys, time, rankscope
for step in range(1, 101):
    sys.stdout.write("."); sys.stdout.flush(); rankscope.log({"loss": 1.0 / step}, step=step)
while not os.path.exists(os.environ["OUT"]): time.sleep(0.02)
"""

HANG = """
import os, sys, time
rank = int(os.environ["RANK"])
for step in range(1, 1000):
    print("step", step, flush=True)
    if rank == 1 and step == 7: time.sleep(10**6)
    if step == 20: time.sleep(10**6)  # the others wait for it, as in a collective
"""

PIECES = """
import os, signal, sys, time
rank = int(os.environ["RANK"])
for n in range(2000): print("whole", n)
sys.stdout.flush()
os.write(1, b"cut in the mid"); os.write(2, b"and here, too")
os.kill(os.getpid(), signal.SIGKILL) if rank == 1 else os.abort()
"""

BYTES = """
import os, sys
os.write(1, bytes(range(256)) * 16 + b"\\n"); os.write(1, "grün ✓".encode() + b"\\n"); os.write(1, b"L" * (1 << 20)); os.write(1, b"end\\n")
"""


class OutputTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.launcher = cls.place.write("launch.py", LAUNCHER)

    def command(self, job, text, *options):
        script = self.place.write(f"{job}.py", text)
        return [RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, *options, "--", PYTHON, self.launcher, script]

    def environment(self, job, **more):
        return {**self.place.env, "XDG_STATE_HOME": self.place.path + "/state-" + job, "OUT": self.place.path + "/out", "FLOOD_MB": str(FLOOD_MB), **more}

    def end_group(self, run):
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()

    def launch(self, job, text, *options, **more):
        done = subprocess.run(self.command(job, text, *options), env=self.environment(job, **more), capture_output=True)
        wait_until(lambda: not os.listdir(f"{self.place.path}/state-{job}/rankscope/runs"), "the agent to have shipped everything")
        return done

    def of_rank(self, job, rank, stream="stdout"):
        done = self.place.cli("logs", "--server", self.server.http, "--job_id", job, "--rank", str(rank), "--stream", stream,
                              "-o", "json")
        return [json.loads(line) for line in done.stdout.splitlines()]  # none while the job is not known yet

    def written(self, rank):
        with open(self.place.path + f"/out{rank}") as file:
            return file.read().split()

    def test_flood_is_stored_whole_and_in_order(self):
        done = self.launch("flood", FLOOD, "--flush-timeout", "100")
        self.assertEqual(done.returncode, 0, done.stderr[-300:])
        for rank in range(RANKS):
            lines, digest = self.written(rank)
            stored, count = hashlib.sha256(), 0
            logs = subprocess.Popen([RANKSCOPE, "logs", "--server", self.server.http, "--job_id", "flood", "--rank", str(rank),
                                     "--stream", "stdout", "-o", "json"], env=self.place.env, stdout=subprocess.PIPE)
            for line in logs.stdout:
                stored.update(json.loads(line)["msg"].encode() + b"\n")
                count += 1
            logs.stdout.close()
            self.assertEqual(logs.wait(), 0)
            self.assertEqual((count, stored.hexdigest()), (int(lines), digest))
        self.assertEqual(done.stdout.count(b"\n"), sum(int(self.written(rank)[0]) for rank in range(RANKS)))

    def test_workers_print_into_their_ranks_stream_and_report_nothing_else(self):
        for context in ("fork", "spawn"):
            done = self.launch(context, POOL, "--log_interval_steps", "1", CONTEXT=context)
            self.assertEqual(done.returncode, 0, done.stderr)
            for rank in range(RANKS):
                items = sorted(int(r["msg"].split()[-1]) for r in self.of_rank(context, rank))
                self.assertEqual(items, list(range(10, 110)))
                self.assertEqual([(r["step"], r["loss"]) for r in self.of_rank(context, rank, "metric")],
                                 [(step, step) for step in range(1, 11)])

    def test_rank_without_a_local_rank_is_told_at_the_start(self):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "lone", "--", "sh", "-c", "echo trained", env={"RANK": "3"})
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (0, "trained\n", 2), done.stderr)
        self.assertIn("RANK=3 without LOCAL_RANK is taken for a node's", done.stderr.splitlines()[0])

    def test_process_that_never_prints_a_newline(self):
        out = self.place.path + "/out"
        run = subprocess.Popen(self.command("dots", DOTS, "--log_interval_steps", "10", "--flush-timeout", "100"), env=self.environment("dots"),
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(self.end_group, run)
        wait_until(lambda: len(self.of_rank("dots", 1, "metric")) == 10, "metrics of a process that says nothing")
        open(out, "w").close()
        printed = run.communicate()[0]
        os.remove(out)
        self.assertEqual((run.returncode, printed.count(b".")), (0, 100 * RANKS))
        for rank in range(RANKS):
            self.assertEqual(sum(r["msg"].count(".") for r in self.of_rank("dots", rank)), 100)

    def test_hung_rank_is_seen_where_it_stands(self):
        run = subprocess.Popen(self.command("hang", HANG), env=self.environment("hang"), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(self.end_group, run)
        steps = lambda rank: [int(r["msg"].split()[1]) for r in self.of_rank("hang", rank)]
        wait_until(lambda: len(steps(0)) == 20 and len(steps(1)) == 7, "both ranks to stand still")
        self.assertEqual((steps(0), steps(1)), (list(range(1, 21)), list(range(1, 8))))
        job = lambda: json.loads(self.place.cli("jobs", "show", "hang", "--server", self.server.http, "-o", "json").stdout)
        self.assertEqual(job()["state"], "running")
        os.killpg(run.pid, signal.SIGTERM)
        self.assertEqual(run.wait(), -signal.SIGTERM)
        wait_until(lambda: job()["state"] == "failed", "the end to be known")
        self.assertEqual({r["exit"] for r in job()["ranks"]}, {"SIGTERM"})

    def test_killed_and_aborted_in_mid_line(self):
        self.assertNotEqual(self.launch("pieces", PIECES).returncode, 0)
        for rank, name in ((0, "SIGABRT"), (1, "SIGKILL")):
            self.assertEqual([r["msg"] for r in self.of_rank("pieces", rank)], [f"whole {n}" for n in range(2000)] + ["cut in the mid"])
            self.assertEqual([r["msg"] for r in self.of_rank("pieces", rank, "stderr")], ["and here, too"])
            exits = [r for r in self.of_rank("pieces", rank, "event") if r["event"] == "rank_exit"]
            self.assertEqual(len(exits), 1)
            self.assertTrue(exits[0].get("signal") == name or exits[0]["exit_source"] == "unknown", exits[0])

    def test_bytes_that_are_no_text_and_a_megabyte_line(self):
        done = self.launch("bytes", BYTES)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count(bytes(range(14, 128))), 16 * RANKS, "the terminal gets the bytes as they are")
        for rank in range(RANKS):
            text = "\n".join(r["msg"] for r in self.of_rank("bytes", rank))
            self.assertEqual(text.count("ABCDEFGHIJ"), 16)
            self.assertIn("grün ✓", text)
            self.assertEqual(sum(len(run) for run in re.findall("LLL+", text)), 1 << 20)


if __name__ == "__main__":
    unittest.main()
