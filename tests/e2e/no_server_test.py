"""A laptop needs no server: `run` and `logs` keep and find their data by themselves. Exit codes pass through."""
import json
import os
import json
import signal
import unittest

from harness import Place, wait_until


class NoServerTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()

    def tearDown(self):
        with open(self.place.path + "/data/rankscope/server.json") as file:
            os.kill(json.load(file)["pid"], signal.SIGTERM)
        wait_until(lambda: not os.path.exists(self.place.path + "/data/rankscope/server.json"), "the server's end")
        self.place.remove()

    def test_run_logs_and_exit_codes(self):
        done = self.place.cli("run", "--job_id", "j", "--", "sh", "-c", "echo hello; exit 7")
        self.assertEqual((done.returncode, done.stdout), (7, "hello\n"))
        self.assertIn("hello", self.place.cli("logs", "--job_id", "j").stdout)
        self.assertIn("exit 7", self.place.cli("jobs").stdout)
        done = self.place.cli("run", "--job_id", "k", "--", "sh", "-c", "kill -TERM $$")
        self.assertEqual(done.returncode, -signal.SIGTERM)
        self.assertEqual(self.place.cli("run", "--", "/no/such/program").returncode, 127)

    def test_labels_before_a_command_with_options_of_its_own(self):
        done = self.place.cli("run", "--job_id", "my job", "--label", "team=vision", "--label", "a=b=c", "--", "sh", "-c", "exit 7")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("--job_id 'my job' -f", done.stderr)
        told = json.loads(self.place.cli("jobs", "show", "my job", "-o", "json").stdout)["configuration"]
        self.assertEqual((told["label.team"], told["label.a"]), ("vision", "b=c"))


if __name__ == "__main__":
    unittest.main()
