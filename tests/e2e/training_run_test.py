"""A real data-parallel run on gloo, unmodified, under `rankscope run`."""
import json
import re
import unittest

from harness import OneServerCase, torchrun

SCRIPT = """
import os, signal, sys
import torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
rank = int(os.environ["RANK"]); fault = os.environ.get("FAULT", "")
torch.set_num_threads(1); dist.init_process_group("gloo")
model = DistributedDataParallel(torch.nn.Linear(8, 2)); optimizer = torch.optim.SGD(model.parameters(), 0.1)
class Data(torch.utils.data.Dataset):
    def __len__(self): return 20
    def __getitem__(self, i):
        sys.stdout.write(f"worker of {rank} item {i}\\n")
        return torch.randn(8)
workers = 2 if fault == "workers" else 0
for step, batch in enumerate(torch.utils.data.DataLoader(Data(), batch_size=1, num_workers=workers), 1):
    loss = model(batch).pow(2).mean(); optimizer.zero_grad(); loss.backward(); optimizer.step()
    said = {"loss": loss.item(), "grad_norm": 0.5, "learning_rate": 0.1, "step": step}
    sys.stdout.write(f"{said}\\n")  # print() writes twice under torchrun's -u, and workers share the pipe
    print(f"err {rank} {step}", file=sys.stderr)
    if rank == 1 and step == 10:
        if fault == "kill":
            sys.stdout.flush(); os.write(1, b"half a line"); os.kill(os.getpid(), signal.SIGKILL)
        if fault == "abort": os.abort()
        if fault == "raise": raise ValueError("bad sample 4711")
        if fault == "long": sys.stdout.write("L" * (1 << 20)); sys.stdout.flush()
        if fault == "binary": os.write(1, bytes(range(256)) * 8 + b"\\n")
dist.barrier()
dist.destroy_process_group()
"""


class TrainingRunTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.script = cls.place.write("train.py", SCRIPT)

    def train(self, fault):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", fault, "--", *torchrun(4, self.script),
                              env={"FAULT": fault})
        return done, self.place.logs(self.server.http, fault)

    def exits(self, records):
        return {r["rank"]: r for r in records if r.get("event") == "rank_exit"}

    def state(self, job):
        done = self.place.cli("jobs", "show", job, "--server", self.server.http, "-o", "json")
        return json.loads(done.stdout)

    def test_every_line_of_every_rank_once_and_in_order(self):
        done, records = self.train("none")
        self.assertEqual(done.returncode, 0, done.stderr)
        for rank in range(4):
            mine = [r for r in records if r.get("rank") == rank]
            steps = [r["step"] for r in mine if "loss" in r]
            self.assertEqual(steps, list(range(1, 21)))
            self.assertTrue(all(r["gradient_norm"] == 0.5 and r["learning_rate"] == 0.1 for r in mine if "loss" in r))
            errors = [r["msg"] for r in mine if r["stream"] == "stderr" and r["msg"].startswith("err")]
            self.assertEqual(errors, [f"err {rank} {step}" for step in range(1, 21)])
            self.assertEqual(self.exits(records)[rank]["exit_code"], 0)
        self.assertEqual(len(re.findall(r"^err 3 ", done.stderr, re.M)), 20)
        job = self.state("none")
        self.assertEqual((job["state"], job["ranks_seen"], job["ranks_expected"]), ("finished", 4, 4))
        self.assertEqual([r["source"] for r in job["ranks"]], ["hook"] * 4)
        # Of one whose Python begins slowly the agent tells before its hook does.
        started = [r["rank"] for r in records if r.get("event") == "rank_start" and r["source"] == "hook"]
        self.assertEqual(sorted(started), [0, 1, 2, 3], "no launcher's")

    def test_killed_rank_leaves_its_half_line_and_its_signal(self):
        done, records = self.train("kill")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("half a line", [r["msg"] for r in records if r.get("rank") == 1])
        exit = self.exits(records)[1]
        self.assertEqual((exit["signal"], exit["level"]), ("SIGKILL", "error"))
        self.assertIn("half a line", exit["tail"])
        job = self.state("kill")
        self.assertEqual(job["state"], "failed")
        self.assertTrue(job["reason"].startswith("rank 1: SIGKILL"), job["reason"])

    def test_abort_is_told_apart(self):
        _, records = self.train("abort")
        self.assertEqual(self.exits(records)[1]["signal"], "SIGABRT")

    def test_exception_is_one_record(self):
        _, records = self.train("raise")
        tracebacks = [r["msg"] for r in records if r.get("rank") == 1 and
                      re.match(r"(\[rank1\]: )?Traceback", r["msg"])]
        self.assertEqual(len(tracebacks), 1)
        self.assertTrue(tracebacks[0].endswith("ValueError: bad sample 4711"))
        self.assertEqual(self.exits(records)[1]["exit_code"], 1)
        self.assertTrue(all("rank" in r for r in records if r.get("event") == "uncaught_exception"), "none of the launcher")

    def test_forked_workers_print_into_their_ranks_stream(self):
        done, records = self.train("workers")
        self.assertEqual(done.returncode, 0, done.stderr)
        for rank in range(4):
            items = sorted(r["msg"] for r in records if r.get("rank") == rank and r["msg"].startswith("worker"))
            self.assertEqual(items, sorted(f"worker of {rank} item {i}" for i in range(20)))

    def test_megabyte_without_newline_and_binary_bytes_are_kept(self):
        done, records = self.train("long")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sum(r["msg"].count("L") for r in records if r.get("rank") == 1 and "LLLL" in r["msg"]), 1 << 20)
        done, records = self.train("binary")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(any("ABCDEFG" in r["msg"] for r in records if r.get("rank") == 1))


if __name__ == "__main__":
    unittest.main()
