"""`rankscope.init()` in a script that is not under `rankscope run`."""
import json
import os
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase, torchrun, wait_until

SCRIPT = """
import os, sys, rankscope
assert rankscope.init(job_id="attached", log_interval_steps=2, fields=["loss"])
rank = int(os.environ["RANK"])
for step in range(1, 5):
    sys.stdout.write(f"line {rank} {step}\\n")  # one write: torchrun's `python -u` cuts what print() is given
    rankscope.log({"loss": 10.0 * rank + step, "secret_sauce": 1.0}, step=step)
print("err", rank, file=sys.stderr)
sys.exit(3 if rank == 1 else 0)
"""


class AttachTest(ServerCase):
    def setUp(self):
        super().setUp()
        build = os.path.dirname(os.path.dirname(RANKSCOPE))
        self.env = {**self.place.env, "RANKSCOPE_SERVER": self.server.http, "PYTHONPATH": build + "/lib/rankscope/python"}

    def test_ranks_of_one_launch_are_one_job(self):
        script = self.place.write("train.py", SCRIPT)
        done = subprocess.run(torchrun(2, script), env=self.env, capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(sorted(line for line in done.stdout.splitlines() if line.startswith("line")),
                         [f"line {rank} {step}" for rank in (0, 1) for step in range(1, 5)])
        wait_until(lambda: not self.place.run_directories(), "the agents to have shipped everything")
        records = self.place.logs(self.server.http, "attached")
        for rank in (0, 1):
            lines = [r["msg"] for r in records if r.get("rank") == rank and r["stream"] == "stdout"]
            self.assertEqual(lines, [f"line {rank} {step}" for step in range(1, 5)])
            metrics = [r for r in records if r.get("rank") == rank and r["stream"] == "metric"]
            self.assertEqual([(r["step"], r["loss"]) for r in metrics], [(2, 10 * rank + 2), (4, 10 * rank + 4)])
            self.assertNotIn("secret_sauce", metrics[0])
        exit = [r for r in records if r.get("event") == "rank_exit" and r["rank"] == 1][0]
        self.assertTrue(exit.get("exit_code") == 3 or exit["exit_source"] == "unknown", exit)

    def test_script_of_one_process(self):
        script = self.place.write("one.py", "import rankscope; rankscope.init(job_id='one')\nprint('hello')\n"
                                  "rankscope.log({'loss': 0.5}, step=1)\n")
        done = subprocess.run([sys.executable, script], env=self.env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "hello\n"))
        # A slow machine has not delivered all in 2 s.
        self.assertRegex(done.stderr, r"\A(rankscope: \d+ records are not yet acknowledged; .*\n)?\Z")
        wait_until(lambda: not self.place.run_directories(), "the agent to have shipped everything")
        records = self.place.logs(self.server.http, "one")
        self.assertIn((0, "hello"), [(r.get("rank"), r.get("msg")) for r in records])
        self.assertEqual([(r["rank"], r["loss"]) for r in records if r["stream"] == "metric"], [(0, 0.5)])
        state = json.loads(self.place.cli("jobs", "show", "one", "--server", self.server.http, "-o", "json").stdout)
        self.assertEqual((state["state"], state["ranks_seen"], state["ranks_expected"]), ("finished", 1, 1))
        self.assertEqual([(rank["rank"], rank["source"]) for rank in state["ranks"]], [(0, "hook")])

    def test_rank_that_stands_alone_is_not_taken_for_one(self):
        script = self.place.write("node.py", "import rankscope; rankscope.init(job_id='node')\nprint('hello')\n")
        done = subprocess.run([sys.executable, script], env={**self.env, "RANK": "1"}, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "hello\n"))
        wait_until(lambda: not self.place.run_directories(), "the agent to have shipped everything")
        events = [r for r in self.place.logs(self.server.http, "node") if r["stream"] == "event"]
        self.assertFalse([r for r in events if "rank" in r or "rank -1" in r["msg"]])
        self.assertIn("a process without a rank started", [r["msg"] for r in events])

    def test_without_the_program_the_script_runs_and_says_so(self):
        script = self.place.write("bare.py", "import rankscope\nprint(rankscope.init())\nrankscope.log({'loss': 1.0})\n")
        package = self.place.path + "/site"
        subprocess.run(["cp", "-r", self.env["PYTHONPATH"], package], check=True)
        done = subprocess.run([sys.executable, script], env={**self.env, "PYTHONPATH": package, "PATH": "/nowhere"},
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "False\n"))
        self.assertIn("`rankscope` is not on the PATH", done.stderr)


if __name__ == "__main__":
    unittest.main()
