#!/usr/bin/env python3
"""A storm of findings on a real server, and what people get of it.

    bench/told.py [--findings 100000] [--jobs 50] [--ranks 1024] [--seconds 60]

So many events detector_finding (critical, of six rules) go in through HTTP over the seconds. Prints the messages of
each minute and channel, from each job's first finding to the first message that tells of the job, and the server's
memory and processor time. Two webhook channels on loopback, group_wait 0s. Needs build/release/bin/rankscope.
"""
import argparse
import http.server
import json
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
import urllib.request

from detection import DetectingServer

RULES = ('explode', 'vanish', 'slow', 'hot', 'odd', 'stuck')


class Channel:
    """A webhook on loopback: when each message came, and when a job was told of first."""

    def __init__(self):
        self.times, self.first, self.bytes = [], {}, 0
        channel = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                now = time.monotonic()
                channel.times.append(now)
                channel.bytes += len(body)
                for alert in json.loads(body)['alerts']:
                    channel.first.setdefault(alert['labels'].get('job'), now)
                self.send_response(200)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}'

    def most_in_a_minute(self):
        return max((sum(1 for other in self.times if 0 <= other - one < 60) for one in self.times), default=0)


def write_config(folder, channels):
    receivers = [{'name': f'c{number}', 'webhook': {'url': channel.url}} for number, channel in enumerate(channels)]
    routes = [{'receiver': receiver['name'], 'continue': True} for receiver in receivers]
    path = os.path.join(folder, 'notify.yaml')
    with open(path, 'w') as file:
        json.dump({'receivers': receivers, 'route': {'receiver': 'c0', 'group_wait': '0s', 'routes': routes}}, file)
    return path


def finding(rng, ranks):
    rank = rng.randrange(ranks)
    return {'timestamp': time.time_ns(), 'node_rank': rank // 8, 'rank': rank, 'stream': 'event', 'event': 'detector_finding',
            'rule': rng.choice(RULES), 'severity': 'CRITICAL', 'active': 1, 'value': 1, 'threshold': 0, 'msg': 'a finding of the storm',
            'step': 1}


def send(server, job, records):
    body = '\n'.join(map(json.dumps, records)).encode()
    request = urllib.request.Request(f'http://{server.http}/api/v1/ingest/jsonline?job_id={job}', body, method='POST')
    urllib.request.urlopen(request).read()


def storm(server, args):
    """When each job's first finding was acknowledged."""
    rng, began, acknowledged = random.Random(1), time.monotonic(), {}
    for second in range(args.seconds):
        for number in range(args.jobs):
            job = f'j-{number}'
            send(server, job, [finding(rng, args.ranks) for _ in range(args.findings // args.seconds // args.jobs + 1)])
            acknowledged.setdefault(job, time.monotonic())
        time.sleep(max(0, began + second + 1 - time.monotonic()))
    return acknowledged


def resident_mib(server):
    with open(f'/proc/{server.process.pid}/status') as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith('VmHWM'))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (('--findings', 100000), ('--jobs', 50), ('--ranks', 1024), ('--seconds', 60)):
        parser.add_argument(name, type=int, default=value)
    args = parser.parse_args()
    folder, channels = tempfile.mkdtemp(prefix='rankscope-bench-'), [Channel(), Channel()]
    os.environ['no_proxy'] = '127.0.0.1'
    server = DetectingServer(folder + '/server', '--notify', write_config(folder, channels))
    try:
        began = time.monotonic()
        acknowledged = storm(server, args)
        took = time.monotonic() - began
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and any(len(channel.first) < args.jobs for channel in channels):
            time.sleep(0.1)
        print(f'{args.findings} findings over {args.jobs} jobs in {took:.0f} s; the server took {server.cpu_s():.1f} s of CPU, '
              f'at most {resident_mib(server)} MiB')
        for number, channel in enumerate(channels):
            late = sorted(channel.first[job] - acknowledged[job] for job in acknowledged if job in channel.first)
            print(f'channel {number}: {len(channel.times)} messages, at most {channel.most_in_a_minute()} in a minute, '
                  f'{channel.bytes / 1e6:.1f} MB; {len(late)} of {args.jobs} jobs told, the first word after '
                  f'{statistics.median(late):.1f} s (median), {late[-1]:.1f} s (last)')
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
