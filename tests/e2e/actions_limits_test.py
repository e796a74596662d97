"""Real runs of 4 ranks that cannot wait, or not for longer: collectives, a rank that hangs, a server that is gone."""
import re
import signal
import subprocess
import sys
import time
import unittest

from action_case import ActionCase
from harness import PATIENCE, RANKSCOPE, wait_until


def text_of(path):
    with open(path) as file:
        return file.read()


class ActionsLimitsTest(ActionCase):
    def test_a_pause_that_would_outlast_the_collectives_ends_with_a_checkpoint(self):
        run = self.start("capped", "quiet", "--allow-pause", env={"TIMEOUT_S": "24"})
        run.await_step(3)
        done = run.cli("pause", "--for", "1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("for 12 s at most (half of the collectives' timeout, 24 s, though 1000 s were asked for)", done.stdout)
        self.assertEqual(run.end(), 0, run.text)
        ends = re.findall(r"saved and ended before step (\d+)", run.text)
        self.assertEqual(len(ends), 4, run.text)
        self.assertEqual(len(set(ends)), 1)
        self.assertIn("after 12 s, so that no collective times out", run.await_action("stopped")["summary"])

    def test_a_rank_that_never_comes_is_named_and_the_others_go_on(self):
        run = self.start("apart", "apart", "--allow-pause", env={"TIMEOUT_S": "30"})
        run.await_step(60)
        done = run.cli("pause")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"there: ranks 0-1, 3; on the way: rank 2 is at step 30 for \S+ s; given up once a rank")
        self.assertIn("rank 2 never came", done.stdout)
        (named,) = run.await_events(1, outcome="not arrived")
        self.assertEqual((named["rank"], named["step"]), (2, 30))
        run.await_step(run.steps() + 20)
        self.assertEqual(run.enough(), 0, run.text)

    def test_stacks_of_a_hung_run_name_the_odd_rank(self):
        run = self.start("hung", "hung", "--allow-pause")
        run.await_step(19)

        def dumped():
            began = time.monotonic()
            done = run.cli("dump-stacks")
            print(f"stacks of 4 ranks: {time.monotonic() - began:.2f} s", file=sys.stderr)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        said = wait_until(lambda: (text := dumped()) and re.search(r"\n  ranks 0-1,3 captured: \S+ in \S+\n", text) and text,
                          "the others to reach the collective in which they wait")
        self.assertRegex(said, r"\n  rank 2 captured: .*paused_training.py:\d+ in fetch_a_shard_that_never_comes\n")
        stacks = wait_until(lambda: (rows := self.server.rows("job:hung stream:stack")) and len(rows) % 4 == 0 and rows[-4:], "stacks")
        odd = next(row for row in stacks if row["rank"] == 2)
        self.assertIn("in misbehave", odd["msg"])
        self.assertEqual(odd["method"], "faulthandler")
        self.assertGreater(odd["host_memory_gib"], 0.01)
        self.pause_names_whom_it_waits_for(run)
        self.assertEqual(run.enough(), 0, run.text)

    def pause_names_whom_it_waits_for(self, run):
        said = self.place.write("pause.err", "")
        with open(said, "w") as file:
            pause = subprocess.Popen([RANKSCOPE, "pause", "--server", self.server.http, run.job], stderr=file, env=self.place.env)
        named = run.await_events(4, outcome="not arrived")
        self.assertEqual({row["rank"] for row in named}, set(range(4)))
        self.assertIn("is at step 20 for", next(row["detail"] for row in named if row["rank"] == 2))
        action = wait_until(lambda: [a for a in run.actions() if a["outcome"] == "incomplete"], "a report")[0]
        self.assertEqual(action["state"], "running")
        self.assertRegex(action["summary"], r"there: none yet; on the way: .* at step 20 for \S+ s; given up once a rank has made no step")
        wait_until(lambda: "on the way: " in text_of(said), "a word of the command")
        pause.send_signal(signal.SIGINT)
        self.assertEqual(pause.wait(PATIENCE), 1)
        self.assertIn("pause_job goes on without this command; `rankscope resume hung` withdraws it", text_of(said))
        self.assertEqual(run.cli("resume").returncode, 0)
        self.assertEqual(self.server.ask("GET", f"/api/v1/actions/{action['id']}")[1][0]["outcome"], "resumed")


if __name__ == "__main__":
    unittest.main()
