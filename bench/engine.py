#!/usr/bin/env python3
"""What the store costs: ingest over HTTP, bytes on disk, memory, queries; beside `zstd -3 -T1` of the same file.

    bench/engine.py                                     every workload, 200,000 records each
    bench/engine.py training --records 2000000          one of them
    bench/engine.py file --file logs.ndjson             data of your own (one job)

Needs build/release/bin/rankscope, curl and zstd. CPU seconds are the server's own, with sealing and merging settled.
"""
import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from workloads import NEEDLE, WORKLOADS

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get('RANKSCOPE', os.path.join(ROOT, 'build/release/bin/rankscope'))
QUERIES = {'one UUID': f'"{NEEDLE}"', 'a phrase': '"CUDA out of memory"', 'a rank, last 1000': 'rank:7 | sort timestamp desc | limit 1000',
           'mean by rank and minute': 'stream:metric | stats avg(throughput_tokens_per_sec) by (rank, _time:1m)',
           'inside a token': '*9e52-4b0a-4f*', 'a regex': '~"Tried to allocate [0-9.]+ GiB"', 'count of a word': '"NCCL" | stats count() as n'}


def children_cpu(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    size = int(subprocess.run(command, shell=True, check=True, capture_output=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, size


class Program:
    """A server of whose process the costs are read. Its subclasses set `process`, `http` and `data`, the folder it writes."""
    def cpu_s(self):
        fields = open(f'/proc/{self.process.pid}/stat').read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def rss_mb(self):
        return int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{self.process.pid}/status').read())[1]) / 1024

    def peak_mb(self):
        return int(re.search(r'VmHWM:\s+(\d+)', open(f'/proc/{self.process.pid}/status').read())[1]) / 1024

    def busy(self):
        return False

    def settle(self):
        """Until it is not busy and nothing is done any more."""
        last, since = self.cpu_s(), time.time()
        while time.time() - since < 3 or self.busy():
            time.sleep(.25)
            if self.cpu_s() - last > .05:
                last, since = self.cpu_s(), time.time()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Server(Program):
    def __init__(self, data, detect='off'):
        self.data = data
        self.process = subprocess.Popen([PROGRAM, 'serve', '--data-dir', data, '--http', '127.0.0.1:0', '--grpc', '127.0.0.1:0', f'--detect={detect}'], stdout=subprocess.PIPE, text=True)
        self.http = re.search(r'http=(\S+)', self.process.stdout.readline())[1]

    def busy(self):
        """Whether not everything lies in segments."""
        return disk_bytes(self.data, 'journal') > 1 << 20

    def ingest(self, path, job='bench'):
        """Gives how many records it took."""
        answer = subprocess.run(['curl', '-sf', '-T', path, '-X', 'POST', f'http://{self.http}/api/v1/ingest/jsonline?job_id={job}'], capture_output=True, text=True)
        return json.loads(answer.stdout or '{}').get('records')

    def query_ms(self, query, times=7):
        url = f'http://{self.http}/api/v1/query?' + urllib.parse.urlencode({'query': 'job:bench ' + query})
        spent = []
        for _ in range(times):
            begin = time.perf_counter()
            rows = urllib.request.urlopen(url).read().count(b'\n')
            spent.append((time.perf_counter() - begin) * 1e3)
        return statistics.median(spent[1:]), rows


def size_of(path):
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0  # a file that was merged away


def disk_bytes(folder, below=''):
    return sum(size_of(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names if below in at)


@contextlib.contextmanager
def records_file(name, records, seed):
    """The path of a file of the workload's records, and how many they are: of `long` a twentieth."""
    rng, count = random.Random(seed), records // (20 if name == 'long' else 1)
    with tempfile.NamedTemporaryFile('w', suffix='.ndjson') as out:
        for number in range(count):
            out.write(json.dumps(WORKLOADS[name](rng, number), ensure_ascii=False, separators=(',', ':')) + '\n')
        out.flush()
        yield out.name, count


def measure(name, path, count, detect):
    zstd_s, zstd_bytes = children_cpu(f'zstd -3 -T1 -qc {path} | wc -c')
    data = tempfile.mkdtemp(prefix='rankscope-bench-')
    server = Server(data, detect)
    try:
        began = time.time()
        taken = server.ingest(path)
        wall = time.time() - began
        if taken != count:
            raise SystemExit(f'{name}: {count} records were sent, {taken} were taken')
        server.settle()
        cpu, disk = server.cpu_s(), disk_bytes(data)
        print(f'{name:10} {count:9} {count / cpu / 1e3:8.0f} {cpu / zstd_s:8.2f} {disk / count:8.1f} {zstd_bytes / count:8.1f} {disk / zstd_bytes:6.2f} {server.peak_mb():7.0f} {wall:7.1f}', flush=True)
        if name == 'training':
            for label, query in QUERIES.items():
                ms, rows = server.query_ms(query)
                print(f'           {label:26} {ms:8.1f} ms {rows:7} rows', flush=True)
    finally:
        server.stop()
        shutil.rmtree(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('workload', nargs='*', help=', '.join(WORKLOADS) + ', file', default=list(WORKLOADS))
    parser.add_argument('--records', type=int, default=200_000)
    parser.add_argument('--seed', type=int, default=3)
    parser.add_argument('--file', help='NDJSON whose records name no job, or the job "bench"')
    parser.add_argument('--detect', choices=('on', 'off'), default='off')
    options = parser.parse_args()
    print('workload     records k/CPU s zstd-times B/record  zstd -3  ratio RSS MB  wall s')
    for name in options.workload:
        if name == 'file':
            measure(name, options.file, sum(1 for _ in open(options.file, 'rb')), options.detect)
            continue
        with records_file(name, options.records, options.seed) as (path, count):
            measure(name, path, count, options.detect)


if __name__ == '__main__':
    main()
