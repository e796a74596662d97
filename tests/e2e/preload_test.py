"""`rankscope run --preload`: ranks that are not Python get a channel of their own."""
import json
import os
import subprocess
import sys
import unittest

from harness import Place, Server
from jobs_test import LAUNCHER

RANK = os.environ["PRELOADED_RANK"]  # preloaded_rank.c, built


class PreloadTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.server = Server(self.place)
        self.launcher = self.place.write("launch.py", LAUNCHER)

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0)
        self.place.remove()

    def run_ranks(self, job, *options):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, *options, "--", sys.executable,
                              self.launcher, "3", RANK)
        self.assertEqual(done.returncode, 7, done.stderr)
        return done, self.place.logs(self.server.http, job)

    def lines(self, records, rank):
        return sorted((r["stream"], r["msg"]) for r in records
                      if r.get("rank") == rank and r["stream"] in ("stdout", "stderr"))

    def test_c_ranks_have_their_lines_their_ends_and_their_terminal(self):
        done, records = self.run_ranks("preloaded", "--preload")
        for rank in range(3):
            self.assertEqual(self.lines(records, rank), [("stderr", f"err of {rank}"), ("stdout", f"child of {rank}"),
                                                         ("stdout", "half"), ("stdout", f"out of {rank}")])
            self.assertIn(f"out of {rank}\n", done.stdout)
        job = json.loads(self.place.cli("jobs", "show", "preloaded", "--server", self.server.http, "-o", "json").stdout)
        self.assertEqual([r["source"] for r in job["ranks"]], ["console"] * 3)
        self.assertEqual((job["ranks_expected"], job["state"]), (3, "failed"))

    def test_without_the_flag_nothing_is_preloaded(self):
        _, records = self.run_ranks("plain")
        self.assertFalse([r for r in records if "rank" in r and r["stream"] != "event"])
        self.assertEqual(sum(r.get("msg", "").count("out of") for r in records), 3)

    def test_preloaded_library_does_nothing_without_a_keeper(self):
        library = os.path.join(os.path.dirname(os.path.dirname(os.environ["RANKSCOPE"])),
                               "lib/rankscope/librankscope_preload.so")
        env = {**self.place.env, "LD_PRELOAD": library, "RANK": "0", "LOCAL_RANK": "0"}
        for stale in ({}, {"RANKSCOPE_RUN": "1", "RANKSCOPE_SOCKET": "/nowhere/keeper"}):
            done = subprocess.run([RANK], env={**env, **stale}, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, "out of 0\nchild of 0\nhalf"))


if __name__ == "__main__":
    unittest.main()
