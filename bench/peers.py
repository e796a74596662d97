#!/usr/bin/env python3
"""VictoriaLogs beside this store: the same files over HTTP into both, everything merged and settled, and `zstd -3 -T1` of them.

    bench/peers.py victoria-logs                                every workload, 200,000 records each
    bench/peers.py victoria-logs prose long --times 3           some of them, the least of three rounds
    bench/peers.py victoria-logs file --file logs.ndjson --job j-20261101 --queries bench/trainlog
                                                                data of your own, and queries: bench/trainlog.queries of this
                                                                store and bench/trainlog.logsql of VictoriaLogs

VictoriaLogs is built of its Go module, somewhere outside this repository:

    cp -r --no-preserve=mode "$(go mod download -json github.com/VictoriaMetrics/VictoriaLogs@v1.52.1 | jq -r .Dir)" src
    cd src && go build -o ../victoria-logs ./app/victoria-logs

CPU seconds are the servers' own, from when they listen until nothing is done any more; the least of the rounds. VictoriaLogs
is made to flush what it was sent, and then to merge all it has into one part, as this store does by itself: with that and without are two columns.
"""
import argparse
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from engine import Program, Server, children_cpu, disk_bytes, records_file
from workloads import WORKLOADS


class VictoriaLogs(Program):
    QUERY, QUERIES = '/select/logsql/query?', '.logsql'

    def __init__(self, program, data):
        self.data = data
        self.process = subprocess.Popen([program, '-storageDataPath', data, '-httpListenAddr', '127.0.0.1:0', '-retentionPeriod', '100y'], stderr=subprocess.PIPE, text=True)
        said = []
        while not (listens := re.search(r'started server at http://([^/]+)', line := self.process.stderr.readline())):
            if not line:
                raise SystemExit(f'{program} ended before it listened:\n' + ''.join(said))
            said.append(line)
        self.http = listens[1]
        threading.Thread(target=self.process.stderr.read, daemon=True).start()  # of a full pipe it would wait

    def ingest(self, path, _job):
        url = f'http://{self.http}/insert/jsonline?_stream_fields=job_id,rank&_time_field=timestamp&_msg_field=msg'
        subprocess.run(['curl', '-sf', '-T', path, '-X', 'POST', url], check=True)
        request(self, '/internal/force_flush')

    def count(self):
        return int(json.loads(ask(self, '* | count() as n'))['n'])

    def merge(self):
        request(self, '/internal/force_merge')
        self.settle()


class Rankscope(Server):
    QUERY, QUERIES = '/api/v1/query?', '.queries'

    def ingest(self, path, job):
        self.taken = super().ingest(path, job)

    def count(self):
        return self.taken


def request(server, path):
    return urllib.request.urlopen(f'http://{server.http}{path}').read()


def ask(server, query):
    return request(server, server.QUERY + urllib.parse.urlencode({'query': query}))


def time_queries(server, path, times=21):
    with open(path + server.QUERIES) as lines:
        queries = [line.strip().split(' ', 1) for line in lines]
    for name, query in queries:
        spent = []
        for _ in range(times):
            begin = time.perf_counter()
            rows = ask(server, query).count(b'\n')
            spent.append((time.perf_counter() - begin) * 1e3)
        print(f'    {type(server).__name__:12} {name} median {statistics.median(spent[1:]):8.2f} least {min(spent):8.2f} ms {rows:7} rows', flush=True)


def store(server, path, count, options):
    """CPU seconds until the server has settled, and until it has merged all; bytes on disk."""
    try:
        began = server.cpu_s()
        server.ingest(path, options.job)
        server.settle()
        settled = merged = server.cpu_s() - began
        if isinstance(server, VictoriaLogs):
            server.merge()
            merged = server.cpu_s() - began
        if (taken := server.count()) != count:
            raise SystemExit(f'{path}: {count} records were sent, {taken} were taken')
        size = disk_bytes(server.data)
        if options.queries:
            time_queries(server, options.queries)
        return settled, merged, size
    finally:
        server.stop()
        shutil.rmtree(server.data)


def compare(name, path, count, options):
    rounds = []
    for _ in range(options.times):
        zstd_s, zstd_bytes = children_cpu(f'zstd -3 -T1 -qc {path} | wc -c')
        theirs = store(VictoriaLogs(options.program, tempfile.mkdtemp(prefix='peers-')), path, count, options)
        ours = store(Rankscope(tempfile.mkdtemp(prefix='peers-')), path, count, options)
        rounds.append((zstd_s, zstd_bytes, *theirs, *ours))
    zstd_s, zstd_bytes, settled, merged, their_bytes, cpu, _, our_bytes = map(min, zip(*rounds))
    print(f'| {name} | {count} | {zstd_s:.2f} | {settled / zstd_s:.1f}, {merged / zstd_s:.1f} | {cpu / zstd_s:.1f} | {cpu / settled:.2f}, {cpu / merged:.2f} '
          f'| {zstd_bytes / count:.1f} | {their_bytes / zstd_bytes:.2f} | {our_bytes / zstd_bytes:.2f} |', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program', help='of VictoriaLogs')
    parser.add_argument('workload', nargs='*', help=', '.join(WORKLOADS) + ', file', default=list(WORKLOADS))
    parser.add_argument('--records', type=int, default=200_000)
    parser.add_argument('--seed', type=int, default=3)
    parser.add_argument('--times', type=int, default=1, help='rounds')
    parser.add_argument('--file', help='NDJSON whose records name no job, or that of --job')
    parser.add_argument('--job', default='bench')
    parser.add_argument('--queries', metavar='PATH', help='asked each time: PATH.queries and PATH.logsql, a line each: NAME QUERY')
    options = parser.parse_args()
    print('| kind | records | zstd, s | VictoriaLogs of zstd, without and with the merge | ours | ours of VictoriaLogs | zstd, B a record | VictoriaLogs of it | ours |\n|---|---|---|---|---|---|---|---|---|')
    for name in options.workload:
        if name == 'file':
            compare(name, options.file, sum(1 for _ in open(options.file, 'rb')), options)
            continue
        with records_file(name, options.records, options.seed) as (path, count):
            compare(name, path, count, options)


if __name__ == '__main__':
    main()
