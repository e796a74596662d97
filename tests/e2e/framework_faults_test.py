"""Real trainers of the frameworks that fail on one rank, under `rankscope run`: what the server says of them by itself.
$RANKSCOPE_FRAMEWORKS names their Python, as in frameworks_test.py; the scripts and faults are those of bench/faulted_runs.py."""
import json
import os
import sys
import unittest

from harness import OneServerCase, port_to_come_back_to, torchrun, wait_until

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "faulted")
sys.path.insert(0, BENCH)
from swift_run import prepare_swift, swift_arguments  # noqa: E402

PYTHON = os.environ.get("RANKSCOPE_FRAMEWORKS", "")


@unittest.skipUnless(PYTHON, "$RANKSCOPE_FRAMEWORKS names no Python with the frameworks")
class FrameworkFaultsTest(OneServerCase):
    def run_faulted(self, job, fault, culprit, command, env=()):
        """The server's own diagnosis, an event of the job, and its incidents, one JSON object a line."""
        out = f"{self.place.path}/{job}"
        os.makedirs(out)
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, "--", *command, patience=900, env={
            "FAULT": fault, "CULPRIT": str(culprit), "OUT": out, "PYTHONPATH": BENCH, "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", **dict(env)})
        self.assertNotEqual(done.returncode, 0, done.stderr[-2000:])

        def told():
            return [row for row in self.server.rows(f'job_id:"{job}" stream:event') if row.get("event") == "diagnosis"]
        wait_until(told, "the server's diagnosis")
        return told()[-1], self.place.cli("incidents", "--server", self.server.http, "--job_id", job, "-o", "json").stdout

    def check(self, job, told, failure, culprit):
        self.assertEqual((told["class"], told.get("rank")), (failure, culprit), told)
        again = json.loads(self.place.cli("diagnose", "--server", self.server.http, "--job_id", job, "-o", "json").stdout)
        self.assertEqual((again["class"], again["culprit"]["rank"]), (failure, culprit), again)

    def trainer(self, fault, culprit, failure):
        job = "trainer-" + fault
        command = torchrun(2, BENCH + "/train_trainer.py", PYTHON)
        told, incidents = self.run_faulted(job, fault, culprit, command)
        self.check(job, told, failure, culprit)
        return incidents

    def test_trainer_with_an_exception_on_one_rank(self):
        incidents = self.trainer("exception", 1, "python_exception_one_rank")
        opened = json.loads(incidents.splitlines()[0])
        self.assertEqual((opened["title"], opened["ranks"], opened["class"]),
                         ("rank 1 raised what nothing caught", "1", "python_exception_one_rank"))

    def test_trainer_with_a_killed_rank(self):
        self.trainer("sigkill", 1, "host_oom_killed")

    def test_trainer_with_a_bad_sample(self):
        self.trainer("bad_sample", 1, "data_error")

    def swift(self, fault, culprit, failure):
        prepare_swift(self.place.path, PYTHON)
        job = "swift-" + fault
        port = str(port_to_come_back_to())
        command = ["swift", "sft", *swift_arguments(self.place.path, f"{self.place.path}/{job}")]
        told, _ = self.run_faulted(job, fault, culprit, command, {
            "NPROC_PER_NODE": "2", "MASTER_PORT": port, "PATH": os.path.dirname(PYTHON) + ":" + os.environ["PATH"]})
        self.check(job, told, failure, culprit)

    def test_swift_with_an_exception_on_one_rank(self):
        self.swift("exception", 1, "python_exception_one_rank")

    def test_swift_with_a_killed_rank(self):
        self.swift("sigkill", 1, "host_oom_killed")


if __name__ == "__main__":
    unittest.main()
