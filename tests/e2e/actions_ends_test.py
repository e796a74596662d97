"""Real runs of 4 ranks that run out of memory, that do not ask whether to end, or whose server ends."""
import os
import signal
import subprocess
import sys
import unittest

from action_case import ActionCase, Run
from harness import RANKSCOPE, wait_until


class ActionsEndsTest(ActionCase):
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

    def test_a_launcher_that_raises_waits_for_no_action(self):
        text = ("from rankscope import _hold, _rank\n_hold.await_end_of_action = lambda: print('waits')\n_rank._watch_exceptions()\n"
                "raise ValueError\n")
        library = os.path.join(os.path.dirname(RANKSCOPE), "..", "lib", "rankscope", "python")
        for name, said in (("train.py", "waits\n"), ("torchrun", "")):
            done = subprocess.run([sys.executable, self.place.write(name, text)], capture_output=True, text=True,
                                  env={**self.place.env, "PYTHONPATH": library})
            self.assertEqual((done.returncode, done.stdout), (1, said), done.stderr)

    def test_a_loop_that_does_not_ask_is_paused_but_not_ended(self):
        run = self.start("deaf", "deaf", "--allow-pause", env={"TIMEOUT_S": "24"})
        run.await_step(3)
        done = run.cli("stop")
        self.assertEqual(done.returncode, 1)
        self.assertIn("none is told to end: ranks 0-3 do not ask whether to end", done.stderr)
        done = run.cli("pause")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("for 12 s at most (half of the collectives' timeout, 24 s); then they go on: ranks 0-3 do not ask", done.stdout)
        held = run.steps()
        self.assertIn("all ranks go on: after 12 s, so that no collective times out; ranks 0-3 do not ask", run.await_action("given_up")["summary"])
        run.await_step(held + 5)
        self.assertEqual(run.enough(), 0, run.text)
        self.assertNotIn("saved and ended", run.text)
        self.assertFalse(run.events(outcome="ending"))

    def test_ranks_go_on_when_the_server_is_gone(self):
        place = self.new_place()
        server = self.serve(place=place)
        run = Run(place, server, "orphaned", "quiet", "--allow-pause")
        self.addCleanup(run.kill)
        run.await_step(3)
        self.assertEqual(run.cli("pause").returncode, 0)
        held = run.steps()
        server.stop(signal.SIGKILL)
        wait_until(lambda: run.steps() >= held + 5, "steps without a server")
        server.start()
        self.assertEqual(run.enough(), 0, run.text)
        left = run.await_events(4, outcome="left")
        self.assertEqual({row["rank"] for row in left}, set(range(4)))
        self.assertIn("no word from the server for 30 s", left[0]["msg"])


if __name__ == "__main__":
    unittest.main()
