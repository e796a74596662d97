#!/usr/bin/env python3
"""What a training step on a GPU costs under `rankscope run`, beside the same step without: the median step of each run, in
ms, alone and watched by turns.

usage: gpu_step_cost.py PROGRAM [RUNS]      (by a Python with torch for CUDA)
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile

TRAINING = pathlib.Path(__file__).resolve().parent.parent / "tests" / "gpu" / "training.py"
COMMAND = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "1", str(TRAINING), "none", "0", "3000"]


def step_ms(prefix):
    output = subprocess.run(prefix + COMMAND, capture_output=True, text=True, check=True).stdout
    steps = [float(line.rpartition(" ")[2]) for line in output.splitlines() if line.startswith("step:")]
    return 1000 * statistics.median(steps)


def main(program, runs="3"):
    with tempfile.TemporaryDirectory() as data:
        server = subprocess.Popen([program, "serve", "--data-dir", data, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
                                  stdout=subprocess.PIPE, text=True)
        address = server.stdout.readline().split("http=")[1].split()[0]
        try:
            for run in range(int(runs)):
                watch = [program, "run", "--server", address, "--job_id", f"watched-{run}", "--sample-interval", "1", "--"]
                print(f"alone {step_ms([]):.2f} ms, watched {step_ms(watch):.2f} ms")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
