"""mpirun, before and behind `rankscope run`."""
import json
import os
import shutil
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase, lack

RANK = "import os\nprint('rank', os.environ['OMPI_COMM_WORLD_RANK'])\n"


class MpiTest(ServerCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("mpirun"):
            lack("mpirun (Debian: openmpi-bin)")

    def setUp(self):
        super().setUp()
        self.rank = [sys.executable, self.place.write("rank.py", RANK)]
        self.mpirun = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-np", "3"]

    def check(self, job):
        self.assertEqual((job["state"], job["ranks_seen"], job["ranks_expected"]), ("finished", 3, 3))
        self.assertEqual([(r["rank"], r["source"]) for r in job["ranks"]], [(0, "hook"), (1, "hook"), (2, "hook")])
        for rank in range(3):
            lines = self.place.logs(self.server.http, job["job_id"], "--rank", str(rank), "--stream", "stdout")
            self.assertEqual([r["msg"] for r in lines], [f"rank {rank}"])

    def show(self, job):
        return json.loads(self.place.cli("jobs", "show", job, "--server", self.server.http, "-o", "json").stdout)

    def jobs(self):
        done = self.place.cli("jobs", "--server", self.server.http, "-o", "json")
        return [json.loads(line)["job_id"] for line in done.stdout.splitlines()]

    def test_mpirun_behind_it_is_a_launcher_like_others(self):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "behind", "--", *self.mpirun, *self.rank)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check(self.show("behind"))

    def test_c_ranks_behind_it_are_heard_with_preload(self):
        script = self.place.write("rank.sh", f"export RANK=$OMPI_COMM_WORLD_RANK\nexec {os.environ['PRELOADED_RANK']}\n")
        patient = ["--mca", "orte_abort_on_non_zero_status", "0"]  # rank 1 exits with 7: it ends the others otherwise
        self.place.cli("run", "--server", self.server.http, "--job_id", "c", "--preload", "--", *self.mpirun, *patient,
                       "sh", script)
        lines = self.place.logs(self.server.http, "c", "--stream", "stdout", "--grep", "out of")
        self.assertEqual(sorted((r["rank"], r["msg"]) for r in lines), [(i, f"out of {i}") for i in range(3)])

    def test_what_a_script_reads_and_what_mpirun_writes_to_files_is_left_alone(self):
        script = self.place.write("rank.sh", f'echo "got $({" ".join(self.rank)})"\n')
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "captured", "--", *self.mpirun, "sh", script)
        self.assertEqual(sorted(done.stdout.split("\n")), ["", "got rank 0", "got rank 1", "got rank 2"], done.stderr)
        tagged = self.place.cli("run", "--server", self.server.http, "--job_id", "tagged", "--", *self.mpirun,
                                "--tag-output", *self.rank)
        self.assertIn("[1,2]<stdout>:rank 2", tagged.stdout)

    def test_run_started_once_a_rank_is_one_job(self):
        command = [*self.mpirun, RANKSCOPE, "run", "--flush-timeout", "100", "--server", self.server.http, "--", *self.rank]
        done = subprocess.run(command, env=self.place.env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        jobs = self.jobs()
        self.assertEqual(len(jobs), 1, jobs)
        self.assertTrue(jobs[0].startswith("mpi-"), jobs)
        self.check(self.show(jobs[0]))


if __name__ == "__main__":
    unittest.main()
