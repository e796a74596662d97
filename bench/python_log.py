#!/usr/bin/env python3
"""What one rankscope.log() of six metrics costs, in ns of CPU time: the median of 7 rounds. Run with the package on PYTHONPATH:
PYTHONPATH=build/release/lib/rankscope/python bench/python_log.py. A full ring would be cheaper: rounds stay below it.
Then the same with a detector of two conditions (docs/detectors.md), which a step of one call asks once."""
import os
import statistics
import tempfile
import time
import timeit

CALLS = 2000  # 200 records of 328 bytes a round, in a ring of 1 MiB

with tempfile.TemporaryDirectory(dir="/dev/shm") as rings:
    os.environ["RANKSCOPE_RINGS"] = rings
    import rankscope
    from rankscope import _native
    from rankscope.monitor import AnomalyDetector, DetectionRule

    metrics = {"loss": 2.15, "grad_norm": 0.5, "learning_rate": 1e-5, "tokens": 4096, "memory": 12.5, "data_time_s": 0.01}
    steps = iter(range(1, 10**9))

    def nanoseconds():
        rounds = timeit.repeat(lambda: rankscope.log(metrics, step=next(steps)), number=CALLS, repeat=7,
                               timer=time.process_time)
        assert _native.dropped() == 0
        return statistics.median(rounds) / CALLS * 1e9

    print(f"{nanoseconds():.0f} ns a call")
    rankscope.close()
    detector = AnomalyDetector()
    detector.add_rule(DetectionRule("explodes", condition=lambda logs: len(logs) > 5 and all(l["loss"] > 1e3 for l in logs[-5:])))
    detector.add_rule(DetectionRule("vanishes", condition=lambda logs: logs[-1]["gradient_norm"] < 1e-9))
    rankscope.Monitor().register_monitor(detector)
    print(f"{nanoseconds():.0f} ns a call and step with two conditions")
    rankscope.close()
