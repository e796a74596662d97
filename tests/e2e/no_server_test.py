"""A laptop needs no server: `run` and `logs` keep and find their data by themselves. Exit codes pass through."""
import json
import os
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


if __name__ == "__main__":
    unittest.main()
