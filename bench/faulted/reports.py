"""What each rank prints of its steps by itself under a trainer that prints rank 0's alone: where $STYLE says how."""
import contextlib
import os
import time

import faults
import styles


class Steps:
    """Its own work is what comes before it waits for others, and the model's forward pass."""

    def __init__(self):
        self._prints = "STYLE" in os.environ
        self._loss = 0.0
        if self._prints:
            styles.prepare(faults.RANK)

    @contextlib.contextmanager
    def begun(self):
        self._began = time.monotonic()
        yield
        self._own_s = time.monotonic() - self._began

    @contextlib.contextmanager
    def forward(self):
        began = time.monotonic()
        yield
        self._own_s += time.monotonic() - began

    def got(self, loss):
        self._loss = loss

    def watch(self, model):
        """Of a model that gives its loss."""
        forward = contextlib.ExitStack()
        model.register_forward_pre_hook(lambda module, inputs: forward.enter_context(self.forward()))
        model.register_forward_hook(lambda module, inputs, output: forward.close() or self.got(output.loss.item()))

    def end(self, step):
        if self._prints:
            styles.report(faults.RANK, step, self._loss, self._own_s, time.monotonic() - self._began)
