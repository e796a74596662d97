#!/usr/bin/env python3
"""What queries cost on data that is loaded once and kept: whole HTTP requests in ms, and the server's CPU for each
(in ticks of 10 ms: ask many --times).

    bench/queries.py DIR --load logs.ndjson             fills the folder DIR (records of one job, by default "bench")
    bench/queries.py DIR                                times its queries; --queries FILE has others, a line each: NAME QUERY;
                                                        bench/trainlog.queries has those of RESULTS.md
    bench/queries.py DIR --serve                        serves it until Enter is pressed, for a profiler
"""
import argparse
import os
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from engine import QUERIES, Server


def answer(server, query):
    url = f'http://{server.http}/api/v1/query?' + urllib.parse.urlencode({'query': query})
    return urllib.request.urlopen(url).read()


def load(server, path, job):
    """In two halves at a time, as from two shippers."""
    with open(path, 'rb') as file:
        file.seek(os.path.getsize(path) // 2)
        file.readline()
        cut = file.tell()
    send = f'curl -sf -T - -X POST "http://{server.http}/api/v1/ingest/jsonline?job_id={job}" -o /dev/null'
    halves = [subprocess.Popen(f'{part} {path} | {send}', shell=True) for part in (f'head -c {cut}', f'tail -c +{cut + 1}')]
    if any([half.wait() for half in halves]):
        raise SystemExit(f'{path} was not taken')
    server.settle()


def measure(server, name, query, times):
    answer(server, query)
    spent, before = [], server.cpu_s()
    for _ in range(times):
        begin = time.perf_counter()
        rows = answer(server, query).count(b'\n')
        spent.append((time.perf_counter() - begin) * 1e3)
    cpu = (server.cpu_s() - before) / times * 1e3
    print(f'{name:28} {statistics.median(spent):8.2f} {min(spent):8.2f} {cpu:8.2f} {rows:8}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    parser.add_argument('--load', metavar='FILE')
    parser.add_argument('--job', default='bench', help='that the records belong to')
    parser.add_argument('--queries', metavar='FILE')
    parser.add_argument('--only', default='', help='names of queries, with commas')
    parser.add_argument('--times', type=int, default=21)
    parser.add_argument('--serve', action='store_true')
    options = parser.parse_args()
    queries = {name: f'job:{options.job} {query}' for name, query in QUERIES.items()}
    if options.queries:
        with open(options.queries) as lines:
            queries = dict(line.strip().split(' ', 1) for line in lines if line.strip())
    server = Server(options.folder)
    try:
        if options.load:
            load(server, options.load, options.job)
            return
        if options.serve:
            print(server.process.pid, server.http, flush=True)
            sys.stdin.readline()
            return
        print('query                          median    least  CPU ms     rows')
        for name, query in queries.items():
            if not options.only or name in options.only.split(','):
                measure(server, name, query, options.times)
        print(f'peak RSS {server.peak_mb():.0f} MB, now {server.rss_mb():.0f} MB')
    finally:
        server.stop()


if __name__ == '__main__':
    main()
