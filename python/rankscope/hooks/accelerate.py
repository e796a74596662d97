"""Loops of one's own on Accelerate: backward() knows the loss, the optimizer's step() ends the step."""

import functools

from rankscope.hooks import batch_ids, safely, step

_active = True  # a Trainer, which uses Accelerate inside, reports better


def yield_to_trainer():
    global _active
    _active = False


def apply(module):
    accelerator = module.Accelerator
    current = step.Step()
    batch = []  # the last one that a loader yielded, until a backward() shows that it is trained on
    count = 0
    norm = None
    backward, clip = accelerator.backward, accelerator.clip_grad_norm_

    @functools.wraps(backward)
    def backward_(self, loss, *arguments, **keywords):
        if _active:
            safely(current.add_loss)(loss)
            safely(current.add_batch)(*batch)
            batch.clear()
        return backward(self, loss, *arguments, **keywords)

    @functools.wraps(clip)
    def clip_(self, *arguments, **keywords):
        nonlocal norm
        norm = clip(self, *arguments, **keywords)
        return norm

    @safely
    def end(optimizer):
        nonlocal count
        if not _active or not optimizer.gradient_state.sync_gradients:
            return
        count += 1
        current.end(count, learning_rate=step.learning_rate(optimizer), grad_norm=norm)

    accelerator.backward, accelerator.clip_grad_norm_ = backward_, clip_
    _watch_optimizer(end)
    _watch_loader(current, batch)


def _watch_optimizer(end):
    from accelerate.optimizer import AcceleratedOptimizer

    act = AcceleratedOptimizer.step

    @functools.wraps(act)
    def step_(self, *arguments, **keywords):
        result = act(self, *arguments, **keywords)
        end(self)
        return result

    AcceleratedOptimizer.step = step_


def _watch_loader(current, last):
    """The batch is what the prepared loader yields; the time until then is waiting for data."""
    from accelerate import data_loader

    for name in ("DataLoaderShard", "DataLoaderDispatcher"):
        loader = getattr(data_loader, name, None)
        if loader is not None:
            loader.__iter__ = _watched(loader.__iter__, current, last)


def _watched(iterate, current, last):
    @functools.wraps(iterate)
    def __iter__(self):
        for batch in iterate(self):
            if _active:
                safely(current.waited_for_data)()
                last[:] = [batch, batch_ids.take()]
            yield batch

    return __iter__
