"""ms-swift takes it by --external_plugins: the faults at the steps of its trainer."""
import faults
import torch
import torch.distributed as dist
from swift.callbacks import TrainerCallback, callbacks_map


class Faults(TrainerCallback):
    def on_step_begin(self, args, state, control, **more):
        faults.at_step(state.global_step, dist, torch)
        faults.slow(state.global_step)

    def on_step_end(self, args, state, control, model=None, **more):
        faults.spoil(state.global_step, model, torch)

    def on_save(self, args, state, control, **more):
        faults.at_step(state.global_step, dist, torch, "checkpoint")


faults.before_start()
faults.fill_small_disk()
callbacks_map["faults"] = Faults
