#!/usr/bin/env python3
"""How long `rankscope dump-stacks` takes for many ranks on one node, one of which is elsewhere than the others.

usage: stacks.py [RANKSCOPE] [RANKS [TIMES]]     (build/release/bin/rankscope, 256 ranks, 5 times)

The ranks are Python processes that sleep at the end of a stack of 20 frames, with two threads more each. Every dump is
checked: all ranks answer, and the odd one's frame is named.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

RANK = """
import os, threading, time
def odd_place(): time.sleep(3600)
def usual_place(): time.sleep(3600)
def down(depth): down(depth - 1) if depth else (odd_place if os.environ["RANK"] == "7" else usual_place)()
def end_with(parent):
    while os.getppid() == parent: time.sleep(1)
    os._exit(0)
for _ in range(2): threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
down(20)
"""
LAUNCHER = """
import os, subprocess, sys
def start(rank):
    env = {**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": sys.argv[2]}
    return subprocess.Popen([sys.executable, sys.argv[1]], env=env)
for rank in [start(rank) for rank in range(int(sys.argv[2]))]: rank.wait()
"""


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/rankscope"
    ranks, times = [int(text) for text in (sys.argv[2:] + ["256", "5"][len(sys.argv[2:]):])]
    with tempfile.TemporaryDirectory() as place:
        env = {**os.environ, "XDG_STATE_HOME": place + "/state", "XDG_DATA_HOME": place + "/data"}
        for name, text in (("rank.py", RANK), ("launcher.py", LAUNCHER)):
            with open(f"{place}/{name}", "w") as file:
                file.write(text)
        server = subprocess.Popen([program, "serve", "--data-dir", place + "/server", "--http", "127.0.0.1:0", "--grpc",
                                   "127.0.0.1:0"], stdout=subprocess.PIPE, text=True, env=env)
        http = dict(word.split("=", 1) for word in server.stdout.readline().split()[2:])["http"]
        run = subprocess.Popen([program, "run", "--server", http, "--job_id", "j", "--", sys.executable, place + "/launcher.py",
                                place + "/rank.py", str(ranks)], env=env, stderr=subprocess.DEVNULL)
        try:
            measure(program, http, env, ranks, times)
        finally:
            run.terminate()
            run.wait()
            server.terminate()
            server.wait()


def dump(program, http, env):
    began = time.monotonic()
    done = subprocess.run([program, "dump-stacks", "--server", http, "j", "-o", "json"], capture_output=True, text=True, env=env)
    took = time.monotonic() - began
    return took, json.loads(done.stdout)["ranks"] if done.stdout else []


def places(answers):
    return {rank["rank"]: rank["detail"].rpartition(" ")[2] for rank in answers if rank["outcome"] == "captured"}


def measure(program, http, env, ranks, times):
    wanted = {rank: "odd_place" if rank == 7 else "usual_place" for rank in range(ranks)}
    end = time.monotonic() + 600
    while (found := places(dump(program, http, env)[1])) != wanted:  # until all are there
        print(f"{len(found)} of {ranks} ranks are there", file=sys.stderr)
        if time.monotonic() > end:
            sys.exit("the ranks have not come to their places")
        time.sleep(1)
    for _ in range(times):
        took, answers = dump(program, http, env)
        if places(answers) != wanted:
            sys.exit(f"wrong: {answers}")
        print(f"{ranks} ranks: {took:.2f} s")


main()
