"""Lightning (`lightning` and `pytorch_lightning`): a callback on every rank."""

import functools
import importlib
import os

from rankscope import _recorder
from rankscope.hooks import batch_ids, safely, step


def apply(module):
    trainer = module.Trainer
    begin = trainer.__init__
    package = module.__name__.rsplit(".", 2)[0]

    @functools.wraps(begin)
    def __init__(self, *arguments, **keywords):
        begin(self, *arguments, **keywords)
        _attach(self, package)

    trainer.__init__ = __init__


def _save(trainer):
    """On all ranks at the same step: a checkpoint to go on from, whatever the ModelCheckpoint is told to keep."""
    callback = trainer.checkpoint_callback
    folder = getattr(callback, "dirpath", None) or trainer.default_root_dir
    trainer.save_checkpoint(os.path.join(folder, f"rankscope-step={trainer.global_step}.ckpt"))


@safely
def _attach(trainer, package):
    base = importlib.import_module(package + ".callbacks").Callback

    class RankscopeCallback(base):
        def __init__(self):
            self.step = step.Step()
            self.norm = None
            self.saved = False

        @safely
        def on_train_start(self, trainer, module):
            _recorder.can_end(saves=True)
            if trainer.is_global_zero:
                _recorder.event("versions", "training by Lightning", framework="lightning")

        @safely
        def on_train_batch_start(self, trainer, module, batch, batch_index, *_):
            self.step.waited_for_data()
            self.step.add_batch(batch, batch_ids.take())

        @safely
        def on_before_optimizer_step(self, trainer, module, optimizer, *_):
            if not _recorder.is_due(trainer.global_step + 1):  # a pass over all gradients
                return
            norms = [p.grad.detach().norm() for p in module.parameters() if p.grad is not None]
            if norms:
                import torch

                self.norm = torch.linalg.vector_norm(torch.stack(norms))

        @safely
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_index, *_):
            loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
            if loss is not None:
                self.step.add_loss(loss)
            if trainer.fit_loop._should_accumulate():
                return
            optimizer = trainer.optimizers[0] if trainer.optimizers else None
            self.step.end(trainer.global_step, learning_rate=step.learning_rate(optimizer), grad_norm=self.norm,
                          epoch=trainer.current_epoch)
            if _recorder.should_stop() and not self.saved:  # whoever else had it stop
                trainer.should_stop = self.saved = True
                _save(trainer)

    trainer.callbacks.append(RankscopeCallback())
