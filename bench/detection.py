#!/usr/bin/env python3
"""What detection costs the server, and how soon a finding is there.

    bench/detection.py cost [--records 400000]      CPU seconds of ingest with --detect=on and off, in turn, and their ratio
    bench/detection.py latency [--rate 20000]       from a rank's print() to the finding in the API, under that many records/s

Needs build/release/bin/rankscope and, for cost, curl. The records are those of bench/engine.py's workload `training`.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from engine import PROGRAM, Server
from workloads import training

# The agent takes a moment to start and to connect; what is measured is the way of a line, not that.
PROBE = """import sys, time
print('begin', flush=True)
time.sleep(3)
for number in range(int(sys.argv[1])):
    time.sleep(float(sys.argv[2]))
    print(f'latency probe {number:04} at {time.time():.6f}', flush=True)
time.sleep(1)
"""


class DetectingServer(Server):
    def __init__(self, data, *options):
        self.data = data
        self.process = subprocess.Popen([PROGRAM, 'serve', '--data-dir', data, '--http', '127.0.0.1:0', '--grpc', '127.0.0.1:0', *options],
                                        stdout=subprocess.PIPE, text=True)
        self.http = re.search(r'http=(\S+)', self.process.stdout.readline())[1]

    def get(self, path):
        with urllib.request.urlopen(f'http://{self.http}{path}') as answer:
            return [json.loads(line) for line in answer]


def ingest_cpu_s(path, detect):
    data = tempfile.mkdtemp(prefix='rankscope-bench-')
    # A job that is lost is diagnosed: that reads it whole, with rules or without, and is no cost of a record.
    server = DetectingServer(data, '--detect=' + detect, '--lost-after=1000000000')
    try:
        subprocess.run(['curl', '-sf', '-T', path, '-X', 'POST', f'http://{server.http}/api/v1/ingest/jsonline?job_id=bench'],
                       stdout=subprocess.DEVNULL, check=True)
        server.settle()
        return server.cpu_s()
    finally:
        server.stop()
        shutil.rmtree(data)


def cost(options):
    rng = random.Random(3)
    spent = {'off': [], 'on': []}
    with tempfile.NamedTemporaryFile('w', suffix='.ndjson') as out:
        for number in range(options.records):
            record = training(rng, number)
            if 'out of memory' not in record.get('msg', ''):  # its incident, too, would have the job diagnosed
                out.write(json.dumps(record, separators=(',', ':')) + '\n')
        out.flush()
        for _ in range(options.times):
            for detect in spent:
                spent[detect].append(ingest_cpu_s(out.name, detect))
    off, on = (statistics.median(spent[detect]) for detect in ('off', 'on'))
    print(f'{options.records} records: {1e6 * off / options.records:.2f} us/record without detection, '
          f'{1e6 * on / options.records:.2f} with it, ratio {on / off:.2f} (medians of {options.times})')


class Load(threading.Thread):
    """Sends so many records a second, as 64 ranks would."""

    def __init__(self, server, rate):
        super().__init__(daemon=True)
        self.server, self.rate, self.sent, self.stopped = server, rate, 0, False

    def run(self):
        begin = time.monotonic()
        while not self.stopped:
            lag = self.sent / self.rate - (time.monotonic() - begin)
            if lag > 0:
                time.sleep(lag)
            body = ''.join('{"rank":%d,"node_rank":%d,"step":%d,"stream":"%s",%s}\n' % (
                number // 5 % 64, number // 40 % 8, number // 320, 'stdout' if number % 5 else 'metric',
                f'"msg":"worker {number % 8} fetched batch {number} in {number % 23}.5 ms"' if number % 5 else
                f'"loss":{2 + number % 7 / 100},"gradient_norm":{1 + number % 5 / 100},"throughput_tokens_per_sec":{78400 + number % 900}')
                for number in range(self.sent, self.sent + self.rate // 20))
            request = urllib.request.Request(f'http://{self.server.http}/api/v1/ingest/jsonline?job_id=load', body.encode(), method='POST')
            urllib.request.urlopen(request).read()
            self.sent += self.rate // 20
        self.reached = self.sent / (time.monotonic() - begin)


def latency(options):
    folder = tempfile.mkdtemp(prefix='rankscope-bench-')
    rules, script = folder + '/probe.yaml', folder + '/probe.py'
    with open(rules, 'w') as out:
        out.write('groups:\n- name: probe\n  rules:\n' + ''.join(
            f"  - {{alert: Probe{number:04}, match: 'latency probe {number:04}'}}\n" for number in range(options.probes)))
    with open(script, 'w') as out:
        out.write(PROBE)
    server = DetectingServer(folder + '/data', '--rules', rules)
    load = Load(server, options.rate)
    try:
        load.start()
        time.sleep(2)
        environment = {**os.environ, 'XDG_STATE_HOME': folder + '/state', 'RANK': '0', 'LOCAL_RANK': '0'}
        run = subprocess.Popen([PROGRAM, 'run', '--server', server.http, '--job_id', 'probe', '--alerts=never', '--', sys.executable, script,
                                str(options.probes), '0.1'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        seen = {}
        while run.poll() is None and len(seen) < options.probes:
            found = server.get('/api/v1/findings?job_id=probe&limit=20')
            now = time.time()
            for finding in found:
                printed = re.search(r'at (\d+\.\d+)', finding['message'])
                if printed:
                    seen.setdefault(finding['rule'], now - float(printed[1]))
            time.sleep(0.01)
        run.wait()
        load.stopped = True
        load.join()
    finally:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait()
        shutil.rmtree(folder)
    times = sorted(seen.values())
    p = lambda share: 1e3 * times[min(len(times) - 1, int(share * len(times)))]
    print(f'{load.reached:.0f} records/s beside; {len(times)} of {options.probes} prints found: '
          f'p50 {p(.5):.0f} ms, p90 {p(.9):.0f} ms, p99 {p(.99):.0f} ms, max {1e3 * times[-1]:.0f} ms')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('measure', choices=('cost', 'latency'))
    parser.add_argument('--records', type=int, default=400_000)
    parser.add_argument('--times', type=int, default=3)
    parser.add_argument('--rate', type=int, default=20_000)
    parser.add_argument('--probes', type=int, default=300)
    options = parser.parse_args()
    cost(options) if options.measure == 'cost' else latency(options)


if __name__ == '__main__':
    main()
