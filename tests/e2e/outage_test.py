"""A server that cannot be reached is spoken of while the job runs: once, and once when it is back; with the reason at the end."""
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase

WAITS = "import sys; print(sys.stdin.readline().strip())"


class OutageTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.server.stop()

    def test_the_terminal_is_told_of_an_outage_and_of_its_end(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--flush-timeout", "100", "--server", self.server.http, "--job_id", "j", "--",
                                sys.executable, "-c", WAITS], env=self.place.env, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
        said = iter(run.stderr.readline, "")
        outage = next(line for line in said if "no server at " + self.server.http in line)
        self.assertIn("records are kept, and sent when it answers", outage)
        self.server.start()
        self.assertIn("the server takes records again", next(said))
        self.assertEqual(run.communicate("trained\n"), ("trained\n", ""))
        self.assertEqual([r["msg"] for r in self.place.logs(self.server.http, "j", "--stream", "stdout")], ["trained"])

    def test_what_is_not_sent_at_the_end_has_its_reason(self):
        tried = f"until ls {self.place.path}/state/rankscope/runs/*/trouble; do sleep 0.05; done >/dev/null 2>&1; echo trained"
        done = self.place.cli("run", "--flush-timeout", "0", "--server", self.server.http, "--job_id", "j", "--", "sh", "-c", tried)
        self.assertEqual((done.returncode, done.stdout), (0, "trained\n"))
        self.assertIn(f"not yet acknowledged (no server at {self.server.http}: ", done.stderr)
        self.server.start()


if __name__ == "__main__":
    unittest.main()
