"""Senders that should not be: a stale one that wakes up, two that claim one rank, and a server that forgot."""
import os
import re
import shutil
import signal
import subprocess
import unittest

from faults import ENDLESS, PATIENCE, RANKSCOPE, Job, LoggingServer, PlaceCase, read, wait_until


class SendersTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve(kind=LoggingServer)

    def test_stale_sender_is_fenced_when_it_wakes_up(self):
        job = Job(self.place, self.server.http, ranks=2, lines=ENDLESS, pause=0.1)
        self.assertIsNotNone(job.await_progress(500), "the run was over too early")
        stale = job.agent()
        os.kill(stale, signal.SIGSTOP)
        (name,) = self.place.run_directories()
        # It holds the lock of its spool: only a node that got the spool's disk, as here by a copy, can go on with it.
        original, copy = f"{self.place.path}/state/rankscope/runs/{name}", self.place.path + "/copy"
        shutil.copytree(original, copy)
        pushed = subprocess.run([RANKSCOPE, "spool", "push", copy], capture_output=True, text=True, env=self.place.env)
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        stored = job.printed() - job.ledger(self.server.http)[0]
        os.kill(stale, signal.SIGCONT)
        log = original + "/agent.log"
        wait_until(lambda: os.path.exists(log) and "fenced" in read(log), "the stale sender to be fenced")
        job.stop()
        self.assertEqual(job.process.wait(PATIENCE), 0, "the run itself does not suffer")
        self.assertEqual(job.ledger(self.server.http), (job.printed() - stored, 0, 0, 0), "nothing came from the fenced sender")

    def test_two_agents_that_claim_one_rank_are_both_stored_and_said(self):
        first = Job(self.place, self.server.http, job="j", ranks=1, lines=ENDLESS, pause=0.1)
        other = self.new_place()
        second = Job(other, self.server.http, job="j", ranks=1, lines=ENDLESS, pause=0.1)
        for job in (first, second):
            self.assertIsNotNone(job.await_progress(job.progress()[1] + 500), "the run was over too early")
        first.stop()
        second.stop()
        self.assertEqual((first.finish(), second.finish()), (0, 0))
        stored = [r for r in self.place.logs(self.server.http, "j", "--stream", "stdout")]
        self.assertEqual(len(stored), first.printed() + second.printed())
        said = [r for r in first.events(self.server.http) if r.get("event") == "duplicate_rank"]
        self.assertEqual(len(said), 1, said)
        self.assertIn("DUPLICATE RANK", said[0]["msg"])
        self.assertEqual(said[0]["rank"], 0)
        self.assertIn("DUPLICATE RANK", self.server.stderr())

    def test_server_restored_from_an_older_copy_gets_the_tail_again_and_says_so(self):
        job = Job(self.place, self.server.http, lines=ENDLESS, pause=0.1)
        job.await_progress(500)
        self.server.stop()
        shutil.copytree(self.server.data, self.place.path + "/backup")
        self.server.start()
        acked = job.await_progress(job.progress()[1] + 1000)
        self.assertIsNotNone(acked, "the run was over too early")
        self.server.stop(signal.SIGKILL)
        shutil.rmtree(self.server.data)
        os.rename(self.place.path + "/backup", self.server.data)
        self.server.start()
        job.stop()
        self.assertEqual(job.finish(), 0)
        self.assertEqual(job.ledger(self.server.http), (0, 0, 0, 0))
        said = [r["msg"] for r in job.events(self.server.http) if r.get("event") == "ack_regression"]
        self.assertEqual(len(said), 1, said)
        self.assertTrue(re.match(r"ACK REGRESSION: the server no longer holds records \d+ to \d+ ", said[0]), said)
        self.assertIn(said[0], self.server.stderr())

    def test_records_that_nobody_holds_any_longer_are_counted_and_said(self):
        self.server.stop()
        job = Job(self.place, self.server.http, lines=1500, pause=0.02, options=("--flush-timeout", "0.1"))
        wait_until(lambda: job.progress()[0] > 2000, "a spool that waits for the server")
        (name,) = self.place.run_directories()
        self.assertEqual(job.process.wait(PATIENCE), 0)
        frames = f"{self.place.path}/state/rankscope/runs/{name}/spool/frames"
        files = sorted(f for f in os.listdir(frames) if f.endswith(".journal"))
        with open(f"{frames}/{files[0]}", "r+b") as file:
            file.seek(5000)  # in an early frame
            file.write(b"\0" * 100)
        self.server.start()
        wait_until(lambda: not self.place.run_directories(), "the agent to have shipped everything")
        lost, doubled, disorder, changed = job.ledger(self.server.http)
        self.assertGreater(lost, 0)
        self.assertEqual((doubled, disorder, changed), (0, 0, 0))
        said = [r for r in job.events(self.server.http) if r.get("event") == "records_lost"]
        self.assertEqual(len(said), 1, said)
        self.assertGreaterEqual(said[0]["lost_records"], lost)


if __name__ == "__main__":
    unittest.main()
