#!/usr/bin/env python3
"""insights.py RANKSCOPE [JOBS]: how long `insights` takes on a server that knows many jobs, and the first after a start: where it
has to add them up, once, and where it has kept the sums.

One real job is run; what the server keeps of it is copied under other names, with other classes, settings, nodes and
curves, while the server is down.
"""
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

CLASSES = ["none"] * 17 + ["cuda_oom", "nccl_timeout", "gpu_hardware_xid_ecc"]
TRAIN = """
import os, time
for step in range(1, 21):
    time.sleep(0.01)
    print({"loss": 2.0 / step, "step": step, "tokens_per_sec": 1000.0}, flush=True)
"""


class Server:
    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, "serve", "--data-dir", folder, "--http", "127.0.0.1:0", "--grpc",
                                         "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.http = dict(word.split("=", 1) for word in self.process.stdout.readline().split()[2:])["http"]

    def insights(self):
        """The answer, and how many seconds it took."""
        began = time.monotonic()
        with urllib.request.urlopen(f"http://{self.http}/api/v1/insights") as answer:
            return json.load(answer), time.monotonic() - began

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def run_one_job(program, folder):
    server = Server(program, folder)
    script = os.path.join(folder, "train.py")
    with open(script, "w") as file:
        file.write(TRAIN)
    subprocess.run([program, "run", "--server", server.http, "--job_id", "real", "--label", "model=tiny", "--",
                    sys.executable, script], env={**os.environ, "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}, check=True,
                   stdout=subprocess.DEVNULL)
    while server.insights()[0]["jobs"] == 0:
        time.sleep(0.2)
    server.stop()


def variant(facts, number, dice):
    failure = dice.choice(CLASSES)
    batch = dice.choice([8, 16, 32, 64])
    if batch == 64 and dice.random() < 0.3:
        failure = "cuda_oom"
    nodes = [f"gpu-{dice.randrange(512)}" for _ in range(4)]
    facts.update(job_id=f"j-{number:06}", healthy=failure == "none", hosts=sorted(nodes), culprit_host=dice.choice(nodes),
                 templates=[dice.getrandbits(60) for _ in range(8)], state="finished" if failure == "none" else "failed",
                 inflections=[{"step": dice.randrange(100_000), "class": "throughput_drop"}] if dice.random() < 0.02 else [])
    facts["class"] = failure
    facts["settings"].update({f"training_arguments.option_{i}": str(dice.randrange(3)) for i in range(20)})
    facts["settings"].update({"training_arguments.per_device_train_batch_size": str(batch),
                              "training_arguments.seed": str(number)})
    return facts


def copy_jobs(folder, count):
    dice = random.Random(7)
    file = sqlite3.connect(os.path.join(folder, "projects", "default", "knowledge.sqlite"))
    seen, facts, curves = file.execute("SELECT seen, facts, curves FROM job WHERE name = 'real'").fetchone()
    facts = json.loads(facts)
    rows = ((f"j-{i:06}", seen, json.dumps(variant(facts, i, dice)), curves) for i in range(count))
    file.executemany("INSERT INTO job VALUES(?, ?, ?, ?)", rows)
    file.execute("DELETE FROM sums")
    file.commit()
    file.close()


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        run_one_job(program, folder)
        copy_jobs(folder, count)
        server = Server(program, folder)
        added_up = server.insights()[1]
        server.stop()
        server = Server(program, folder)
        found, first = server.insights()
        later = sorted(server.insights()[1] for _ in range(9))
        print(f"{found['jobs']} jobs, {found['failed']} failed: the first answer where they are added up took {added_up:.2f} s, after the "
              f"next start {first:.2f} s, later ones "
              f"median {later[4] * 1000:.0f} ms, most {later[-1] * 1000:.0f} ms; {server.resident_mib():.0f} MiB resident; "
              f"settings: {[one['setting'] + ' ' + one['value'] for one in found['oom_settings']]}")
        server.stop()


if __name__ == "__main__":
    main()
