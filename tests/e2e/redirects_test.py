"""Ranks whose output torchrun directs to files (--redirects), under `rankscope run`."""
import os
import unittest

from harness import OneServerCase, torchrun

SCRIPT = """
import os, signal, sys, time
rank = int(os.environ["RANK"])
for step in range(1, 301):
    print(f"out {rank} {step}")
    print(f"err {rank} {step}", file=sys.stderr)
if os.environ.get("SLOW"):
    time.sleep(3)
if os.environ.get("KILL") and rank == 1:
    sys.stdout.flush(); os.write(1, b"half a line"); os.kill(os.getpid(), signal.SIGKILL)
"""


class RedirectsTest(OneServerCase):
    def train(self, job, *options, **env):
        script = self.place.write("train.py", SCRIPT)
        command = torchrun(2, script)
        at = command.index("--nproc_per_node")
        # As with harness.torchrun, torch 1.13 wants maps, in which it reads 1 and 2 alone.
        del command[3:at]
        command[3:3] = [*options, "--log_dir", os.path.join(self.place.path, "logs-" + job)]
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, "--", *command, env=env)
        return done, self.place.logs(self.server.http, job)

    def printed(self, records, rank, stream):
        return [r["msg"] for r in records if r.get("rank") == rank and r["stream"] == stream and
                r["msg"].startswith(("out", "err", "half"))]

    def all_of(self, word, rank):
        return [f"{word} {rank} {step}" for step in range(1, 301)]

    def test_each_line_of_each_rank_is_there_once_and_in_the_files_as_ever(self):
        done, records = self.train("each", "--redirects", "0:1,1:2", "--tee", "9:0")
        self.assertEqual(done.returncode, 0, done.stderr)
        for rank in range(2):
            self.assertEqual(self.printed(records, rank, "stdout"), self.all_of("out", rank))
            self.assertEqual(self.printed(records, rank, "stderr"), self.all_of("err", rank))
        self.assertNotIn("out 0 1", done.stdout)  # torchrun was asked to keep it off the terminal
        self.assertIn("out 1 1", done.stdout)
        (file,) = [os.path.join(folder, "stdout.log") for folder, _, _ in os.walk(self.place.path + "/logs-each")
                   if folder.endswith("attempt_0/0")]
        with open(file) as text:
            self.assertEqual(text.read().split("\n")[:300], self.all_of("out", 0))

    def test_what_torchrun_shows_by_itself_is_not_read_twice(self):
        done, records = self.train("tee", "--redirects", "9:0", "--tee", "0:1,1:2", SLOW="1")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word, rank in (("out", 0), ("err", 0), ("out", 1), ("err", 1)):
            said = [r["msg"] for r in records if r.get("msg", "").endswith(tuple(f"{word} {rank} {step}" for step in (1, 2, 300)))]
            self.assertEqual(len(said), 3, said)

    def test_a_killed_rank_leaves_its_half_line_and_its_end(self):
        _, records = self.train("kill", "--redirects", "0:1,1:1", "--tee", "9:0", KILL="1")
        self.assertEqual(self.printed(records, 1, "stdout"), [*self.all_of("out", 1), "half a line"])
        (end,) = [r for r in records if r.get("event") == "rank_exit" and r.get("rank") == 1]
        self.assertEqual(end["signal"], "SIGKILL")


if __name__ == "__main__":
    unittest.main()
