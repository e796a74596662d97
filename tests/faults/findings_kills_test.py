"""The server is SIGKILLED, RANKSCOPE_KILLS (20) times, while records come in which its rules find something: no finding is
lost, none doubled, and they are those of `rankscope detect` over what is stored."""
import collections
import json
import os
import random
import signal
import time
import unittest
import urllib.error

from faults import KILLS, LoggingServer, PlaceCase, wait_until

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))
RANKS, STEPS_A_KILL, CHUNK = 4, 60, 10  # a chunk: so many steps
RULES = """groups:
- name: known
  rules:
  - {alert: High, metric: loss, when: value > 5, for: 3steps, per: rank}
  - {alert: Above, metric: loss, when: 'value > 1.5 * baseline(50steps)', for: 2steps}
  - alert: Both
    join: {all_of: [{rule: High}], any_of: [{match: 'NCCL WARN'}], within: 10m}
    labels: {severity: critical}
"""


def time_of(step, rank):
    return 1793491200000 + 20_000 * step + rank  # ms


def step_records(step):
    """Every 40 steps one rank's loss is high for 5 steps, with a complaint; every 70 one runs out of memory."""
    for rank in range(RANKS):
        record = {"timestamp": time_of(step, rank), "node_rank": 0, "rank": rank, "stream": "metric", "step": step}
        ill = step % 40 >= 30 and step % 40 < 35 and step // 40 % RANKS == rank
        yield {**record, "loss": 9.0 if ill else 2 + 0.001 * ((step * 7 + rank) % 11)}
        if ill and step % 40 == 34:
            yield {**record, "stream": "stderr", "msg": "n0:1:2 [0] NCCL WARN NET/IB : Got completion with error 12"}
        if step % 70 == 60 and step // 70 % RANKS == rank:
            yield {**record, "stream": "stderr", "msg": f"torch.OutOfMemoryError: CUDA out of memory. At step {step}"}


def alone(finding):
    """The finding itself: `detect` knows of no incidents."""
    return {key: value for key, value in finding.items() if key not in ("incident_id", "state")}


class FindingsKillsTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.rules = self.place.write("known.yaml", RULES)
        # Small memtables: the store is then sometimes further than detection when the kill comes.
        self.server = self.serve("--rules", self.rules, "--memtable-bytes", "20000", kind=LoggingServer)
        self.kills = 0

    def kill(self):
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.kills += 1

    def send(self, records, first):
        body = "".join(json.dumps(record) + "\n" for record in records).encode()

        def sent():
            try:
                status, answer = self.server.ask("POST", "/api/v1/ingest/jsonline", body, job_id="j", producer="p", seq=first)
            except (urllib.error.URLError, ConnectionError):
                return False
            return status == 200
        wait_until(sent, "a chunk to be taken")

    def feed(self, steps):
        """Sends all steps in chunks; kills where its die says so."""
        seq = 1
        for first in range(1, steps + 1, CHUNK):
            records = [record for step in range(first, first + CHUNK) for record in step_records(step)]
            self.send(records, seq)
            seq += len(records)
            if self.random.random() < CHUNK / STEPS_A_KILL and self.kills < KILLS:
                time.sleep(self.random.random() * 0.15)
                self.kill()

    def detected(self):
        done = self.place.cli("detect", "-o", "json", "--job_id", "j", "--server", self.server.http, "--rules", self.rules)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {finding["id"]: alone(finding) for finding in map(json.loads, done.stdout.splitlines())}

    def test_none_is_lost_or_doubled(self):
        self.feed(KILLS * STEPS_A_KILL)
        self.assertGreaterEqual(self.kills, KILLS // 2)
        expected = self.detected()
        rules = collections.Counter(finding["rule"] for finding in expected.values())
        for rule in ("High", "Above", "Both", "CudaOutOfMemory"):
            self.assertGreaterEqual(rules[rule], KILLS // 2, rules)

        def live():
            return {finding["id"]: alone(finding) for finding in self.server.ask("GET", "/api/v1/findings", job_id="j")[1]}

        def events():
            return collections.Counter((row["finding_id"], row["active"]) for row in self.server.rows("job:j event:finding"))
        told = collections.Counter({(id, active): 1 for id, finding in expected.items()
                                    for active in ((1,) if finding["active"] else (1, 0))})
        try:
            wait_until(lambda: live() == expected and events() == told, "the findings that detect finds")
        finally:
            found = live()
            print(f"{self.kills} kills; {len(expected)} findings: {dict(rules)}; lost {len(expected.keys() - found.keys())}, "
                  f"of others {len(found.keys() - expected.keys())}, otherwise told "
                  f"{sum(found[id] != expected[id] for id in found.keys() & expected.keys())}; events lost "
                  f"{(told - events()).total()}, too many {(events() - told).total()}", flush=True)


if __name__ == "__main__":
    unittest.main()
