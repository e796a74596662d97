"""A small DDP run on gloo that goes wrong at step 5 on one rank: FAULT and CULPRIT say how and where. With RANK_LOGS, a
folder, each rank writes into a file of its own."""
import datetime
import os
import signal
import time

import torch
import torch.distributed as dist

FAULT, CULPRIT = os.environ["FAULT"], int(os.environ["CULPRIT"])
FAULT_STEP = 5


def write_into_own_file(folder):
    own = os.open(f"{folder}/rank_{os.environ['RANK']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(own, 1)
    os.dup2(own, 2)


class Samples(torch.utils.data.Dataset):
    def __len__(self):
        return 4000

    def __getitem__(self, index):
        if FAULT == "worker_killed" and dist.get_rank() == CULPRIT and index % 40 == 39:
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.randn(16), torch.randn(4)


def break_something(rank, model):
    if rank != CULPRIT:
        return
    if FAULT == "exception":
        raise KeyError("pixel_values")
    if FAULT == "exit":
        os._exit(7)
    if FAULT == "sigkill":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if FAULT == "missing_collective":
        time.sleep(3600)
    if FAULT == "late":
        time.sleep(40)
    if FAULT == "shapes":
        dist.all_reduce(torch.zeros(7))
    if FAULT == "skipped":
        return True
    if FAULT == "nan":
        with torch.no_grad():
            next(model.parameters()).fill_(float("nan"))
    if FAULT == "disk_full":
        with open("/dev/full", "wb") as full:
            torch.save(model.state_dict(), full)
    return False


def main():
    torch.set_num_threads(1)
    if os.environ.get("RANK_LOGS"):
        write_into_own_file(os.environ["RANK_LOGS"])
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=int(os.environ.get("GLOO_TIMEOUT", "8"))))
    rank = dist.get_rank()
    torch.manual_seed(rank)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    workers = 1 if FAULT == "worker_killed" else 0
    loader = torch.utils.data.DataLoader(Samples(), batch_size=8, num_workers=workers)
    for step, (inputs, targets) in enumerate(loader):
        if step >= 12:
            break
        if step == FAULT_STEP and break_something(rank, model):
            continue
        if FAULT == "slow" and rank == CULPRIT:
            time.sleep(0.3)
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f} lr 0.01", flush=True)
        time.sleep(0.05)
    dist.barrier()
    dist.destroy_process_group()
    print("training finished", flush=True)


main()
