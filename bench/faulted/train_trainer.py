"""Hugging Face's Trainer; rank 0 prints, as it does."""
import os

import faults
import reports
import torch
import torch.distributed as dist
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments


class Data(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return self.rows

    def __getitem__(self, index):
        faults.sample()
        ids = torch.full((8,), index % 50)
        return {"input_ids": ids, "labels": torch.full((faults.odd_width(8),), index % 50)}


class Faults(TrainerCallback):
    def on_train_begin(self, args, state, control, model=None, **more):
        steps.watch(model)

    def on_step_begin(self, args, state, control, **more):
        with steps.begun():
            faults.at_step(state.global_step, dist, torch)
            faults.slow(state.global_step)

    def on_step_end(self, args, state, control, model=None, **more):
        faults.spoil(state.global_step, model, torch)
        steps.end(state.global_step)

    def on_evaluate(self, args, state, control, **more):
        faults.at_step(state.global_step, dist, torch, "evaluation")

    def on_save(self, args, state, control, **more):
        faults.at_step(state.global_step, dist, torch, "checkpoint")


faults.before_start()
steps = reports.Steps()
torch.set_num_threads(1)
model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=64, vocab_size=512, n_positions=16))
args = TrainingArguments(output_dir=faults.checkpoint_folder(os.environ["OUT"]), per_device_train_batch_size=2,
                         max_steps=12, logging_steps=1, use_cpu=True, report_to=[], save_steps=6,
                         eval_strategy="steps", eval_steps=6, learning_rate=0.01, ddp_timeout=faults.TIMEOUT_S,
                         dataloader_num_workers=faults.WORKERS, dataloader_persistent_workers=faults.PERSISTENT)
faults.fill_small_disk()
Trainer(model=model, args=args, train_dataset=Data(400), eval_dataset=Data(8), callbacks=[Faults()]).train()
