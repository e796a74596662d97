"""Metrics of every rank of a training run.

    import rankscope
    rankscope.init()                                   # not needed under `rankscope run`
    rankscope.log({"loss": loss, "lr": lr}, step=step)

Values go into a ring in shared memory that the node's agent reads: a call takes well under a microsecond, makes no
system call and never waits. Where no agent is, every call does nothing. In a forked or spawned data-loader worker, too.
"""

from rankscope._recorder import close, event, init, log, log_batch, set_step

__all__ = ["close", "event", "init", "log", "log_batch", "set_step"]
__version__ = "0.1.0"
