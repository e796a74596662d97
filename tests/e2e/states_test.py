"""What `jobs` and `logs` say of jobs that are not well: a loss that is no number, a job nobody hears of."""
import json
import subprocess
import unittest

from harness import RANKSCOPE, PlaceCase, wait_until


class StatesTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve("--lost-after", "0")  # every job that goes on is lost at once

    def ask(self, *arguments):
        return self.place.cli(*arguments, env={"RANKSCOPE_SERVER": self.server.http})

    def test_loss_that_is_no_number_is_shown(self):
        script = self.place.write("nan.py", "print({'loss': float('nan'), 'grad_norm': 1.5, 'learning_rate': 1e-05, 'epoch': 0.1})\n")
        done = self.ask("run", "--job_id", "nan", "--", "/usr/bin/python3", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        for _ in range(2):
            shown = self.ask("jobs", "show", "nan", "-o", "json")
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertEqual(json.loads(shown.stdout)["last_loss"], "NaN")
            self.assertIn("NaN", self.ask("jobs").stdout)
            self.server.stop()
            self.server.start()

    def test_since_does_not_call_a_lost_job_ended(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "lost", "--", "sh", "-c",
                                "echo ready; until [ -e stop ]; do sleep 0.02; done"], env=self.place.env, cwd=self.place.path,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: "ready" in self.ask("logs", "--job_id", "lost").stdout, "the first line")
        done = self.ask("logs", "--job_id", "lost", "--since", "1h")
        self.assertIn("nothing is heard of the job any more: times count back from its last record", done.stderr)
        self.place.write("stop", "")
        self.assertEqual(run.wait(), 0)

    def test_quiet_job_without_samples_is_heard_of(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "quiet", "--sample-interval", "0", "--",
                                "sh", "-c", "until [ -e stop ]; do sleep 0.02; done"], env=self.place.env, cwd=self.place.path,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.ask("jobs", "show", "quiet").returncode == 0, "the job's start")
        heard = json.loads(self.ask("jobs", "show", "quiet", "-o", "json").stdout)["last_heard"]
        sign = wait_until(lambda: self.place.logs(self.server.http, "quiet", "--stream", "host"), "a sign of life")[0]
        self.assertGreater(sign["uptime_s"], 0)
        self.assertGreater(json.loads(self.ask("jobs", "show", "quiet", "-o", "json").stdout)["last_heard"], heard)
        self.place.write("stop", "")
        self.assertEqual(run.wait(), 0)


if __name__ == "__main__":
    unittest.main()
