"""Trainers of the frameworks, unmodified, on every rank. $RANKSCOPE_FRAMEWORKS: a Python that has torch, transformers,
accelerate and lightning (tools/install_frameworks.sh makes one)."""
import json
import os
import unittest

from harness import Place, Server, torchrun

PYTHON = os.environ.get("RANKSCOPE_FRAMEWORKS", "")

COMMON = """
import os, torch
torch.set_num_threads(1); torch.manual_seed(1)
class Data(torch.utils.data.Dataset):
    def __len__(self): return 96
    def __getitem__(self, i):
        ids = torch.full((8,), i % 50)
        return {"input_ids": ids, "labels": ids, "attention_mask": torch.ones(8, dtype=torch.long)}
"""

# The args.json is as ms-swift writes it before it trains.
TRAINER = COMMON + """
import json
os.makedirs(os.environ["OUT"], exist_ok=True)
with open(os.environ["OUT"] + "/args.json", "w") as file:
    json.dump({"model": "Qwen/Qwen3-8B", "hub_token": "hf_x", "model_kwargs": {"max_pixels": 1003520}}, file)
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments
model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=64, n_positions=16))
args = TrainingArguments(output_dir=os.environ["OUT"], per_device_train_batch_size=2, max_steps=12, logging_steps=4,
                         use_cpu=True, report_to=[], save_strategy="no", learning_rate=0.01, disable_tqdm=True)
Trainer(model=model, args=args, train_dataset=Data()).train()
"""

ACCELERATE = COMMON + """
from accelerate import Accelerator
accelerator = Accelerator(cpu=True)
net = torch.nn.Sequential(torch.nn.Embedding(64, 8), torch.nn.Linear(8, 64))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
net, optimizer, loader = accelerator.prepare(net, optimizer, torch.utils.data.DataLoader(Data(), batch_size=2))
for batch in loader:
    loss = torch.nn.functional.cross_entropy(net(batch["input_ids"]).flatten(0, 1), batch["labels"].flatten())
    accelerator.backward(loss); accelerator.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step(); optimizer.zero_grad()
"""

LIGHTNING = COMMON + """
import lightning
class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Embedding(64, 8), torch.nn.Linear(8, 64))
    def training_step(self, batch, index):
        return torch.nn.functional.cross_entropy(self.net(batch["input_ids"]).flatten(0, 1), batch["labels"].flatten())
    def configure_optimizers(self): return torch.optim.SGD(self.parameters(), lr=0.05)
lightning.Trainer(accelerator="cpu", devices=4, strategy="ddp", max_steps=12, logger=False, enable_checkpointing=False,
                  enable_progress_bar=False).fit(Module(), torch.utils.data.DataLoader(Data(), batch_size=2))
"""

WANTED = {"loss", "learning_rate", "gradient_norm", "step_time_s", "data_time_s", "tokens", "throughput_tokens_per_sec"}


@unittest.skipUnless(PYTHON, "$RANKSCOPE_FRAMEWORKS names no Python with the frameworks")
class FrameworksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.server = Server(cls.place)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0
        cls.place.remove()

    def train(self, job, text):
        script = self.place.write(f"train_{job}.py", text)
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, "--log_interval_steps", "1", "--",
                              *torchrun(4, script, PYTHON), env={"OUT": self.place.path + "/out"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.place.logs(self.server.http, job)

    def check_every_rank(self, records):
        losses = []
        for rank in range(4):
            mine = [r for r in records if r["stream"] == "metric" and r["rank"] == rank]
            self.assertEqual([r["step"] for r in mine], list(range(1, 13)))
            self.assertLessEqual(WANTED, set(mine[-1]))
            losses.append(mine[0]["loss"])
            batches = [r for r in records if r["stream"] == "batch" and r["rank"] == rank]
            self.assertEqual(len(batches), 12)
            self.assertEqual(json.loads(batches[0]["shapes"])["input_ids"], [2, 8])
            self.assertEqual(json.loads(batches[0]["lengths"]), [8, 8])
            self.assertEqual(len(json.loads(batches[0]["ids"])), 2)
        self.assertEqual(len(set(losses)), 4, "each rank reports its own loss")
        first = [json.loads(r["ids"]) for r in records if r["stream"] == "batch" and r["step"] == 1]
        self.assertEqual(len({i for ids in first for i in ids}), 8, "each rank has samples of its own")

    def test_transformers_trainer(self):
        records = self.train("trainer", TRAINER)
        self.check_every_rank(records)
        printed = [r for r in records if r["stream"] == "stdout" and "loss" in r]
        self.assertEqual({r["rank"] for r in printed}, {0}, "three ranks print nothing")
        arguments = [r for r in records if r.get("event") == "training_arguments"]
        self.assertEqual(json.loads(arguments[0]["arguments"])["max_steps"], 12)
        told = json.loads(self.place.cli("jobs", "show", "trainer", "--server", self.server.http, "-o", "json").stdout)
        configuration = told["configuration"]
        self.assertEqual(json.loads(configuration["arguments"])["learning_rate"], 0.01)
        swift = json.loads(configuration["swift_arguments"])
        self.assertEqual((swift["model"], swift["hub_token"]), ("Qwen/Qwen3-8B", "[REDACTED]"))
        self.assertTrue(configuration["torch"].startswith(json.loads(configuration["packages"])["torch"]))
        self.assertIn("transformers", json.loads(configuration["packages"]))
        self.assertEqual(configuration["world_size"], "4")

    def test_accelerate_loop(self):
        self.check_every_rank(self.train("accelerate", ACCELERATE))

    def test_lightning(self):
        self.check_every_rank(self.train("lightning", LIGHTNING))


if __name__ == "__main__":
    unittest.main()
