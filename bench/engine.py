#!/usr/bin/env python3
"""What the store costs: ingest over HTTP, bytes on disk, memory, queries; beside `zstd -3 -T1` of the same file.

    bench/engine.py                                     every workload, 200,000 records each
    bench/engine.py training --records 2000000          one of them
    bench/engine.py file --file logs.ndjson             data of your own (one job)

Needs build/release/bin/rankscope, curl and zstd. CPU seconds are the server's own, with sealing and merging settled.
"""
import argparse
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

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get('RANKSCOPE', os.path.join(ROOT, 'build/release/bin/rankscope'))
START_MS = 1793491200000
NEEDLE = '7d1c9e52-4b0a-4f7e-9c3d-5ee1ab1e5eed'
WORDS = ('the model layer gradient loss of data and batch token attention head value norm residual weight optimizer step rank '
         'checkpoint shard expert router queue worker stream tensor kernel memory device host link switch packet retry').split()


def hexadecimal(rng, digits):
    return '%0*x' % (digits, rng.getrandbits(4 * digits))


def training(rng, number):
    """Metrics and lines of 64 ranks in lock step."""
    step, rank, kind = number // 320 + 1, number // 5 % 64, number % 5
    base = {'timestamp': START_MS + step * 1500 + rng.randrange(1500), 'node_rank': rank // 8, 'rank': rank, 'step': step}
    if kind == 0:
        return {**base, 'stream': 'metric', 'loss': round(1.8 + 9 / step + rng.gauss(0, .05), 4), 'gradient_norm': round(rng.random(), 4),
                'gpu_memory_usage': round(61 + rng.random(), 2), 'throughput_tokens_per_sec': round(rng.gauss(78400, 900), 1)}
    lines = (f"iteration {step}/100000 | lm loss: {1.8 + rng.random():.6E} | elapsed {1.5 + rng.random() * .1:.3f} s",
             f"node{rank // 8:03d}:{20000 + rank}:{21000 + rank} [{rank % 8}] NCCL INFO AllReduce: opCount {step * 7:x} sendbuff 0x{hexadecimal(rng, 12)}",
             f"worker {rng.randrange(8)} fetched batch {step}: ids [{rng.randrange(9 * 10**7)}, {rng.randrange(9 * 10**7)}] in {3 + 20 * rng.random():.2f} ms",
             f"request_id={hexadecimal(rng, 8)}-{hexadecimal(rng, 4)}-{hexadecimal(rng, 4)}-{hexadecimal(rng, 4)}-{hexadecimal(rng, 12)} took {rng.randrange(90000)} us",
             f"[INFO:{rng.choice(WORDS)}.{rng.choice(WORDS)}] {rng.choice(WORDS)} {rng.choice(WORDS)} {rng.randrange(512)} of 512")
    text = rng.choice(lines)
    if number == 70003:
        text = f'resume token {NEEDLE} accepted'
    if number == 90001:
        text = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 4.20 GiB.'
    return {**base, 'stream': 'stdout', 'msg': text}


def line(rng, number, text, **fields):
    return {'timestamp': START_MS + number * 7, 'rank': number % 8, 'stream': 'stdout', 'msg': text, **fields}


def prose(rng, number):
    return line(rng, number, ' '.join(rng.choice(WORDS) for _ in range(rng.randrange(8, 60))).capitalize() + '.')


def long(rng, number):
    return line(rng, number, '\n'.join(f'  File "/opt/{rng.choice(WORDS)}/{rng.choice(WORDS)}.py", line {rng.randrange(900)}, in {rng.choice(WORDS)}'
                                       for _ in range(rng.randrange(20, 200))))


def chinese(rng, number):
    return line(rng, number, f'第{number // 8}步 训练损失{rng.random() * 3:.4f} ' + ''.join(chr(0x4e00 + int(rng.expovariate(.01)) % 3000) for _ in range(rng.randrange(5, 40))))


def wide(rng, number):
    return {'timestamp': START_MS + number * 50, 'rank': number % 8, 'stream': 'metric', 'step': number // 8,
            **{f'layer{i}/grad_norm': round(rng.lognormvariate(0, .1), 5) for i in range(60)}}


def tiny(rng, number):
    return {'timestamp': START_MS + number, 'rank': number % 8, 'msg': rng.choice(('ok', 'step', f'{number % 100}%', '.'))}


def tokens(rng, number):
    return line(rng, number, ' '.join(''.join(rng.choice('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789') for _ in range(22)) for _ in range(4)))


WORKLOADS = {f.__name__: f for f in (training, prose, long, chinese, wide, tiny, tokens)}
QUERIES = {'one UUID': f'"{NEEDLE}"', 'a phrase': '"CUDA out of memory"', 'a rank, last 1000': 'rank:7 | sort timestamp desc | limit 1000',
           'mean by rank and minute': 'stream:metric | stats avg(throughput_tokens_per_sec) by (rank, _time:1m)',
           'inside a token': '*9e52-4b0a-4f*', 'a regex': '~"Tried to allocate [0-9.]+ GiB"', 'count of a word': '"NCCL" | stats count() as n'}


def children_cpu(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    size = int(subprocess.run(command, shell=True, check=True, capture_output=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, size


class Server:
    def __init__(self, data):
        self.data = data
        self.process = subprocess.Popen([PROGRAM, 'serve', '--data-dir', data, '--http', '127.0.0.1:0', '--grpc', '127.0.0.1:0'], stdout=subprocess.PIPE, text=True)
        self.http = re.search(r'http=(\S+)', self.process.stdout.readline())[1]

    def cpu_s(self):
        fields = open(f'/proc/{self.process.pid}/stat').read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def rss_mb(self):
        return int(re.search(r'VmRSS:\s+(\d+)', open(f'/proc/{self.process.pid}/status').read())[1]) / 1024

    def peak_mb(self):
        return int(re.search(r'VmHWM:\s+(\d+)', open(f'/proc/{self.process.pid}/status').read())[1]) / 1024

    def settle(self):
        last, since = self.cpu_s(), time.time()
        while time.time() - since < 3:
            time.sleep(.25)
            if self.cpu_s() - last > .05:
                last, since = self.cpu_s(), time.time()

    def query_ms(self, query, times=7):
        url = f'http://{self.http}/api/v1/query?' + urllib.parse.urlencode({'query': 'job:bench ' + query})
        spent = []
        for _ in range(times):
            begin = time.perf_counter()
            rows = urllib.request.urlopen(url).read().count(b'\n')
            spent.append((time.perf_counter() - begin) * 1e3)
        return statistics.median(spent[1:]), rows

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def disk_bytes(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def measure(name, path, count):
    zstd_s, zstd_bytes = children_cpu(f'zstd -3 -T1 -qc {path} | wc -c')
    data = tempfile.mkdtemp(prefix='rankscope-bench-')
    server = Server(data)
    try:
        began = time.time()
        answer = subprocess.run(['curl', '-sf', '-T', path, '-X', 'POST', f'http://{server.http}/api/v1/ingest/jsonline?job_id=bench'], capture_output=True, text=True)
        wall = time.time() - began
        if json.loads(answer.stdout or '{}').get('records') != count:
            raise SystemExit(f'{name}: {count} records were sent, the answer is {answer.stdout!r}')
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
    options = parser.parse_args()
    print('workload     records k/CPU s zstd-times B/record  zstd -3  ratio RSS MB  wall s')
    for name in options.workload:
        if name == 'file':
            measure(name, options.file, sum(1 for _ in open(options.file, 'rb')))
            continue
        rng, count = random.Random(options.seed), options.records // (20 if name == 'long' else 1)
        with tempfile.NamedTemporaryFile('w', suffix='.ndjson') as out:
            for number in range(count):
                out.write(json.dumps(WORKLOADS[name](rng, number), ensure_ascii=False, separators=(',', ':')) + '\n')
            out.flush()
            measure(name, out.name, count)


if __name__ == '__main__':
    main()
