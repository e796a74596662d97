"""Hugging Face Trainer, and what derives from it (ms-swift, TRL, LLaMA-Factory, axolotl): a callback on every rank.

The rank's own loss is what its training_step returns; what the Trainer logs is averaged over the ranks.
"""

import functools

from rankscope import _recorder
from rankscope.hooks import accelerate, batch_ids, safely, step, swift


def apply(module):
    trainer = module.Trainer
    begin = trainer.__init__

    @functools.wraps(begin)
    def __init__(self, *arguments, **keywords):
        begin(self, *arguments, **keywords)
        _attach(self)

    trainer.__init__ = __init__


@safely
def _attach(trainer):
    from transformers import TrainerCallback

    class Callback(TrainerCallback):
        """Never raises; changes control only where the run is asked to end (docs/actions.md)."""

        def __init__(self):
            self.step = step.Step()
            self.wrapped = False

        @safely
        def on_train_begin(self, args, state, control, train_dataloader=None, **_):
            accelerate.yield_to_trainer()
            _recorder.can_end(saves=True)
            _tell_arguments(args, state)
            if train_dataloader is not None:
                batch_ids.train_on(train_dataloader.dataset)
            if not self.wrapped:
                self.wrapped = True
                _wrap_training_step(trainer, self.step)

        @safely
        def on_step_begin(self, args, state, control, **_):
            self.step.waited_for_data()

        @safely
        def on_step_end(self, args, state, control, optimizer=None, **_):
            self.step.end(
                state.global_step,
                learning_rate=step.learning_rate(optimizer),
                grad_norm=getattr(trainer, "_rankscope_grad_norm", None),
                epoch=state.epoch,
            )
            if _recorder.should_stop():
                control.should_save = control.should_training_stop = True

    trainer.add_callback(Callback())


def _wrap_training_step(trainer, current):
    """On the instance: subclasses override training_step."""
    train = trainer.training_step

    @functools.wraps(train)
    def training_step(model, inputs, *arguments, **keywords):
        safely(current.add_batch)(inputs, batch_ids.take())
        loss = train(model, inputs, *arguments, **keywords)
        # It is divided by the steps of an accumulation already: their sum is the step's mean.
        safely(_add_loss)(current, loss, trainer.args.gradient_accumulation_steps)
        return loss

    trainer.training_step = training_step
    _wrap_clipping(trainer)


def _add_loss(current, loss, accumulation):
    current.add_loss(loss * accumulation if accumulation > 1 else loss)


def _wrap_clipping(trainer):
    """The gradient norm is what clipping returns; the Trainer hands it to nobody else."""
    accelerator = getattr(trainer, "accelerator", None)
    clip = getattr(accelerator, "clip_grad_norm_", None)
    if clip is None:
        return

    @functools.wraps(clip)
    def clip_grad_norm_(*arguments, **keywords):
        norm = clip(*arguments, **keywords)
        trainer._rankscope_grad_norm = norm
        return norm

    accelerator.clip_grad_norm_ = clip_grad_norm_


def _tell_arguments(args, state):
    import json

    import transformers

    _recorder.event(
        "training_arguments",
        "TrainingArguments of transformers " + transformers.__version__,
        total_steps=state.max_steps,
        arguments=json.dumps(args.to_dict(), default=str),
        **_swift_arguments(args.output_dir),
    )


def _swift_arguments(output_dir):
    found = swift.arguments(output_dir)
    return {"swift_arguments": found} if found else {}
