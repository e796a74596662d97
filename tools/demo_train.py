"""A tiny data-parallel training run that knows nothing of Rankscope: 4 ranks, and rank 2 meets a bad sample."""
import os
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

rank = int(os.environ["RANK"])
torch.manual_seed(rank)
torch.set_num_threads(1)
dist.init_process_group("gloo")
model = DistributedDataParallel(torch.nn.Linear(64, 8))
optimizer = torch.optim.SGD(model.parameters(), 0.05)
for step in range(1, 21):
    loss = model(torch.randn(32, 64)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    optimizer.step()
    print({"loss": round(loss.item(), 4), "grad_norm": round(norm.item(), 4), "learning_rate": 0.05, "step": step})
    if rank == 2 and step == 15:
        raise KeyError("pixel_values")
    time.sleep(0.05)
dist.destroy_process_group()
