"""A small DDP run on gloo, 4 ranks, for the tests of actions. It goes on until STEPS, or until the file ENOUGH is there.
MODE says what is odd about it:
  quiet      nothing
  plain      rank 0 asks for help in a line at step 20
  apart      ranks do not wait for each other, and rank 2 stays at step 30 until ENOUGH is there
  deaf       the loop does not ask whether to end
  hung       rank 2 does not come to step 20
  caught     rank 1 runs out of memory at step 20, and goes on with the step
  uncaught   the same, and does not
"""
import datetime
import logging
import os
import time

import rankscope
import torch
import torch.distributed as dist
from rankscope.monitor import AnomalyDetector, DetectionRule

MODE, STEPS, ENOUGH = os.environ["MODE"], int(os.environ.get("STEPS", "1000000")), os.environ["ENOUGH"]


class OOMDetector(AnomalyDetector):
    def __init__(self):
        super().__init__()
        self.add_rule(DetectionRule(name="cuda_oom_detect", pattern=r".*CUDA out of memory.*", severity="CRITICAL", action="pause_job"))


def run_out_of_memory():
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB of which "
                       "1.20 GiB is free.")


def fetch_a_shard_that_never_comes():
    while not os.path.exists(ENOUGH):
        time.sleep(0.05)


def misbehave(rank, step):
    if MODE == "plain" and rank == 0 and step == 20:
        print("somebody please look at this", flush=True)
    if (MODE == "hung" and rank == 2 and step == 20) or (MODE == "apart" and rank == 2 and step == 30):
        fetch_a_shard_that_never_comes()
    if MODE == "uncaught" and rank == 1 and step == 20:
        run_out_of_memory()
    if MODE == "caught" and rank == 1 and step == 20:
        try:
            run_out_of_memory()
        except RuntimeError as error:
            print(error, flush=True)


def all_have_enough(step):
    """As rank 0 sees it, so that all end at the same step."""
    if MODE == "apart":
        return os.path.exists(ENOUGH)
    seen = torch.tensor([float(dist.get_rank() == 0 and (step >= STEPS or os.path.exists(ENOUGH)))])
    dist.all_reduce(seen)
    return seen.item() > 0


def train_step(model, optimizer, step):
    torch.manual_seed(1000 * step + dist.get_rank())
    inputs, wanted = torch.randn(8, 16), torch.randn(8, 4)
    loss = torch.nn.functional.mse_loss(model(inputs), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    time.sleep(0.01)
    return loss.item()


def main():
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    if "TIMEOUT_S" in os.environ:  # of a group that nobody uses: pauses heed it, and collectives of a slow machine do not
        dist.new_group(timeout=datetime.timedelta(seconds=int(os.environ["TIMEOUT_S"])))
    torch.manual_seed(1)
    rank, plain = dist.get_rank(), torch.nn.Linear(16, 4)
    model = plain if MODE == "apart" else torch.nn.parallel.DistributedDataParallel(plain)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    if MODE in ("caught", "uncaught"):
        rankscope.Monitor().register_monitor(OOMDetector())
    step = 0
    while not all_have_enough(step):
        step += 1
        rankscope.set_step(step)
        if MODE != "deaf" and rankscope.should_stop():
            dist.barrier()  # all save together, or none could
            print(f"saved and ended before step {step}", flush=True)
            return
        misbehave(rank, step)
        loss = train_step(model, optimizer, step)
        rankscope.log({"loss": loss})
        if rank == 0:
            print(f"step {step}: loss of rank 0 was {loss:.9f}", flush=True)
        logging.debug("step %d was fine", step)


main()
dist.destroy_process_group()  # else gloo may abort as its peers go
