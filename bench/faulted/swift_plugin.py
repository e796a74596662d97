"""ms-swift takes it by --external_plugins: the faults at the steps of its trainer."""
import faults
import reports
import torch
import torch.distributed as dist
from swift.callbacks import TrainerCallback, callbacks_map


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

    def on_save(self, args, state, control, **more):
        faults.at_step(state.global_step, dist, torch, "checkpoint")


faults.before_start()
steps = reports.Steps()
faults.fill_small_disk()
callbacks_map["faults"] = Faults
