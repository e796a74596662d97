#!/usr/bin/env python3
"""What bodies that tell their length cost the server when several clients send them at once: CPU and peak memory.

    bench/bodies.py                                  21 bodies of 15 MB by 1, 4 and 16 clients
    bench/bodies.py --clients 8 --megabytes 4

Records of engine.py's workload training. $RANKSCOPE names another program than build/release/bin/rankscope: run both in turn.
"""
import argparse
import concurrent.futures
import json
import os
import random
import shutil
import tempfile

from engine import Server
from workloads import WORKLOADS


def write_bodies(folder, count, size):
    rng, number, paths = random.Random(3), 0, []
    for body in range(count):
        paths.append(os.path.join(folder, f"{body}.ndjson"))
        with open(paths[-1], "w") as out:
            while out.tell() < size:
                out.writelines(json.dumps(WORKLOADS["training"](rng, number + i)) + "\n" for i in range(1000))
                number += 1000
    return paths, number


def measure(paths, records, clients):
    data = tempfile.mkdtemp(prefix="rankscope-bench-")
    server = Server(data)
    try:
        with concurrent.futures.ThreadPoolExecutor(clients) as senders:
            taken = sum(senders.map(server.ingest, paths))
        if taken != records:
            raise SystemExit(f"{records} records were sent, {taken} were taken")
        server.settle()
        print(f"{clients:7} {server.cpu_s():8.2f} {server.peak_mb():8.0f}", flush=True)
    finally:
        server.stop()
        shutil.rmtree(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=21)
    parser.add_argument("--megabytes", type=int, default=15)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths, records = write_bodies(folder, options.bodies, options.megabytes * 1_000_000)
        print("clients    CPU s  peak MB")
        for clients in options.clients:
            measure(paths, records, clients)


if __name__ == "__main__":
    main()
