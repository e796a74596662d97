"""A real Hugging Face Trainer that runs out of memory in its second epoch: the rows that `rankscope diagnose` derives
from what it printed are those that its batch was made of. $RANKSCOPE_FRAMEWORKS: as in frameworks_test.py."""
import json
import os
import re
import unittest

from harness import OneServerCase, torchrun

PYTHON = os.environ.get("RANKSCOPE_FRAMEWORKS", "")

# A step takes longer than the bar's interval, so that each is shown.
TRAINER = """
import os, time, torch, transformers
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments
torch.set_num_threads(1)
transformers.logging.set_verbosity_info()
class Data(torch.utils.data.Dataset):
    def __len__(self): return 37
    def __getitem__(self, i):
        ids = torch.full((8,), i)
        return {"input_ids": ids, "labels": ids}
class Model(GPT2LMHeadModel):
    def forward(self, input_ids=None, labels=None, **keywords):
        time.sleep(0.15)
        if os.environ["RANK"] == os.environ["CULPRIT"] and trainer.state.global_step + 1 == int(os.environ["STEP"]):
            print(*input_ids[:, 0].tolist(), file=open(os.environ["TOOK"], "w"))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().forward(input_ids, labels=labels, **keywords)
args = TrainingArguments(output_dir=os.environ["OUT"], per_device_train_batch_size=3, num_train_epochs=4, use_cpu=True,
                         gradient_accumulation_steps=int(os.environ["ACCUMULATION"]), report_to=[], save_strategy="no",
                         **eval(os.environ["SEEDS"]))
print(args)
trainer = Trainer(model=Model(GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=64, n_positions=16)), args=args,
                  train_dataset=Data())
trainer.train()
"""


@unittest.skipUnless(PYTHON, "$RANKSCOPE_FRAMEWORKS names no Python with the frameworks")
class SampledRowsTest(OneServerCase):
    def check(self, job, ranks, culprit, step, accumulation, seeds):
        done = self.place.cli(
            "run", "--server", self.server.http, "--job_id", job, "--log_interval_steps", "1", "--",
            *torchrun(ranks, self.place.write("train.py", TRAINER), PYTHON), patience=300,
            env={"OUT": self.place.path + "/out", "TOOK": self.place.path + "/took", "CULPRIT": str(culprit),
                 "STEP": str(step), "ACCUMULATION": str(accumulation), "SEEDS": repr(seeds), "OMP_NUM_THREADS": "1",
                 "CUDA_VISIBLE_DEVICES": ""})
        self.assertNotEqual(done.returncode, 0)
        printed = self.place.write(job + ".log", done.stdout + done.stderr)
        verdict = json.loads(self.place.cli("diagnose", printed, "-o", "json").stdout)
        self.assertEqual((verdict["class"], verdict["culprit"]["rank"]), ("cuda_oom", culprit), verdict)
        told = [re.search(r"rank (\d+) took in step (\d+) the rows ([\d, ]+) of", text) for text in verdict["figures"]]
        derived = [found[3] for found in told if found and found.groups()[:2] == (str(culprit), str(step))]
        self.assertEqual(len(derived), 1, verdict)
        with open(self.place.path + "/took") as took:
            rows = took.read().split()
        self.assertEqual(derived[0].split(", ")[:len(rows)], rows)

    def test_the_last_batch_of_an_epoch_begins_it_again(self):
        self.check("last", ranks=3, culprit=2, step=10, accumulation=1, seeds={"seed": 7})

    def test_a_step_of_the_second_epoch_that_accumulates(self):
        self.check("accumulates", ranks=2, culprit=1, step=6, accumulation=2, seeds={"seed": 1, "data_seed": 9})


if __name__ == "__main__":
    unittest.main()
