"""What ranks report without printing: `import rankscope` under `rankscope run`, on a real gloo run."""
import os
import subprocess
import sys
import unittest

from harness import RANKSCOPE, OneServerCase, torchrun, wait_until

SCRIPT = """
import os, signal, sys
import torch, torch.distributed as dist
import rankscope
rank = int(os.environ["RANK"]); fault = os.environ.get("FAULT", "")
torch.set_num_threads(1)
class Data(torch.utils.data.Dataset):
    def __len__(self): return 25
    def __getitem__(self, i):
        rankscope.log({"loss": 1e9}, step=i)  # a worker is inert: this must never be seen
        return torch.tensor([float(i)])
if __name__ == "__main__":
    dist.init_process_group("gloo")
    context = os.environ["CONTEXT"]
    workers = dict(num_workers=2, multiprocessing_context=context) if context else {}
    dataset = Data() if context else [torch.tensor([float(i)]) for i in range(25)]
    for step, batch in enumerate(torch.utils.data.DataLoader(dataset, batch_size=1, **workers), 1):
        loss = float("nan") if rank == 2 and step == 13 else 100.0 * rank + step
        rankscope.log({"loss": loss, "lr": torch.tensor(0.5)}, step=step)
        if fault == "kill" and rank == 1 and step == 17: os.kill(os.getpid(), signal.SIGKILL)
    rankscope.log_batch(ids=[rank, 7], shapes={"x": [1, 2]}, lengths=torch.tensor([5, 6]))
    dist.barrier()
    dist.destroy_process_group()
"""


class MetricsTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.script = cls.place.write("train.py", SCRIPT)

    def train(self, job, *options, context="", fault=""):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, *options, "--",
                              *torchrun(4, self.script), env={"CONTEXT": context, "FAULT": fault})
        return done, [r for r in self.place.logs(self.server.http, job) if r["stream"] in ("metric", "batch")]

    def of_rank(self, records, rank):
        return [r for r in records if r["rank"] == rank and r["stream"] == "metric"]

    def test_every_rank_reports_its_own_loss_once_an_interval(self):
        done, records = self.train("plain")
        self.assertEqual(done.returncode, 0, done.stderr)
        for rank in (0, 1, 3):
            mine = self.of_rank(records, rank)
            self.assertEqual([r["step"] for r in mine], [10, 20, 25])
            self.assertEqual([r["loss"] for r in mine], [100 * rank + step for step in (10, 20, 25)])
            self.assertEqual((mine[1]["loss_min"], mine[1]["loss_max"]), (100 * rank + 11, 100 * rank + 20))
            self.assertEqual(mine[0]["learning_rate"], 0.5)
        spoiled = self.of_rank(records, 2)
        self.assertEqual([r["step"] for r in spoiled], [10, 13, 20, 25])
        self.assertEqual((spoiled[1]["loss"], spoiled[1]["loss_nonfinite"]), ("NaN", 1))
        batches = {r["rank"]: r for r in records if r["stream"] == "batch"}
        self.assertEqual(sorted(batches), [0, 1, 2, 3])
        self.assertEqual((batches[3]["ids"], batches[3]["lengths"], batches[3]["step"]), ("[3,7]", "[5,6]", 25))

    def test_interval_of_one_gives_each_step(self):
        done, records = self.train("each", "--log_interval_steps", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([r["step"] for r in self.of_rank(records, 3)], list(range(1, 26)))

    def test_data_loader_workers_are_inert(self):
        for context in ("fork", "spawn"):
            done, records = self.train(context, context=context)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([r["step"] for r in self.of_rank(records, 1)], [10, 20, 25])
            self.assertFalse([r for r in records if r.get("loss_max", 0) > 1e6])

    def test_interval_is_changed_while_the_job_runs(self):
        script = self.place.write("slow.py", "import os, time, rankscope\nstep = 0\n"
                                  "while not os.path.exists(os.environ['STOP']):\n"
                                  "    step += 1; rankscope.log({'loss': 1.0}, step=step); time.sleep(0.005)\n")
        stop = self.place.path + "/stop"
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "slow", "--log_interval_steps",
                                "1000000", "--", sys.executable, script], stderr=subprocess.DEVNULL,
                               env={**self.place.env, "STOP": stop, "RANK": "0", "LOCAL_RANK": "0"})
        self.addCleanup(run.kill)
        change = ("jobs", "set", "slow", "--log_interval_steps", "2", "--server", self.server.http)
        wait_until(lambda: self.place.cli(*change).returncode == 0, "the job's agent to connect")
        metrics = ("logs", "--job_id", "slow", "--stream", "metric", "-o", "json", "--server", self.server.http)
        wait_until(lambda: len(self.place.cli(*metrics).stdout.splitlines()) > 3, "metric records")
        open(stop, "w").close()
        self.assertEqual(run.wait(), 0)
        done = self.place.cli(*change)
        self.assertEqual(done.returncode, 1)
        self.assertIn("slow is not running", done.stderr)

    def test_what_cannot_be_recorded_never_ends_the_training_and_is_counted(self):
        script = self.place.write("mistaken.py", "import rankscope\n"
                                  "for step in (3.7, '3', 2**63, -1): rankscope.log({'loss': 1.0}, step=step)\n"
                                  "rankscope.log({'loss': 10**400, 'accuracy': 0.5}, step=1)\n"
                                  "rankscope.log({'nothing': None}, step=2)\n"
                                  "rankscope.log({'x' * 500: 1.0}, step=3)\n"
                                  "rankscope.log([1], step=4)\n"
                                  "rankscope.set_step(2.5)\n"
                                  "rankscope.event('save', step='7')\n"
                                  "rankscope.log({'loss': 9.0}, step=10.0)\n"
                                  "print('trained')\n")
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "mistaken", "--log_interval_steps", "1", "--",
                              sys.executable, "-W", "error", script)
        self.assertEqual((done.returncode, done.stdout), (0, "trained\n"), done.stderr)
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "warned", "--", sys.executable, script)
        self.assertEqual(done.stderr.count("rankscope: not recorded: log(step=3.7)"), 1, done.stderr)
        self.assertEqual(done.stderr.count("not recorded"), 1, done.stderr)
        records = self.place.logs(self.server.http, "mistaken")
        self.assertEqual([(r["step"], r.get("loss"), r.get("accuracy")) for r in records if r["stream"] == "metric"],
                         [(1, None, 0.5), (10, 9.0, None)])
        self.assertEqual([r["count"] for r in records if r.get("event") == "values_refused"], [10])

    def test_killed_rank_leaves_its_last_step(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "killed", "--flush-timeout", "100", "--",
                                *torchrun(4, self.script)], env={**self.place.env, "CONTEXT": "", "FAULT": "kill"},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertNotEqual(run.wait(), 0)
        last = self.of_rank(self.place.logs(self.server.http, "killed", "--stream", "metric"), 1)[-1]
        self.assertEqual((last["step"], last["loss"], last["window_steps"]), (17, 117, 7))
        self.assertFalse([name for name in os.listdir("/dev/shm") if name.startswith(f"rankscope-{run.pid}-")])


if __name__ == "__main__":
    unittest.main()
