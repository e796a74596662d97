"""What can only be seen where a GPU is: NVML's own answers, and how CUDA's failures look and are told.

python3 -m unittest gpu_test, by a Python with torch for CUDA; RANKSCOPE names the program. Where there is no GPU, CMake
leaves this out.
"""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import RANKSCOPE, Place, Server, torchrun, wait_until  # noqa: E402

TRAINING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training.py")


def nvidia_smi(*names):
    """A row of values a GPU."""
    done = subprocess.run(["nvidia-smi", "--query-gpu=" + ",".join(names), "--format=csv,noheader,nounits"],
                          capture_output=True, text=True, check=True)
    return [[value.strip() for value in line.split(",")] for line in done.stdout.splitlines()]


class GpuTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.server = Server(self.place)
        self.addCleanup(self.server.stop)

    def train(self, job, fault="none", at=0, steps=60):
        command = torchrun(1, TRAINING) + [fault, str(at), str(steps)]
        return self.place.cli("run", "--server", self.server.http, "--job_id", job, "--sample-interval", "1", "--", *command)

    def diagnosis(self, job):
        done = self.place.cli("diagnose", "--server", self.server.http, "--job_id", job, "-o", "json")
        return json.loads(done.stdout)

    def test_samples_are_what_the_driver_says(self):
        self.assertEqual(self.train("burn", steps=4000).returncode, 0)
        samples = self.server.rows("job:burn stream:gpu")
        uuid, name, total = nvidia_smi("uuid", "name", "memory.total")[0]
        self.assertEqual({(row["gpu_uuid"], row["gpu_name"]) for row in samples}, {(uuid, name)})
        self.assertAlmostEqual(samples[0]["gpu_memory_total_gib"] * 1024, float(total), delta=1024)
        busy = max(samples, key=lambda row: row["gpu_utilization_percent"])
        self.assertGreater(busy["gpu_utilization_percent"], 50)
        self.assertGreater(busy["power_w"], 100)
        self.assertGreater(busy["sm_clock_mhz"], 500)
        self.assertTrue(20 < busy["temperature_c"] < 100)
        self.assertEqual({row["ecc_uncorrected"] for row in samples}, {0})
        shown = self.place.cli("jobs", "show", "burn", "--server", self.server.http, "-o", "json")
        self.assertEqual([rank["gpu_uuid"] for rank in json.loads(shown.stdout)["ranks"]], [uuid])

    def test_an_image_too_large_for_the_gpu_is_named(self):
        self.assertNotEqual(self.train("image", "oom", at=30).returncode, 0)
        verdict = self.diagnosis("image")
        self.assertEqual((verdict["class"], verdict["culprit"]["rank"]), ("cuda_oom", 0))
        self.assertIn("65536", json.dumps(verdict))

    def test_the_rank_that_ran_out_is_told_from_those_that_lost_it(self):
        script = self.place.write("ranks.py", """
import torch, torch.distributed as dist
dist.init_process_group("gloo")
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(64, 64).cuda())
for step in range(1, 21):
    size = 2**37 if step == 12 and dist.get_rank() == 2 else 2**20
    loss = model(torch.zeros(size // 256, 64, device="cuda")).sum()
    loss.backward()
    print(f"step: {step} loss: {loss.item()}", flush=True)
""")
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "ranks", "--", *torchrun(4, script))
        self.assertNotEqual(done.returncode, 0)
        verdict = self.diagnosis("ranks")
        self.assertEqual((verdict["class"], verdict["culprit"]["rank"]), ("cuda_oom", 2), verdict)

    def test_memory_that_grows_by_every_step_is_called_a_leak(self):
        self.assertNotEqual(self.train("leak", "leak", at=10, steps=100).returncode, 0)
        verdict = self.diagnosis("leak")
        self.assertEqual((verdict["class"], verdict["culprit"]["rank"]), ("cuda_oom", 0))
        self.assertIn("leak", verdict["subclass"])

    def test_an_index_out_of_range_is_a_device_side_assert(self):
        self.assertNotEqual(self.train("assert", "assert", at=20).returncode, 0)
        self.assertEqual(self.diagnosis("assert")["class"], "device_side_assert")

    def test_a_stray_write_is_an_illegal_memory_access(self):
        self.assertNotEqual(self.train("stray", "illegal_access", at=20).returncode, 0)
        verdict = self.diagnosis("stray")
        self.assertEqual(verdict["class"], "cuda_illegal_memory_access", verdict)
        self.assertEqual([row["xid"] for row in self.server.rows("job:stray event:xid")], [31])

    def test_two_ranks_on_one_gpu_are_a_wrong_configuration(self):
        script = self.place.write("two.py", "import torch, torch.distributed as dist\n"
                                  "dist.init_process_group('nccl')\ntorch.cuda.set_device(0)\n"
                                  "dist.all_reduce(torch.ones(1, device='cuda'))\n")
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "two", "--", *torchrun(2, script))
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.diagnosis("two")["class"], "config_error")

    def test_a_kernel_that_never_ends_shows_where_python_waits_for_it(self):
        script = self.place.write("endless.py", """
import cupy
def wait_for_the_kernel():
    cupy.cuda.runtime.deviceSynchronize()
endless = 'extern "C" __global__ void endless(volatile int* stop) { while (!*stop) {} }'
cupy.RawKernel(endless, "endless")((1,), (1,), (cupy.zeros(1, cupy.int32),))
print("launched", flush=True)
wait_for_the_kernel()
""")
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "endless", "--", sys.executable, script],
                               env={**self.place.env, "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"})
        self.addCleanup(run.wait)
        self.addCleanup(run.terminate)
        wait_until(lambda: self.server.rows("job:endless launched"), "the kernel")
        asked = self.place.cli("dump-stacks", "endless", "--server", self.server.http)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        wait_until(lambda: self.server.rows("job:endless stream:stack wait_for_the_kernel"), "the stack")

    def test_a_trainer_tells_the_memory_of_its_gpu(self):
        script = self.place.write("trainer.py", """
import torch
from transformers import Trainer, TrainingArguments
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 1)
    def forward(self, x, labels):
        return {"loss": (self.layer(x).squeeze(-1) - labels).square().mean()}
data = [{"x": torch.randn(64), "labels": torch.randn(())} for _ in range(512)]
Trainer(Model(), TrainingArguments("out", max_steps=40, logging_steps=5, report_to=[], save_strategy="no",
                                   per_device_train_batch_size=8), train_dataset=data).train()
""")
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "hf", "--log_interval_steps", "5", "--",
                              sys.executable, script, env={"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1",
                                                           "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29577"})
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = self.server.rows("job:hf stream:metric rank:0")
        self.assertTrue([row for row in rows if row.get("gpu_memory_gib", 0) > 0], rows[-1])


if __name__ == "__main__":
    unittest.main()
