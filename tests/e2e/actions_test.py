"""Pausing, resuming and ending real runs of 4 ranks, asking them where they are, and what rules have done by themselves."""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

from harness import PATIENCE, RANKSCOPE, Place, Server, lack, torchrun, wait_until

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "paused_training.py")
RULES = """groups:
- name: test
  rules:
  - alert: AskedForHelp
    match: 'somebody please look at this'
    action: pause_job
"""


def launcher():
    try:
        return torchrun(4, SCRIPT)
    except subprocess.CalledProcessError:
        return lack("a Python with torch")


class Run:
    """A job that runs; ended by enough()."""

    def __init__(self, place, server, job, mode, *options, env=None):
        self.place, self.server, self.job = place, server, job
        self.enough_file = f"{place.path}/{job}.enough"
        command = [RANKSCOPE, "run", "--server", server.http, "--job_id", job, "--flush-timeout", "100", *options, "--"]
        self.output = open(f"{place.path}/{job}.out", "w+")
        self.process = subprocess.Popen(command + launcher(), stdout=self.output, stderr=subprocess.STDOUT,
                                        env={**place.env, "MODE": mode, "ENOUGH": self.enough_file, **(env or {})})

    def enough(self):
        open(self.enough_file, "w").close()
        return self.end()

    def end(self):
        code = self.process.wait(PATIENCE)
        self.output.seek(0)
        self.text = self.output.read()
        self.output.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.output.close()

    def losses(self):
        return re.findall(r"step \d+: loss of rank 0 was \S+", self.text)

    def steps(self):
        """Up to which step rank 0 has said its loss."""
        with open(self.output.name) as file:
            said = re.findall(r"step (\d+): loss", file.read())
        return int(said[-1]) if said else 0

    def await_step(self, step):
        wait_until(lambda: self.steps() >= step or self.process.poll() is not None, f"step {step} of {self.job}")

    def events(self, **fields):
        rows = self.server.rows(f"job:{self.job} stream:event event:action")
        return [row for row in rows if all(row.get(name) == value for name, value in fields.items())]

    def await_events(self, count, **fields):
        return wait_until(lambda: (found := self.events(**fields)) and len(found) >= count and found, f"{count} of {fields}")

    def actions(self):
        return self.server.ask("GET", f"/api/v1/jobs/{self.job}/actions")[1]

    def await_action(self, outcome):
        return wait_until(lambda: [a for a in self.actions() if a["outcome"] == outcome], f"an action that is {outcome}")[0]

    def cli(self, command, *options):
        return self.place.cli(command, "--server", self.server.http, self.job, *options)


class ActionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.server = Server(cls.place, options=("--rules", cls.place.write("rules.yaml", RULES)))

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.place.remove()

    def start(self, job, mode, *options, env=None):
        run = Run(self.place, self.server, job, mode, *options, env=env)
        self.addCleanup(run.kill)
        return run

    def test_a_run_that_a_rule_has_paused_goes_on_as_if_it_had_not(self):
        run = self.start("paused", "plain", "--allow-pause")
        action = run.await_action("held")
        self.assertEqual(action["by"], "rule AskedForHelp")
        self.assertEqual([(r["rank"], r["outcome"], r["step"]) for r in action["ranks"]],
                         [(rank, "held", action["step"]) for rank in range(4)])
        held = run.steps()
        time.sleep(0.5)
        self.assertEqual(run.steps(), held, "nobody goes on")
        self.assertEqual(held, action["step"] - 1)
        done = run.cli("resume", "--note", "looked at it")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ranks 0-3", done.stdout)
        run.await_step(held + 50)
        self.assertEqual(run.enough(), 0, run.text)
        for outcome in ("held", "resumed"):
            by_rank = {row["rank"]: row.get("step") for row in run.await_events(4, outcome=outcome) if "rank" in row}
            self.assertEqual(by_rank, dict.fromkeys(range(4), action["step"]))

        # The same without --allow-pause: the rule may do nothing, and says so.
        other = self.start("unpaused", "plain", env={"STEPS": str(len(run.losses()))})
        self.assertEqual(other.end(), 0, other.text)
        self.assertEqual(other.losses(), run.losses())
        refused = other.await_action("refused")
        self.assertIn("the job does not let itself be held (ranks 0-3): `rankscope run --allow-pause`", refused["summary"])
        self.assertIn(refused["summary"], other.await_events(1, outcome="refused")[0]["msg"])

    def test_by_hand_a_job_that_has_not_agreed_is_left_alone(self):
        run = self.start("unwilling", "quiet")
        run.await_step(3)
        done = run.cli("pause")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not let itself be held", done.stderr)
        self.assertEqual(run.enough(), 0, run.text)

    def test_a_pause_that_would_outlast_the_collectives_ends_with_a_checkpoint(self):
        run = self.start("capped", "quiet", "--allow-pause", env={"TIMEOUT_S": "8"})
        run.await_step(3)
        done = run.cli("pause", "--for", "1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("for 4 s at most", done.stdout)
        self.assertEqual(run.end(), 0, run.text)
        ends = re.findall(r"saved and ended before step (\d+)", run.text)
        self.assertEqual(len(ends), 4, run.text)
        self.assertEqual(len(set(ends)), 1)
        self.assertIn("after 4 s, so that no collective times out", run.await_action("stopped")["summary"])

    def test_stop_ends_all_ranks_at_one_step(self):
        run = self.start("stopped", "quiet", "--allow-pause")
        run.await_step(3)
        done = run.cli("stop", "--note", "the data is wrong")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run.end(), 0, run.text)
        self.assertEqual(len(re.findall("saved and ended before step", run.text)), 4, run.text)
        self.assertIn("the data is wrong", run.await_events(1, outcome="stopped")[0]["msg"])

    def test_a_rank_that_never_comes_is_named_and_the_others_go_on(self):
        run = self.start("apart", "apart", "--allow-pause", env={"TIMEOUT_S": "16"})
        run.await_step(60)
        done = run.cli("pause")
        self.assertEqual(done.returncode, 1)
        self.assertIn("rank 2 has not come", done.stderr)
        self.assertIn("rank 2 never came", done.stdout)
        (named,) = run.await_events(1, outcome="not arrived")
        self.assertEqual((named["rank"], named["step"]), (2, 30))
        run.await_step(run.steps() + 20)
        self.assertEqual(run.enough(), 0, run.text)

    def test_ranks_go_on_when_the_server_is_gone(self):
        place = Place()
        self.addCleanup(place.remove)
        server = Server(place)
        run = Run(place, server, "orphaned", "quiet", "--allow-pause")
        self.addCleanup(run.kill)
        run.await_step(3)
        self.assertEqual(run.cli("pause").returncode, 0)
        held = run.steps()
        server.stop(signal.SIGKILL)
        run.await_step(held + 5)
        server.start()
        self.assertEqual(run.enough(), 0, run.text)
        left = run.await_events(4, outcome="left")
        self.assertEqual({row["rank"] for row in left}, set(range(4)))
        self.assertIn("no word from the server for 30 s", left[0]["msg"])
        server.stop()

    def test_stacks_of_a_hung_run_name_the_odd_rank(self):
        run = self.start("hung", "hung")
        run.await_step(19)
        time.sleep(0.5)  # the others reach the collective in which they wait
        began = time.monotonic()
        done = run.cli("dump-stacks")
        print(f"stacks of 4 ranks: {time.monotonic() - began:.2f} s", file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\n  rank 2 captured: .*paused_training.py:\d+ in fetch_a_shard_that_never_comes\n")
        self.assertRegex(done.stdout, r"\n  ranks 0-1,3 captured: \S+ in \S+\n")
        stacks = wait_until(lambda: (rows := self.server.rows("job:hung stream:stack")) and len(rows) == 4 and rows, "stacks")
        odd = next(row for row in stacks if row["rank"] == 2)
        self.assertIn("in misbehave", odd["msg"])
        self.assertEqual(odd["method"], "faulthandler")
        self.assertGreater(odd["host_memory_gib"], 0.01)
        self.assertEqual(run.enough(), 0, run.text)

    def test_out_of_memory_that_is_caught_pauses_all_ranks(self):
        run = self.start("caught", "caught")  # the detector's action is the job's consent
        action = run.await_action("held")
        self.assertEqual([r["outcome"] for r in action["ranks"]], ["held"] * 4)
        wait_until(lambda: len(self.server.rows("job:caught stream:stack")) == 4, "stacks")
        self.assertEqual(run.cli("resume").returncode, 0)
        self.assertEqual(run.enough(), 0, run.text)

    def test_out_of_memory_that_is_not_caught_is_captured_before_the_others_end(self):
        run = self.start("uncaught", "uncaught")
        self.assertNotEqual(run.end(), 0)
        action = wait_until(lambda: [a for a in run.actions() if a["state"] == "done"], "the end of the action")[0]
        self.assertEqual(action["outcome"], "stopped")
        self.assertIn("rank 1 has raised", action["summary"])
        self.assertIn("stacks and memory of ranks 0-3 are taken", action["summary"])
        stacks = {row["rank"]: row["frame"] for row in self.server.rows("job:uncaught stream:stack")}
        self.assertEqual(set(stacks), set(range(4)))
        self.assertIn("await_end_of_action", stacks[1])

    def test_settings_reach_the_ranks(self):
        run = self.start("settings", "quiet")
        run.await_step(3)
        done = run.cli("set", "--level", "DEBUG", "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([r["outcome"] for r in json.loads(done.stdout)["ranks"]], ["set"] * 4)
        wait_until(lambda: len({r["rank"] for r in self.server.rows('job:settings "was fine"')}) == 4, "debug lines of all ranks")
        done = run.cli("set", "--log_interval_steps", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ranks 0-3: set", done.stdout)
        self.assertEqual(run.enough(), 0, run.text)
        self.assertEqual(len(run.events(action="set_level", outcome="set")), 5, "of each rank, and of all together")

    def test_what_is_no_job_or_no_action_is_refused(self):
        self.assertEqual(self.server.ask("POST", "/api/v1/jobs/nobody/actions", b'{"action": "pause_job"}')[0], 404)
        self.server.ingest("stored", [{"msg": "x", "rank": 0}])
        status, (answer,) = self.server.ask("POST", "/api/v1/jobs/stored/actions", b'{"action": "pause_job"}')
        self.assertEqual((status, answer["outcome"]), (200, "refused"))
        self.assertEqual(answer["summary"], "the job is not running: no agent is connected")
        for body, why in ((b"{}", "actions: want"), (b'{"action": "reboot"}', "action: want one of notify_only, mark"),
                          (b'{"action": "pause_job", "hold_s": 0}', "hold_s: want seconds"),
                          (b'{"action": "pause_job", "who": "me"}', "actions: want")):
            status, (answer,) = self.server.ask("POST", "/api/v1/jobs/stored/actions", body)
            self.assertEqual(status, 400)
            self.assertIn(why, answer["error"])


if __name__ == "__main__":
    unittest.main()
