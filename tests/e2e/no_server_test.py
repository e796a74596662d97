"""A laptop needs no server: `run` and `logs` keep and find their data by themselves. Exit codes pass through."""
import json
import os
import signal
import subprocess
import sys
import unittest

from harness import RANKSCOPE, PlaceCase, ended, wait_until


class NoServerTest(PlaceCase):
    def tearDown(self):
        with open(self.place.path + "/data/rankscope/server.json") as file:
            pid = json.load(file)["pid"]
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: ended(pid), "the server's end")

    def test_run_logs_and_exit_codes(self):
        done = self.place.cli("run", "--job_id", "j", "--", "sh", "-c", "echo hello; exit 7")
        self.assertEqual((done.returncode, done.stdout), (7, "hello\n"))
        self.assertIn("hello", self.place.cli("logs", "--job_id", "j").stdout)
        self.assertIn("exit 7", self.place.cli("jobs").stdout)
        done = self.place.cli("run", "--job_id", "k", "--", "sh", "-c", "kill -TERM $$")
        self.assertEqual(done.returncode, -signal.SIGTERM)
        self.assertEqual(self.place.cli("run", "--", "/no/such/program").returncode, 127)

    def test_an_interrupt_ends_a_python_command_as_it_does_without_us(self):
        go = self.place.path + "/go"
        script = self.place.write("sleep.py", f"import time\nopen({go!r}, 'w').close()\ntime.sleep(300)\n")
        run = subprocess.Popen([RANKSCOPE, "run", "--", sys.executable, script], env=self.place.env, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell's `&` has it ignored
        wait_until(lambda: os.path.exists(go), "the command")
        run.send_signal(signal.SIGINT)
        _, said = run.communicate()
        self.assertEqual(run.returncode, -signal.SIGINT, said)
        self.assertIn("KeyboardInterrupt", said)

    def test_labels_before_a_command_with_options_of_its_own(self):
        done = self.place.cli("run", "--job_id", "my job", "--label", "team=vision", "--label", "a=b=c", "--", "sh", "-c", "exit 7")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("--job_id 'my job' -f", done.stderr)
        told = json.loads(self.place.cli("jobs", "show", "my job", "-o", "json").stdout)["configuration"]
        self.assertEqual((told["label.team"], told["label.a"]), ("vision", "b=c"))


if __name__ == "__main__":
    unittest.main()
