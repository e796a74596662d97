"""A data-parallel training run near its end, 4 ranks: one sample is far larger than the others, and rank 3 meets it.

Like many scripts it prints an error and leaves its loop, so that every rank ends with 0 and the launcher says nothing.
"""
import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

FIRST_STEP, LAST_STEP, BAD_STEP = 1181, 1250, 1198
USUAL, HUGE = [3, 512, 512], [3, 8192, 4096]


def load(step, rank):
    """The sample that a rank gets at a step: where it lies, and its size."""
    number = step * dist.get_world_size() + rank
    bad = step == BAD_STEP and rank == 3
    return f"images/part-{number // 100:05d}/{number % 100:04d}.png", HUGE if bad else USUAL


def forward(model, size):
    # There is no GPU here: what the allocator of one with 80 GiB would say.
    if size == HUGE:
        raise RuntimeError("CUDA out of memory. Tried to allocate 4.2 GiB")
    return model(torch.randn(32, 64)).pow(2).mean()


def main():
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(rank)
    torch.set_num_threads(1)
    model = DistributedDataParallel(torch.nn.Linear(64, 8))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for step in range(FIRST_STEP, LAST_STEP):
        path, size = load(step, rank)
        print(f"sample {path}", flush=True)
        print(f"Input image size: {size}", flush=True)
        loss = forward(model, size)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print({"loss": round(loss.item(), 4), "learning_rate": 0.05, "step": step}, flush=True)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        print(error, flush=True)
        os._exit(0)
