"""Keeper, guard, agent and rank are all killed before anything could be sent: the next run on the node sends it."""
import glob
import os
import signal
import subprocess
import sys
import unittest

from harness import Place, RANKSCOPE, Server, children, wait_until

SCRIPT = """
import os, sys, time
while not os.path.exists(sys.argv[0] + ".go"): time.sleep(0.01)
for i in range(1000): print("item", i)
time.sleep(3600)
"""


def read(path):
    with open(path, "rb") as file:
        return file.read()


class OrphansTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.server = Server(self.place)

    def tearDown(self):
        self.server.stop()
        self.place.remove()

    def leave_behind(self, job):
        script = self.place.write("p.py", SCRIPT)
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, "--", sys.executable, script],
                               env={**self.place.env, "RANK": "0", "LOCAL_RANK": "0"}, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        wait_until(lambda: self.place.cli("logs", "--server", self.server.http, "--job_id", job).returncode == 0, "the job")
        self.server.stop(signal.SIGKILL)
        open(script + ".go", "w").close()
        captured = self.place.path + "/state/rankscope/runs/*/capture/*"
        wait_until(lambda: any(b"item 999\n" in read(file) for file in glob.glob(captured)), "the lines in the capture")
        os.kill(run.pid, signal.SIGSTOP)  # so that it starts nothing anew meanwhile
        for pid in (*children(run.pid), run.pid):
            os.kill(pid, signal.SIGKILL)
        run.wait()

    def test_next_run_sends_what_was_left(self):
        self.leave_behind("left")
        self.server.start()
        self.assertEqual(self.place.cli("run", "--server", self.server.http, "--", "true").returncode, 0)
        wait_until(lambda: not self.place.run_directories(), "the orphan to be sent")
        stored = [r["msg"] for r in self.place.logs(self.server.http, "left", "--stream", "stdout")]
        self.assertEqual(stored, [f"item {i}" for i in range(1000)])

    def test_spool_push_sends_what_was_left(self):
        self.leave_behind("left")
        self.server.start()
        [directory] = glob.glob(self.place.path + "/state/rankscope/runs/*")
        pushed = self.place.cli("spool", "push", directory)
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        stored = [r["msg"] for r in self.place.logs(self.server.http, "left", "--stream", "stdout")]
        self.assertEqual(stored, [f"item {i}" for i in range(1000)])


if __name__ == "__main__":
    unittest.main()
