"""DistributedDataParallel on gloo; what is printed is $STYLE's."""
import datetime
import os
import time

import faults
import guards
import styles
import torch
import torch.distributed as dist
from savers import save_state
from torch.distributed.elastic.multiprocessing.errors import record


class Samples(torch.utils.data.Dataset):
    def __len__(self):
        return 400

    def __getitem__(self, index):
        faults.sample()
        return faults.odd_type(torch.randn(faults.odd_width(16))), torch.randn(4)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = torch.nn.Linear(16, faults.odd_model_width(8))
        self.head = torch.nn.Linear(faults.odd_model_width(8), 4)
        self.calls = 0

    def forward(self, inputs):
        if self.training:
            faults.at_step(self.calls, dist, torch, "forward")
            self.calls += 1
        hidden = self.hidden(inputs)
        return hidden[:, :4] if faults.leaves_out_head(self.calls) else self.head(hidden)


def evaluate(model, step):
    faults.at_step(step, dist, torch, "evaluation")
    with torch.no_grad():
        loss = torch.nn.functional.mse_loss(model.module(torch.randn(4, faults.odd_width(16))), torch.randn(4, 4))
    dist.all_reduce(loss)
    if dist.get_rank() == 0:
        print(f"evaluation at step {step}: eval_loss {loss.item() / dist.get_world_size():.4f}", flush=styles.FLUSHES)


def save(model, step):
    name = f"step6.part{dist.get_rank()}.pt" if faults.SHARDS else "step6.pt"
    if dist.get_rank() == 0 or faults.SHARDS:
        path = f"{faults.checkpoint_folder(os.environ['OUT'])}/{name}"
        save_state(model.state_dict() | {"more": torch.zeros(1 << 18)}, path)
        print("saved checkpoint", name, flush=styles.FLUSHES)
    dist.barrier()


def train(model, rank):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = torch.utils.data.DataLoader(Samples(), batch_size=4, **faults.LOADING)
    for step, (inputs, targets) in enumerate(loader):
        if step == 12 or faults.leaves_early(step):
            break
        began = time.monotonic()
        faults.at_step(step, dist, torch)
        faults.slow(step)
        loss = torch.nn.functional.mse_loss(model(faults.spoil_inputs(step, inputs)), targets)
        faults.check_loss(step, loss.item())
        loss.register_hook(lambda gradient, step=step: faults.at_step(step, dist, torch, "backward"))
        own_s = time.monotonic() - began
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        faults.spoil(step, model, torch)
        styles.report(rank, step, loss.item(), own_s, time.monotonic() - began)
        if step == 6:
            faults.at_step(step, dist, torch, "checkpoint")
            save(model, step)
            evaluate(model, step)
        time.sleep(0.05)


def main():
    torch.set_num_threads(1)
    faults.before_start()
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=faults.TIMEOUT_S))
    rank = dist.get_rank()
    styles.prepare(rank)
    torch.manual_seed(rank)
    faults.fill_small_disk()
    faults.at_step(faults.FAULT_STEP, dist, torch, "setup")
    train(torch.nn.parallel.DistributedDataParallel(Net()), rank)
    faults.at_step(faults.FAULT_STEP, dist, torch, "end")
    dist.barrier()
    dist.destroy_process_group()
    if rank == 0:
        print("training finished", flush=styles.FLUSHES)


if __name__ == "__main__":
    guards.run(record(main) if "RECORD" in os.environ else main)
