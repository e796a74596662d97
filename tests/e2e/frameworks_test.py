"""Trainers of the frameworks, unmodified, on every rank. $RANKSCOPE_FRAMEWORKS: a Python that has torch, transformers,
accelerate, lightning and ms-swift (tools/install_frameworks.sh makes one)."""
import json
import os
import subprocess
import unittest

from harness import OneServerCase, port_to_come_back_to, torchrun

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

# At a script's end, which the Trainer and Accelerate leave to it: else gloo may abort as its peers go.
PART = "if torch.distributed.is_initialized(): torch.distributed.destroy_process_group()\n"

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
""" + PART

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
""" + PART

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

# A detector on a real Trainer, fed by its hooks.
MONITOR = TRAINER.removesuffix(PART).replace("Trainer(model", "trainer = Trainer(model").replace(".train()", "") + """
from swift.monitor import AnomalyDetector, DetectionRule
detector = AnomalyDetector()
detector.add_rule(DetectionRule("seventh", condition=lambda logs: len(logs) == 7 and logs[-1]["loss"] > 0 and logs[-1]["tokens"] == 16))
trainer.register_monitor(detector)
trainer.train()
""" + PART

# The same in ms-swift, by a plugin of its own.
SWIFT_PLUGIN = """
from swift.callbacks import TrainerCallback, callbacks_map
from swift.monitor import AnomalyDetector, DetectionRule
class Monitored(TrainerCallback):
    def __init__(self, args, trainer):
        super().__init__(args, trainer)
        detector = AnomalyDetector()
        detector.add_rule(DetectionRule("third", condition=lambda logs: len(logs) == 3 and logs[-1]["loss"] > 0))
        trainer.register_monitor(detector)
callbacks_map["monitored"] = Monitored
"""

# ms-swift wants a model: a tiny one with random weights, its tokenizer, and rows to train on.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/faulted/tiny_model.py")) as file:
    SWIFT_MODEL = file.read()

# The world is one only with --use_cpu and --ddp_backend, where there is no GPU.
SWIFT = """sft --model {0}/model --model_type qwen2 --template qwen2_5 --dataset {0}/data.jsonl --use_hf true --tuner_type full
 --torch_dtype float32 --max_steps 6 --per_device_train_batch_size 2 --gradient_accumulation_steps 1 --logging_steps 1
 --save_strategy no --eval_strategy no --split_dataset_ratio 0 --max_length 256 --output_dir {0}/swift --dataset_num_proc 1
 --dataloader_num_workers 0 --use_cpu true --ddp_backend gloo --external_plugins {0}/plugin.py --callbacks monitored"""

WANTED = {"loss", "learning_rate", "gradient_norm", "step_time_s", "data_time_s", "tokens", "throughput_tokens_per_sec"}


@unittest.skipUnless(PYTHON, "$RANKSCOPE_FRAMEWORKS names no Python with the frameworks")
class FrameworksTest(OneServerCase):
    def train(self, job, text):
        script = self.place.write(f"train_{job}.py", text)
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, "--log_interval_steps", "1", "--",
                              *torchrun(4, script, PYTHON), env={"OUT": self.place.path + "/out", "RANKSCOPE_SWIFT_MONITOR": "1"})
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

    def test_a_detector_on_a_trainer(self):
        self.check_findings(self.train("monitor", MONITOR), "seventh", [(7, 1), (8, 0)])

    def check_findings(self, records, rule, turns):
        for rank in range(4):
            found = [r for r in records if r.get("event") == "detector_finding" and r["rank"] == rank]
            self.assertEqual([(r["rule"], r["step"], r["active"]) for r in found], [(rule, *turn) for turn in turns])

    def test_accelerate_loop(self):
        self.check_every_rank(self.train("accelerate", ACCELERATE))

    def test_lightning(self):
        records = self.train("lightning", LIGHTNING)
        self.check_every_rank(records)
        self.assertEqual([r["rank"] for r in records if r.get("event") == "versions" and r.get("framework") == "lightning"], [0])

    def test_swift_sft(self):
        self.place.write("plugin.py", SWIFT_PLUGIN)
        subprocess.run([PYTHON, self.place.write("model.py", SWIFT_MODEL), self.place.path], check=True, capture_output=True)
        ranks = 4
        offline = {"RANKSCOPE_SWIFT_MONITOR": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NPROC_PER_NODE": str(ranks),
                   "MASTER_PORT": str(port_to_come_back_to()), "PATH": os.path.dirname(PYTHON) + ":" + os.environ["PATH"]}
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "swift", "--log_interval_steps", "1", "--", "swift",
                              *SWIFT.format(self.place.path).split(), env=offline, patience=600)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        records = self.place.logs(self.server.http, "swift")
        self.check_findings(records, "third", [(3, 1), (4, 0)])
        for rank in range(ranks):
            mine = [r for r in records if r["stream"] == "metric" and r["rank"] == rank]
            self.assertEqual([r["step"] for r in mine], list(range(1, 7)))
            self.assertLessEqual(WANTED, set(mine[-1]))
            batches = [r for r in records if r["stream"] == "batch" and r["rank"] == rank]
            self.assertEqual([r["step"] for r in batches], list(range(1, 7)))
            for batch in batches:
                lengths, shape = json.loads(batch["lengths"]), json.loads(batch["shapes"])["input_ids"]
                self.assertEqual((len(json.loads(batch["ids"])), shape), (2, [2, max(lengths)]))
        losses = {r["loss"] for r in records if r["stream"] == "metric" and r["step"] == 1}
        self.assertEqual(len(losses), ranks, "each rank reports its own loss")
        printed = [r for r in records if r["stream"] in ("stdout", "stderr") and "loss" in r]
        self.assertEqual({r["rank"] for r in printed}, {0}, "three ranks print no metric")
        job = json.loads(self.place.cli("jobs", "show", "swift", "--server", self.server.http, "-o", "json").stdout)
        self.assertEqual((job["state"], job["ranks_seen"], job["last_step"]), ("finished", ranks, 6))


if __name__ == "__main__":
    unittest.main()
