"""Metrics of every rank of a training run.

    import rankscope
    rankscope.init()                                   # not needed under `rankscope run`
    rankscope.log({"loss": loss, "lr": lr}, step=step)

Values go into a ring in shared memory that the node's agent reads: a call takes well under a microsecond, makes no
system call and never waits. Where no agent is, every call does nothing. In a forked or spawned data-loader worker, too.

    rankscope.query('job:j level:error | first by (rank)')      # rows of what a server holds; see docs/query.md
"""

from rankscope._recorder import close, event, init, log, log_batch, set_step

__all__ = ["PartialAnswer", "QueryError", "close", "event", "init", "log", "log_batch", "query", "set_step"]
__version__ = "0.1.0"


def __getattr__(name):
    # Asking needs an HTTP client, which ranks that only report need not load.
    if name in ("query", "QueryError", "PartialAnswer"):
        from rankscope import _query

        return getattr(_query, name)
    raise AttributeError(f"module 'rankscope' has no attribute {name!r}")
