"""Metrics of every rank of a training run.

    import rankscope
    rankscope.init()                                   # not needed under `rankscope run`
    rankscope.log({"loss": loss, "lr": lr}, step=step)

Values go into a ring in shared memory that the node's agent reads: a call takes well under a microsecond, makes no
system call and never waits. Where no agent is, every call does nothing. In a forked or spawned data-loader worker, too.

    rankscope.query('job:j level:error | first by (rank)')      # rows of what a server holds; see docs/query.md
    rankscope.Monitor().register_monitor(MyDetector())          # rules of one's own; see docs/detectors.md
    batch = rankscope.guard(batch, policy="skip")               # no extreme samples
    if rankscope.should_stop(): save(); break                   # people or a rule have asked for it; see docs/actions.md
"""

from rankscope._recorder import close, event, init, log, log_batch, set_step, should_stop

__all__ = ["ExtremeSample", "Monitor", "PartialAnswer", "QueryError", "close", "event", "guard", "init", "log", "log_batch", "query",
           "set_step", "should_stop"]
__version__ = "0.1.0"

# What ranks that only report need not load.
_LAZY = {"query": "_query", "QueryError": "_query", "PartialAnswer": "_query", "Monitor": "monitor", "guard": "_guard",
         "ExtremeSample": "_guard"}


def __getattr__(name):
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module("rankscope." + _LAZY[name]), name)
    raise AttributeError(f"module 'rankscope' has no attribute {name!r}")
