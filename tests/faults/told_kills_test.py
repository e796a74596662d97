"""kill -9 of the server between any two of its states, RANKSCOPE_KILLS (20) times, while a job runs, has an incident and
ends: each state is told in one message, whose bytes never change; who was told that something fires is told of its end;
that the job failed is told on each channel.

Each round tells one story to a server of its own, which is killed before the N-th of the calls by which it changes a
file or sends bytes, N by seed, and started again, until the story is through."""
import json
import os
import random
import signal
import sys
import time
import unittest
import urllib.error

from faults import KILLS, LoggingServer, PlaceCase, wait_until
from channel_servers import HttpChannel

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))
MOST_CALLS = 200  # a whole story takes more


class MortalServer(LoggingServer):
    """A server that dies at the call of the test's choice, and is there again for the next question."""

    def __init__(self, test, options, data):
        self.test = test
        super().__init__(test.place, options=options, data=data)

    def start(self):
        while True:
            self.place.env.update(LD_PRELOAD=os.environ["KILL_POINTS"], RANKSCOPE_KILL_AT=str(self.test.next_kill()))
            try:
                return super().start()
            except AssertionError:
                self.bury()

    def bury(self):
        code = self.process.wait()
        self.process.stdout.close()
        self.test.assertEqual(code, -signal.SIGKILL, self.stderr())
        self.test.kills += 1

    def revive(self):
        if self.process.poll() is not None:
            self.bury()
            self.start()

    def ask(self, *arguments, **parameters):
        while True:
            try:
                return super().ask(*arguments, **parameters)
            except (urllib.error.URLError, OSError, json.JSONDecodeError):
                wait_until(lambda: self.process.poll() is not None, "the server that does not answer to be dead")
                self.revive()


def told(channel):
    """(incident, version, kind) in the order in which they first came, each with the ids of its messages."""
    states = {}
    for message in list(channel.received):
        for alert in message.json()["alerts"]:
            details = alert["rankscope"]
            states.setdefault((details["incident"], details["version"], details["kind"]), set()).add(message.delivery())
    return states


class ToldKillsTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.random, self.kills = random.Random(SEED), 0
        self.place.env["no_proxy"] = "127.0.0.1"
        self.channels = [HttpChannel(), HttpChannel()]
        for channel in self.channels:
            self.addCleanup(channel.stop)
        receivers = [{"name": f"c{number}", "webhook": {"url": f"http://{channel.address}"}}
                     for number, channel in enumerate(self.channels)]
        route = {"receiver": "c0", "group_wait": "0s", "group_interval": "0s", "routes": [{"continue": True}, {"receiver": "c1"}]}
        self.file = self.place.write("notify.yaml", json.dumps({"receivers": receivers, "route": route}))

    def next_kill(self):
        return self.random.randint(1, MOST_CALLS) if self.kills < KILLS else 0

    def await_told(self, server, kind):
        def all_told():
            server.revive()
            return all(any(state[2] == kind for state in told(channel)) for channel in self.channels)
        wait_until(all_told, f"{kind} to be told, told is {[list(told(channel)) for channel in self.channels]}, "
                   f"the server says {server.stderr()[-1000:]}")

    def send(self, server, seq, **fields):
        event = {"timestamp": time.time_ns(), "stream": "event", "node_rank": 0, **fields}
        status, answer = server.ask("POST", "/api/v1/ingest/jsonline", json.dumps(event).encode(), job_id="j", producer="p", seq=seq)
        self.assertEqual(status, 200, answer)

    def tell_story(self, server):
        finding = {"event": "detector_finding", "rule": "explode", "severity": "CRITICAL", "value": 5000, "threshold": 1000, "rank": 0}
        story = [({"event": "job_start", "run": "r", "member": "node 0", "world_size": 1}, "started"),
                 ({**finding, "active": 1, "msg": "loss explodes", "step": 7}, "firing"),
                 ({**finding, "active": 0, "msg": "loss is well again", "step": 9}, "resolved"),
                 ({"event": "rank_exit", "rank": 0, "signal": "SIGKILL"}, None),
                 ({"event": "node_end", "run": "r", "exit_code": 1}, "failed")]
        patient = self.random.random() < 0.5
        for number, (fields, kind) in enumerate(story):
            self.send(server, number + 1, **fields)
            if kind and (patient or kind == "failed"):
                self.await_told(server, kind)
        return patient

    def await_quiet(self, server):
        """Everything that is owed has arrived: no incident is open, and no message waits."""
        def quiet():
            server.revive()
            _, rows = server.ask("GET", "/api/v1/notifications")
            return not any(row["state"] == "pending" for row in rows) and all(self.open_ones(c) == [] for c in self.channels)
        wait_until(quiet, f"all to be told to its end, told is {[list(told(c)) for c in self.channels]}")

    @staticmethod
    def open_ones(channel):
        last = {}
        for incident, version, kind in told(channel):
            last[incident] = max(last.get(incident, (0, "")), (version, kind))
        return [incident for incident, (_, kind) in last.items() if kind in ("firing", "acknowledged", "stalled")]

    def check(self, patient, where):
        for channel in self.channels:
            bodies = {}
            for message in channel.received:
                self.assertEqual(bodies.setdefault(message.delivery(), message.body), message.body, where)
            states = told(channel)
            self.assertEqual({state: len(ids) for state, ids in states.items() if len(ids) != 1}, {}, where)
            self.assertEqual(len({state[:2] for state in states}), len(states), f"{where}: one version, two contents: {states}")
            for incident in {state[0] for state in states}:
                versions = [version for which, version, _ in states if which == incident]
                self.assertEqual(versions, sorted(versions), where)
            self.assertEqual(self.open_ones(channel), [], where)
            kinds = [kind for _, _, kind in states]
            self.assertIn(kinds.count("failed"), (1, 2), where)  # the verdict may follow
            if patient:
                self.assertEqual((kinds.count("started"), "firing" in kinds, kinds.count("resolved")), (1, True, 1), where)

    def test_kill_between_any_two_states(self):
        rounds = 0
        while self.kills < KILLS:
            rounds += 1
            for channel in self.channels:
                channel.received.clear()
            server = MortalServer(self, ("--detect", "on", "--notify", self.file), data=f"{self.place.path}/{rounds}")
            try:
                patient = self.tell_story(server)
                self.await_quiet(server)
            finally:
                server.process.kill()
                server.process.wait()
                server.process.stdout.close()
            self.check(patient, f"seed {SEED}, round {rounds}")
        print(f"seed {SEED}: {self.kills} kills in {rounds} rounds", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
