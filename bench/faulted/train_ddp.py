"""DistributedDataParallel on gloo; every rank prints."""
import datetime
import os
import time

import faults
import torch
import torch.distributed as dist


class Samples(torch.utils.data.Dataset):
    def __len__(self):
        return 400

    def __getitem__(self, index):
        faults.sample()
        return torch.randn(faults.odd_width(16)), torch.randn(4)


def main():
    torch.set_num_threads(1)
    faults.before_start()
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=faults.TIMEOUT_S))
    rank = dist.get_rank()
    torch.manual_seed(rank)
    faults.fill_small_disk()
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    workers = 1 if faults.FAULT == "worker_killed" else 0
    loader = torch.utils.data.DataLoader(Samples(), batch_size=4, num_workers=workers)
    for step, (inputs, targets) in enumerate(loader):
        if step == 12:
            break
        began = time.monotonic()
        faults.at_step(step, dist, torch)
        faults.slow(step)
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        forward_s = time.monotonic() - began
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        faults.spoil(step, model, torch)
        took = time.monotonic() - began
        print(f"{datetime.datetime.now().isoformat(sep=' ', timespec='milliseconds')} step {step} loss {loss.item():.4f} "
              f"lr 0.01 compute_time {forward_s:.3f} step_time {took:.3f}", flush=True)
        if step == 6 and rank == 0:
            torch.save(model.state_dict() | {"more": torch.zeros(1 << 18)}, faults.checkpoint_folder(os.environ["OUT"]) + "/step6.pt")
        time.sleep(0.05)
    dist.barrier()
    dist.destroy_process_group()
    if rank == 0:
        print("training finished", flush=True)


main()
