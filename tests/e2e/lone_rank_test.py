"""A command that no launcher has told anything, and that logs, is rank 0 of a world of one; a launcher is none."""
import json
import os
import signal
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase, children, proc, wait_until

TRAINER = """
import os, sys, time, rankscope
rankscope.log({"loss": 2.5}, step=1)
while not os.path.exists(sys.argv[0] + ".go"): time.sleep(0.01)
rankscope.log({"loss": 1.5}, step=2)
print("trained", flush=True)
sys.exit(3)
"""
# Starts two processes, with the environment of ranks or without, and logs itself once they have ended.
PARENT = """
import os, subprocess, sys, rankscope
child = "import rankscope, sys; rankscope.log({'loss': 1.0}, step=1); print('child')"
told = lambda rank: {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2"} if sys.argv[1] == "told" else {}
each = [subprocess.Popen([sys.executable, "-c", child], env={**os.environ, **told(str(i))}) for i in range(2)]
for one in each: one.wait()
if sys.argv[1] == "told": rankscope.log({"loss": 9.0}, step=9)
"""


class LoneRankTest(ServerCase):
    def start(self, job, *command):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, "--flush-timeout", "100",
                                "--log_interval_steps", "1", "--", *command], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=self.place.env)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def ranks(self, job):
        shown = self.place.cli("jobs", "show", job, "--server", self.server.http, "-o", "json")
        return json.loads(shown.stdout)["ranks"] if shown.returncode == 0 else []

    def job(self, job):
        return json.loads(self.place.cli("jobs", "show", job, "--server", self.server.http, "-o", "json").stdout)

    def finish(self, script, run):
        open(script + ".go", "w").close()
        self.assertEqual(run.wait(), 3)

    def check(self, job, run_pid_of_rank):
        told = self.job(job)
        self.assertEqual((told["ranks_seen"], told["ranks_expected"], told["reason"]), (1, 1, "rank 0: exit 3"))
        [rank] = told["ranks"]
        self.assertEqual((rank["rank"], rank["local_rank"], rank["source"], rank["exit"], rank["pid"]),
                         (0, 0, "hook", "exit 3", run_pid_of_rank))
        records = self.place.logs(self.server.http, job)
        self.assertEqual([(r["rank"], r["step"], r["loss"]) for r in records if r["stream"] == "metric"], [(0, 1, 2.5), (0, 2, 1.5)])
        self.assertEqual([(r["rank"], r["msg"]) for r in records if r["stream"] == "stdout"], [(0, "trained")])
        events = [r for r in records if r["stream"] == "event" and r.get("rank") == 0 and r["event"].startswith("rank_")]
        self.assertEqual([r["event"] for r in events], ["rank_start", "rank_exit"])
        self.assertEqual((events[1]["msg"], events[1]["tail"]), ("rank 0 ended: exit 3", "trained\n"))

    def test_a_command_that_logs_is_rank_0(self):
        script = self.place.write("train.py", TRAINER)
        run = self.start("plain", sys.executable, script)
        [rank] = wait_until(lambda: self.ranks("plain"), "the rank")
        self.finish(script, run)
        self.check("plain", rank["pid"])

    def test_what_it_prints_as_soon_as_it_has_logged_is_the_ranks(self):
        script = self.place.write("short.py", "import rankscope\nrankscope.log({'loss': 2.5}, step=1)\nprint('logged')\n")
        self.assertEqual(self.start("short", sys.executable, script).wait(), 0)
        [line] = self.place.logs(self.server.http, "short", "--stream", "stdout")
        self.assertEqual((line["msg"], line.get("rank")), ("logged", 0))

    def test_it_still_is_when_the_agent_was_killed(self):
        script = self.place.write("train.py", TRAINER)
        run = self.start("killed", sys.executable, script)
        [rank] = wait_until(lambda: self.ranks("killed"), "the rank")
        agents = lambda: [pid for pid in children(run.pid) if "\0agent\0" in proc(pid, "cmdline")]
        [agent] = agents()
        os.kill(agent, signal.SIGKILL)
        wait_until(lambda: agents() and agents() != [agent], "another agent")
        self.finish(script, run)
        self.check("killed", rank["pid"])

    def test_a_script_that_starts_ranks_is_none(self):
        script = self.place.write("spawn.py", PARENT)
        self.assertEqual(self.start("told", sys.executable, script, "told").wait(), 0)
        self.assertEqual([r["rank"] for r in self.ranks("told")], [0, 1])
        values = {(r.get("rank"), r["loss"]) for r in self.place.logs(self.server.http, "told", "--stream", "metric")}
        self.assertEqual(values, {(0, 1.0), (1, 1.0), (None, 9.0)})

    def test_processes_that_it_starts_without_a_rank_are_none(self):
        script = self.place.write("spawn.py", PARENT)
        self.assertEqual(self.start("untold", sys.executable, script, "untold").wait(), 0)
        self.assertEqual(self.ranks("untold"), [])
        self.assertEqual(len(self.place.logs(self.server.http, "untold", "--stream", "metric")), 2)


if __name__ == "__main__":
    unittest.main()
