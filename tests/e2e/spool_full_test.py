"""No server, and no room for what it has not taken: the oldest printed text goes, counted; metrics and stderr stay."""
import os
import subprocess
import unittest

from harness import ServerCase, mount_small_disk, wait_until

LINES = 80000
SCRIPT = f"""
import glob, os, random, sys, time
captured = os.environ["XDG_STATE_HOME"] + "/rankscope/runs/*/capture/*"
def agent_is_behind():  # by more than a file of the capture: on a busy machine it would fill the disk, instead of the spool
    return len(glob.glob(captured)) > 2
random.seed(int(os.environ["RANK"]))
for i in range({LINES}):
    print("text", i, random.getrandbits(2400).to_bytes(300, "big").hex())
    if i % 100 == 0:
        print({{"loss": float(i), "step": i}})
        print("err", i, file=sys.stderr)
        while agent_is_behind(): time.sleep(0.01)
"""


class SpoolFullTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.server.stop()
        self.script = self.place.write("p.py", SCRIPT)

    def outlast(self, *options, env=None):
        """Runs a rank that prints more than there is room for while the server is away; what is stored then."""
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "j", "--flush-timeout", "0.1", *options,
                              "--", "/usr/bin/python3", self.script, env={"RANK": "0", "LOCAL_RANK": "0", **(env or {})})
        self.assertEqual(done.returncode, 0)
        self.assertIn("are not yet acknowledged", done.stderr)
        self.server.start()
        state = (env or self.place.env)["XDG_STATE_HOME"] + "/rankscope/runs"
        wait_until(lambda: not os.listdir(state), "the agent in the background to ship the spool")
        return self.place.logs(self.server.http, "j")

    def check(self, records):
        self.assertEqual([r["loss"] for r in records if r["stream"] == "stdout" and "loss" in r],
                         [float(i) for i in range(0, LINES, 100)])
        self.assertEqual([r["msg"] for r in records if r["stream"] == "stderr" and r.get("rank") == 0],
                         [f"err {i}" for i in range(0, LINES, 100)])
        texts = [int(r["msg"].split()[1]) for r in records if r.get("msg", "").startswith("text ")]
        dropped = [r for r in records if r.get("event") == "spool_dropped"]
        self.assertGreater(len(dropped), 0)
        self.assertEqual(len(texts) + sum(r["dropped_records"] for r in dropped), LINES)
        self.assertEqual(texts, list(range(LINES - len(texts), LINES)), "the newest text is what is left")
        self.assertFalse([r for r in records if r.get("event") == "capture_dropped"])

    def test_limit(self):
        self.check(self.outlast("--spool-limit", "12MiB"))

    def test_full_disk(self):
        disk = self.place.path + "/disk"
        mount_small_disk(disk, 56)
        try:
            self.check(self.outlast(env={"XDG_STATE_HOME": disk}))
        finally:
            wait_until(lambda: subprocess.run(["umount", disk], capture_output=True).returncode == 0, "the agent's end")


if __name__ == "__main__":
    unittest.main()
