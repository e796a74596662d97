"""Ranks and other processes that outlive the command: `run` ends with it, and what they print is kept all the same."""
import json
import signal
import unittest

from harness import ServerCase, wait_until

PYTHON = "/usr/bin/python3"
# Prints until it is told to end; its lines are numbered.
RANK = """
import itertools, os, sys, time
for n in itertools.count():
    print("line", n, flush=True)
    if os.path.exists(sys.argv[1]): sys.exit(3)
    time.sleep(0.05)
"""
LAUNCHER = """
import os, signal, subprocess, sys
for rank in "01":
    subprocess.Popen([sys.executable, *sys.argv[2:]], env={**os.environ, "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2"})
while not all(os.path.exists(sys.argv[1] + rank) for rank in "01"): pass
os.kill(os.getpid(), signal.SIGKILL) if sys.argv[1].endswith("killed") else sys.exit(0)
"""


class OutlivedTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.end = self.place.path + "/end"

    def tearDown(self):
        open(self.end, "w").close()
        wait_until(lambda: not self.place.run_directories(), "the end of what was left in the background")

    def run_command(self, *command, options=()):
        return self.place.cli("run", "--server", self.server.http, "--job_id", "j", *options, "--", *command)

    def state(self):
        return json.loads(self.place.cli("jobs", "show", "j", "--server", self.server.http, "-o", "json").stdout)

    def records(self):
        return self.place.logs(self.server.http, "j")

    def leave_ranks(self, how, options=()):
        seen = self.place.path + "/" + how
        rank = self.place.write("rank.py", RANK + f"    if n == 3: open({seen!r} + os.environ['RANK'], 'w').close()\n")
        return self.run_command(PYTHON, self.place.write("launcher.py", LAUNCHER), seen, rank, self.end, options=options)

    def lines(self, rank):
        return [r["msg"] for r in self.records() if r.get("rank") == rank and r["stream"] == "stdout"]

    def check_ranks_are_kept(self):
        self.assertEqual([r for r in self.records() if r.get("event") in ("rank_exit", "node_end")], [])
        self.assertEqual(self.state()["state"], "running")
        before = len(self.lines(0))
        wait_until(lambda: len(self.lines(0)) > before + 5, "what a rank prints after the command's end")
        open(self.end, "w").close()
        wait_until(lambda: not self.place.run_directories(), "all to be sent")
        for rank in (0, 1):
            lines = self.lines(rank)
            self.assertEqual(lines, [f"line {n}" for n in range(len(lines))])
        self.assertEqual([r["event"] for r in self.records() if r.get("event") in ("command_end", "rank_exit", "node_end")],
                         ["command_end", "rank_exit", "rank_exit", "node_end"])

    def test_ranks_of_a_launcher_that_returns_early_are_kept_to_their_end(self):
        done = self.leave_ranks("returned")
        self.assertEqual(done.returncode, 0)
        self.assertIn("the command has ended and 2 ranks live on; what they print is kept in the background", done.stderr)
        self.check_ranks_are_kept()

    def test_ranks_of_a_launcher_that_is_killed_are_kept_to_their_end(self):
        self.assertEqual(self.leave_ranks("killed").returncode, -signal.SIGKILL)
        self.check_ranks_are_kept()
        self.assertEqual(self.state()["state"], "failed")

    def test_ranks_are_kept_though_nobody_waits_for_what_is_sent(self):
        self.assertEqual(self.leave_ranks("returned", ["--flush-timeout", "0"]).returncode, 0)
        wait_until(lambda: self.place.cli("jobs", "show", "j", "--server", self.server.http).returncode == 0, "the first records")
        wait_until(lambda: "command_end" in [r.get("event") for r in self.records()], "the command's end")
        self.check_ranks_are_kept()
        self.assertNotIn("keeper_replaced", [r.get("event") for r in self.records()])

    def test_what_a_background_process_prints_is_kept_and_holds_up_nobody(self):
        late = f"echo main; (while ! [ -e {self.end} ]; do sleep 0.1; done; echo late) & exit 4"
        self.assertEqual(self.run_command("sh", "-c", late).returncode, 4)
        self.assertEqual(self.state()["state"], "failed")
        open(self.end, "w").close()
        wait_until(lambda: not self.place.run_directories(), "all to be sent")
        self.assertEqual([r["msg"] for r in self.records() if r["stream"] == "stdout"], ["main", "late"])


if __name__ == "__main__":
    unittest.main()
