#!/usr/bin/env python3
"""What one rankscope.log() of six metrics costs, in ns: the median of 7 rounds. Run with the package on PYTHONPATH:
PYTHONPATH=build/release/lib/rankscope/python bench/python_log.py. A full ring would be cheaper: rounds stay below it."""
import os
import statistics
import tempfile
import timeit

CALLS = 2000  # 200 records of 328 bytes a round, in a ring of 1 MiB

with tempfile.TemporaryDirectory(dir="/dev/shm") as rings:
    os.environ["RANKSCOPE_RINGS"] = rings
    import rankscope
    from rankscope import _native

    metrics = {"loss": 2.15, "grad_norm": 0.5, "learning_rate": 1e-5, "tokens": 4096, "memory": 12.5, "data_time_s": 0.01}
    steps = iter(range(1, 10**9))
    rounds = timeit.repeat(lambda: rankscope.log(metrics, step=next(steps)), number=CALLS, repeat=7)
    assert _native.dropped() == 0
    print(f"{statistics.median(rounds) / CALLS * 1e9:.0f} ns a call")
    rankscope.close()
