"""The `deepspeed` launcher behind `rankscope run`, where it is on the PATH."""
import json
import shutil
import unittest

from harness import ServerCase, port_to_come_back_to

RANK = """
import os, sys, torch
import torch.distributed as dist
dist.init_process_group("gloo")
rank = dist.get_rank()
for step in range(3):
    loss = torch.ones(1) / (step + 1)
    dist.all_reduce(loss)
    print(f"step: {step} loss: {loss.item() + rank:.4f} lr: 0.1")
dist.barrier()
sys.exit(7 if rank == int(sys.argv[-1]) else 0)
"""


@unittest.skipUnless(shutil.which("deepspeed"), "there is no deepspeed")
class DeepspeedTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.script = self.place.write("rank.py", RANK)

    def train(self, ranks, bad_rank):
        """(exit code, the job)."""
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "j", "--", "deepspeed", "--num_gpus", str(ranks),
                              "--master_port", str(port_to_come_back_to()), self.script, str(bad_rank),
                              env={"DS_ACCELERATOR": "cpu"})
        shown = self.place.cli("jobs", "show", "j", "--server", self.server.http, "-o", "json")
        return done.returncode, json.loads(shown.stdout)

    def check_ranks(self, job, count):
        places = [tuple(rank[name] for name in ("rank", "local_rank", "node_rank", "source")) for rank in job["ranks"]]
        self.assertEqual(places, [(rank, rank, 0, "hook") for rank in range(count)])
        self.assertEqual((job["ranks_seen"], job["ranks_expected"], job["attempt"]), (count, count, 0))

    def test_each_rank_is_known_with_its_own_lines_and_metrics(self):
        code, job = self.train(2, bad_rank=-1)
        self.assertEqual((code, job["state"]), (0, "finished"))
        self.check_ranks(job, 2)
        for rank in range(2):
            lines = self.place.logs(self.server.http, "j", "--rank", str(rank), "--stream", "stdout")
            losses = [(line["step"], line["loss"]) for line in lines if "loss" in line]
            self.assertEqual(losses, [(step, round(2 / (step + 1), 4) + rank) for step in range(3)])

    def test_the_end_of_one_rank_of_four_is_told(self):
        code, job = self.train(4, bad_rank=3)
        self.assertEqual((code, job["state"]), (7, "failed"))
        self.check_ranks(job, 4)
        self.assertEqual(job["ranks"][3]["exit"], "exit 7")


if __name__ == "__main__":
    unittest.main()
