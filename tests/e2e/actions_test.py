"""Pausing, resuming and ending real runs of 4 ranks, and what rules have done by themselves."""
import json
import re
import unittest

from action_case import ActionCase
from harness import wait_until


class ActionsTest(ActionCase):
    def test_a_run_that_a_rule_has_paused_goes_on_as_if_it_had_not(self):
        run = self.start("paused", "plain", "--allow-pause")
        action = run.await_action("held")
        self.assertEqual(action["by"], "rule AskedForHelp")
        self.assertEqual([(r["rank"], r["outcome"], r["step"]) for r in action["ranks"]],
                         [(rank, "held", action["step"]) for rank in range(4)])
        held = run.steps()
        wait_until(lambda: self.server.ask("GET", f"/api/v1/jobs/{run.job}")[1][0]["paused"], "a job that is paused")
        for line in (self.place.cli("jobs", "--server", self.server.http).stdout,
                     run.cli("show").stdout.splitlines()[0]):
            self.assertRegex(line, rf"paused +.*paused \d+ \S+ ago at step {action['step']} by rule AskedForHelp")
        (row,) = [json.loads(line) for line in self.place.cli("jobs", "--server", self.server.http, "-o", "json").stdout.splitlines()
                  if json.loads(line)["job_id"] == run.job]
        self.assertEqual((row["paused"]["step"], row["paused"]["action_id"]), (action["step"], action["id"]))
        self.assertEqual(run.cli("dump-stacks").returncode, 0)
        wait_until(lambda: len(self.server.rows("job:paused stream:stack")) == 8, "stacks of before the pause and of it")
        self.check_that_it_hangs_not()
        self.assertEqual(run.steps(), held, "nobody goes on")
        self.assertEqual(held, action["step"] - 1)
        done = run.cli("resume", "--note", "looked at it")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ranks 0-3", done.stdout)
        wait_until(lambda: self.server.ask("GET", f"/api/v1/jobs/{run.job}")[1][0]["paused"] is None, "a job that is not paused")
        run.await_step(held + 50)
        self.assertEqual(run.enough(), 0, run.text)
        self.check_that_it_hangs_not()
        for outcome in ("held", "resumed"):
            by_rank = {row["rank"]: row.get("step") for row in run.await_events(4, outcome=outcome) if "rank" in row}
            self.assertEqual(by_rank, dict.fromkeys(range(4), action["step"]))

        # The same without --allow-pause: neither a rule nor a person may pause it, and both are told so.
        other = self.start("unpaused", "plain", env={"STEPS": str(len(run.losses()))})
        other.await_step(3)
        done = other.cli("pause")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not let itself be held", done.stderr)
        self.assertEqual(other.end(), 0, other.text)
        self.assertEqual(other.losses(), run.losses())
        refused = other.await_action("refused")
        self.assertIn("the job does not let itself be held (ranks 0-3): `rankscope run --allow-pause`", refused["summary"])
        # Of the rule and the person, who comes second may find the first one's attempt under way.
        wait_until(lambda: any(refused["summary"] in event["msg"] for event in other.events(outcome="refused")), "the refusal's event")

    def check_that_it_hangs_not(self):
        done = self.place.cli("diagnose", "--server", self.server.http, "--job_id", "paused", "-o", "json")
        self.assertEqual(json.loads(done.stdout)["class"], "none", done.stdout)

    def test_by_hand_a_run_is_set_paused_resumed_and_stopped(self):
        run = self.start("by-hand", "quiet", "--allow-pause")
        run.await_step(3)
        done = run.cli("set", "--level", "DEBUG", "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([r["outcome"] for r in json.loads(done.stdout)["ranks"]], ["set"] * 4)
        wait_until(lambda: len({r["rank"] for r in self.server.rows('job:by-hand "was fine"')}) == 4, "debug lines of all ranks")
        done = run.cli("set", "--log_interval_steps", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ranks 0-3: set", done.stdout)
        self.assertEqual(len(run.await_events(5, action="set_level", outcome="set")), 5, "of each rank, and of all together")

        done = run.cli("resume")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the job was not paused: ranks 0-3 go on", done.stderr)
        done = run.cli("pause", "--note", "a look at the loss")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("then they end (what is saved is their script's affair)", done.stdout)
        done = run.cli("pause")
        self.assertEqual(done.returncode, 2)
        self.assertIn("pause_job is under way", done.stderr)
        self.assertEqual(run.cli("resume").returncode, 0)

        done = run.cli("stop", "--note", "the data is wrong")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run.end(), 0, run.text)
        self.assertEqual(len(re.findall("saved and ended before step", run.text)), 4, run.text)
        self.assertIn("the data is wrong", run.await_events(1, outcome="stopped")[0]["msg"])

    def test_a_wrong_value_is_named_in_one_line(self):
        for options, why in ((("--log_interval_steps", "x"), "log_interval_steps"), (("--log_interval_steps", "0"), "log_interval_steps"),
                             (("--level", "LOUD"), "--level"), ((), "[--log_interval_steps,--level] is required"), (("x",), "x")):
            done = self.place.cli("set", "--server", self.server.http, "nobody", *options)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertTrue(done.stderr.startswith("rankscope: set: "), done.stderr)
            self.assertIn(why, done.stderr)

    def test_a_job_that_is_not_there_is_no_success(self):
        self.server.ingest("ended", [{"msg": "x", "rank": 0}])
        for command in (("pause",), ("resume",), ("stop",), ("dump-stacks",), ("set", "--level", "DEBUG")):
            for job, why in (("nobody", 'no job "nobody"'), ("ended", "the job is not running: no agent is connected")):
                done = self.place.cli(command[0], "--server", self.server.http, job, *command[1:])
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(why, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_what_is_no_job_or_no_action_is_refused(self):
        self.assertEqual(self.server.ask("POST", "/api/v1/jobs/nobody/actions", b'{"action": "pause_job"}')[0], 404)
        self.server.ingest("stored", [{"msg": "x", "rank": 0}])
        status, (answer,) = self.server.ask("POST", "/api/v1/jobs/stored/actions", b'{"action": "pause_job"}')
        self.assertEqual((status, answer["outcome"]), (200, "refused"))
        self.assertEqual(answer["summary"], "the job is not running: no agent is connected")
        for body, why in ((b"{}", "actions: want"), (b'{"action": "reboot"}', "action: want one of notify_only, mark"),
                          (b'{"action": "pause_job", "hold_s": 0}', "hold_s: want seconds"),
                          (b'{"action": "webhook pager"}', "webhook sends what a rule has found"),
                          (b'{"action": "pause_job", "who": "me"}', "actions: want")):
            status, (answer,) = self.server.ask("POST", "/api/v1/jobs/stored/actions", body)
            self.assertEqual(status, 400)
            self.assertIn(why, answer["error"])


if __name__ == "__main__":
    unittest.main()
