"""Lightning's Trainer; its progress bar and what ranks raise."""
import datetime
import os

import faults
import lightning
import reports
import torch
import torch.distributed as dist
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy
from train_data import PlainRows, Rows


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.Linear(64, 4))

    def training_step(self, batch, index):
        with steps.begun():
            faults.at_step(index, dist, torch)
            faults.slow(index)
        with steps.forward():
            loss = torch.nn.functional.mse_loss(self.net(faults.spoil_inputs(index, batch[0])), batch[1])
        faults.check_loss(index, loss.item())
        steps.got(loss.item())
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, index):
        faults.at_step(6, dist, torch, "evaluation")
        self.log("val_loss", torch.nn.functional.mse_loss(self.net(batch[0]), batch[1]), sync_dist=True)

    def on_save_checkpoint(self, checkpoint):
        faults.at_step(6, dist, torch, "checkpoint")

    def on_train_batch_end(self, outputs, batch, index):
        faults.spoil(index, self, torch)
        steps.end(index)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)


faults.before_start()
steps = reports.Steps()
torch.set_num_threads(1)
faults.fill_small_disk()
loader = torch.utils.data.DataLoader(Rows(), batch_size=2, **faults.LOADING)
saving = ModelCheckpoint(dirpath=faults.checkpoint_folder(os.environ["OUT"]), every_n_train_steps=6)
strategy = DDPStrategy(process_group_backend="gloo", timeout=datetime.timedelta(seconds=faults.TIMEOUT_S))
lightning.Trainer(accelerator="cpu", devices=int(os.environ.get("LOCAL_WORLD_SIZE", "2")),
                  num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")), strategy=strategy, max_steps=12, logger=False,
                  callbacks=[saving], log_every_n_steps=1, val_check_interval=6, limit_val_batches=1,
                  num_sanity_val_steps=0).fit(Module(), loader, torch.utils.data.DataLoader(PlainRows(), batch_size=2))
