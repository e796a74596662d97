"""What `rankscope jobs`, `jobs show` and `doctor` say of ranks: who, where, on which GPU, by which source, how it ended."""
import json
import os
import socket
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase, torchrun, wait_until

# Starts ranks as a launcher does: all on one pipe. Arguments: the count and a rank's command.
LAUNCHER = """
import os, subprocess, sys
count = int(sys.argv[1])
ranks = [subprocess.Popen(sys.argv[2:], env={**os.environ, "RANK": str(i), "LOCAL_RANK": str(i),
                                             "WORLD_SIZE": str(count), "GROUP_RANK": "0"}) for i in range(count)]
sys.exit(max(abs(rank.wait()) for rank in ranks))
"""
# Runs until the file named STOP is there.
WAITING = "import os, time\nprint('up', flush=True)\nwhile not os.path.exists(os.environ['STOP']): time.sleep(0.02)\n"
RESTARTED = """
import os, sys, time
rank, attempt = os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]
print({"loss": 0.25 if attempt == "1" else 9.0, "step": 40 + int(attempt)})
if attempt == "0":
    if rank == "1": raise RuntimeError("bad link")
    time.sleep(600)
"""
# Rank 1 is killed without a word; the other ends when STOP is there, by an exception of its own, and says so in lines of which the last counts.
KILLED_AND_RAISED = """
import os, signal, sys, time
print("step: 3 loss: 0.5 on rank", os.environ["RANK"])
if os.environ["RANK"] == "1": os.kill(os.getpid(), signal.SIGKILL)
while not os.path.exists(os.environ["STOP"]): time.sleep(0.02)
raise RuntimeError("lost rank 1")
"""


class JobsTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.stop = self.place.path + "/stop"
        self.launcher = self.place.write("launch.py", LAUNCHER)

    def start(self, job, *command, env=None):
        return subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, "--", *command],
                                env={**self.place.env, "STOP": self.stop, **(env or {})}, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def finish(self, run):
        open(self.stop, "w").close()
        self.assertEqual(run.wait(), 0)

    def show(self, job):
        done = self.place.cli("jobs", "show", job, "--server", self.server.http, "-o", "json")
        return json.loads(done.stdout) if done.returncode == 0 else {"ranks": []}

    def text(self, *arguments):
        return self.place.cli(*arguments, "--server", self.server.http).stdout

    def test_elastic_restart_is_an_attempt_and_the_job_finishes(self):
        script = self.place.write("train.py", RESTARTED)
        command = torchrun(2, script)
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "elastic", "--", *command[:-1],
                              "--max_restarts", "1", "--monitor_interval", "0.1", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        job = self.show("elastic")
        self.assertEqual((job["state"], job["attempt"], job["ranks_seen"], job["ranks_expected"]), ("finished", 1, 2, 2))
        self.assertEqual((job["last_step"], job["last_loss"]), (41, 0.25))
        ends = {(r["attempt"], r["rank"]): r["exit"] for r in job["ranks"]}
        self.assertEqual((ends[(0, 1)], ends[(1, 0)], ends[(1, 1)]), ("exit 1", "exit 0", "exit 0"))
        wait_until(lambda: "potential" in self.text("jobs"), "the finding that the first attempt's rank failed")
        row = self.text("jobs").splitlines()[1].split()
        self.assertEqual(row[:7], ["elastic", "finished,", "potential", "1", "2/2", "41", "0.25"])

    def test_the_page_of_a_failed_job_has_the_last_words_of_each_rank_in_the_order_of_their_ends(self):
        rank = self.place.write("rank.py", KILLED_AND_RAISED)
        run = self.start("bad", sys.executable, self.launcher, "2", sys.executable, rank)
        wait_until(lambda: "SIGKILL" in [r["exit"] for r in self.show("bad")["ranks"]], "the end of rank 1")
        open(self.stop, "w").close()
        self.assertEqual(run.wait(), 9)
        page = self.text("show", "bad").splitlines()
        begin = page.index("ended badly, in this order (rankscope jobs show bad)")
        host = socket.gethostname()
        self.assertRegex(page[begin + 1], rf"^  [0-9:.]+  rank 1 on {host}  SIGKILL  step: 3 loss: 0\.5 on rank 1$")
        self.assertRegex(page[begin + 2], rf"^  [0-9:.]+  rank 0 on {host}  exit 1   RuntimeError: lost rank 1$")
        self.assertEqual(sum("RuntimeError: lost rank 1" in line for line in page[begin:] if "Uncaught" not in line), 1)

    def test_an_end_that_is_told_twice_is_listed_once_and_one_of_which_nobody_knows_how_is_not(self):
        def end(rank, second, how, **fields):
            return {"timestamp": f"2026-03-01T10:00:{second:02}Z", "rank": rank, "stream": "event", "event": "rank_exit",
                    "msg": f"rank {rank} ended: {how}", **fields}
        self.server.ingest("told", [end(1, 1, "how is unknown", exit_source="unknown"),
                                    end(1, 2, "exit 1", exit_source="launcher", exit_code=1),
                                    end(0, 3, "how is unknown", exit_source="unknown")])
        page = self.text("show", "told").splitlines()
        begin = page.index("ended badly, in this order (rankscope jobs show told)")
        self.assertRegex(page[begin + 1], r"^  10:00:02\.000  rank 1 on -  exit 1  -$")
        self.assertFalse(any("unknown" in line for line in page[begin:]), page)

    def test_second_run_of_a_named_job_is_an_attempt_and_the_first_ones_ranks_and_words_stay(self):
        for code in (3, 0):
            rank = self.place.write("rank.py", f"print('says {code}')\nraise SystemExit({code})\n")
            done = self.place.cli("run", "--server", self.server.http, "--job_id", "again", "--", sys.executable, self.launcher,
                                  "1", sys.executable, rank)
            self.assertEqual(done.returncode, code, done.stderr)
        job = self.show("again")
        self.assertEqual((job["state"], job["attempt"], job["ranks_seen"]), ("finished", 1, 1))
        self.assertEqual([(r["attempt"], r["exit"]) for r in job["ranks"]], [(0, "exit 3"), (1, "exit 0")])
        self.assertEqual(self.text("logs", "--job_id", "again", "--attempt", "0", "--grep", "says"), "[0/0] I says 3\n")
        self.assertEqual(self.text("logs", "--job_id", "again", "--grep", "says"), "[0/0] I says 3\n[0/0] I says 0\n")

    def test_torchrun_in_a_slurm_task_is_no_rank_but_its_ranks_are(self):
        script = self.place.write("rank.py", "import os\nprint('I am', os.environ['RANK'])\n")
        task = {"SLURM_JOB_ID": "4711", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
                "SLURM_NODEID": "0", "SLURM_NTASKS": "1", "SLURM_STEP_NUM_NODES": "1"}
        done = self.place.cli("run", "--server", self.server.http, "--", *torchrun(2, script), env=task)
        self.assertEqual(done.returncode, 0, done.stderr)
        job = self.show("slurm-4711")
        self.assertEqual((job["state"], job["ranks_seen"], job["ranks_expected"]), ("finished", 2, 2))
        lines = self.place.logs(self.server.http, "slurm-4711", "--stream", "stdout", "--grep", "I am")
        self.assertEqual(sorted((r["rank"], r["msg"]) for r in lines), [(0, "I am 0"), (1, "I am 1")])

    def test_second_failure_is_the_jobs_and_names_its_first_rank(self):
        script = self.place.write("train.py", RESTARTED.replace('if attempt == "0"', "if True"))
        command = torchrun(2, script)
        self.place.cli("run", "--server", self.server.http, "--job_id", "hopeless", "--", *command[:-1],
                       "--max_restarts", "1", "--monitor_interval", "0.1", script)
        job = self.show("hopeless")
        self.assertEqual((job["state"], job["attempt"], job["reason"]), ("failed", 1, "rank 1: exit 1"))

    def test_each_rank_has_the_gpu_it_sees(self):
        os.symlink(os.environ["FAKE_NVML"], self.place.path + "/libnvidia-ml.so.1")
        rank = self.place.write("rank.py", WAITING)
        run = self.start("gpus", sys.executable, self.launcher, "2", sys.executable, rank,
                         env={"LD_LIBRARY_PATH": self.place.path, "FAKE_NVML_DEVICES": "4", "CUDA_VISIBLE_DEVICES": "3,1"})
        wait_until(lambda: [r["gpu_uuid"] for r in self.show("gpus")["ranks"]] == ["GPU-1237", "GPU-1235"], "both GPUs")
        self.finish(run)
        row = [line.split() for line in self.text("jobs", "show", "gpus").splitlines() if "GPU-1235" in line][0]
        self.assertEqual((row[1], row[2], row[3], row[6], row[7]), ("1", "0", "1", "GPU-1235", "hook"))

    def test_ranks_without_a_channel_are_named_and_their_ends_known(self):
        rank = self.place.write("rank.py", WAITING)
        run = self.start("silent", sys.executable, self.launcher, "2", sys.executable, "-I", rank)
        wait_until(lambda: [r["source"] for r in self.show("silent")["ranks"]] == ["exit only"] * 2, "both ranks")
        shown = self.text("jobs", "show", "silent")
        self.assertIn("no channel of their own: ranks 0-1;", shown)
        report = json.loads(self.text("doctor", "-o", "json"))
        named = {r["rank"]: r["pid"] for r in report["ranks_without_channel"] if r["pid"] in self.pids("silent")}
        self.assertEqual(sorted(named), [0, 1])
        self.assertIn(run.pid, report["keepers"])
        checks = {check["name"]: check for check in report["checks"]}
        self.assertEqual((checks["ranks"]["state"], checks["server"]["state"], checks["clock"]["state"]),
                         ("warning", "ok", "ok"))
        self.finish(run)
        # Before Linux 6.15 nobody but the launcher is told.
        self.assertLessEqual({r["exit"] for r in self.show("silent")["ranks"]}, {"exit 0", "unknown"})

    def is_ours(self, pid):
        try:
            with open(f"/proc/{pid}/environ") as environ:
                return f"STOP={self.stop}\0" in environ.read()
        except FileNotFoundError:
            return False

    def pids(self, job):
        return [r["pid"] for r in self.show(job)["ranks"]]

    def test_script_around_a_python_rank_is_not_taken_for_the_rank(self):
        rank = self.place.write("rank.py", WAITING)
        wrapper = self.place.write("wrap.sh", f"echo wrapped\n{sys.executable} {rank}\n")
        run = self.start("wrapped", sys.executable, self.launcher, "1", "sh", wrapper)
        wait_until(lambda: [r["source"] for r in self.show("wrapped")["ranks"]] == ["hook"], "the rank's hook")
        report = json.loads(self.text("doctor", "-o", "json"))
        self.assertFalse([r for r in report["ranks_without_channel"] if self.is_ours(r["pid"])])
        self.finish(run)
        self.assertEqual([r["source"] for r in self.show("wrapped")["ranks"]], ["hook"])

    def test_doctor_says_what_to_do_about_a_server_that_is_not_there(self):
        done = self.place.cli("doctor", "--server", "127.0.0.1:1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("start it with `rankscope serve --http 127.0.0.1:1`", done.stdout)


if __name__ == "__main__":
    unittest.main()
