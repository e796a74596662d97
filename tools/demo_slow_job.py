#!/usr/bin/env python3
"""demo_slow_job.py FOLDER: six hours of a job of 256 ranks on 32 nodes, simulated. A switch's port becomes congested.

The two nodes behind it slow first, then all that wait for them, from 80k to 30k tokens/s a rank; after five hours the
port is taken out. FOLDER gets the ranks' records, the switches' counters, and topology.yaml.
"""
import json
import pathlib
import random
import sys
from datetime import datetime, timedelta, timezone

NODES, GPUS, REPORTS, STEPS_A_REPORT = 32, 8, 120, 50
NODES_A_SWITCH, NODES_A_PORT = 8, 2
SWITCH, PORT = "leaf-2", 3
CONGESTED, FIXED = 40, 100  # numbers of reports
BEFORE, WORST, AFTER = 80_000, 30_000, 75_000
BEGIN = datetime(2026, 4, 5, 8, tzinfo=timezone.utc)
dice = random.Random(1198)


def place(node):
    return {"switch": f"leaf-{node // NODES_A_SWITCH}", "port": node % NODES_A_SWITCH // NODES_A_PORT + 1,
            "rack": f"rack-{node // 4}"}


def is_behind(node):
    return (place(node)["switch"], place(node)["port"]) == (SWITCH, PORT)


def time(report, seconds=0.0):
    return (BEGIN + timedelta(minutes=3 * report, seconds=seconds)).isoformat().replace("+00:00", "Z")


def speed(report, onset):
    if report >= FIXED:
        return AFTER
    fallen = min(1.0, max(0, report - onset + 1) / 30)
    return BEFORE - fallen * (BEFORE - WORST)


def rank_records():
    onsets = [CONGESTED + dice.randint(0, 1) + (0 if is_behind(rank // GPUS) else dice.randint(5, 12))
              for rank in range(NODES * GPUS)]
    for report in range(REPORTS):
        for rank, onset in enumerate(onsets):
            who = {"timestamp": time(report, dice.random() * 5), "job_id": "j-20260405", "host": f"gpu-{rank // GPUS}",
                   "node_rank": rank // GPUS, "local_rank": rank % GPUS, "rank": rank}
            tokens = speed(report, onset) * dice.gauss(1, 0.01)
            yield {**who, "stream": "metric", "step": report * STEPS_A_REPORT, "loss": round(2 + 1 / (report + 1), 4),
                   "throughput_tokens_per_sec": round(tokens), "step_time_s": round(262144 / tokens, 3),
                   "compute_time_s": round(2.7 * dice.gauss(1, 0.01), 3)}
            if is_behind(rank // GPUS) and onset < report < FIXED and dice.random() < 0.02:
                yield {**who, "stream": "stderr", "level": "warning", "msg": "NCCL timeout: unhandled system error"}


def switch_records():
    discards = {}
    for report in range(0, REPORTS, 5):
        for node in range(0, NODES, NODES_A_PORT):
            port = (place(node)["switch"], place(node)["port"])
            hot = is_behind(node) and CONGESTED <= report < FIXED
            discards[port] = discards.get(port, 0) + (dice.randint(20_000, 90_000) if hot else dice.randint(0, 2))
            yield {"timestamp": time(report), "stream": "host", "switch": port[0], "port": port[1],
                   "port_xmit_discards": discards[port]}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in (("ranks.jsonl", rank_records()), ("switches.jsonl", switch_records())):
        (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "topology.yaml").write_text("".join(f"gpu-{node}: {json.dumps(place(node))}\n" for node in range(NODES)))


if __name__ == "__main__":
    main()
