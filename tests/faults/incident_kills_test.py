"""The server is SIGKILLED, RANKSCOPE_KILLS (20) times, between any two states of its incidents, while records come and people
speak: its incidents, and their events, are those of a server that nobody kills."""
import collections
import json
import os
import random
import signal
import time
import unittest
import urllib.error

from faults import KILLS, Case, LoggingServer, wait_until
from findings_kills_test import CHUNK, RULES, step_records

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))
CHUNKS = 2 * KILLS
# A finding of its own for each mark: once it is there, what was sent before it is judged.
MARK = "  - {alert: Mark, match: MARK, per: rank, labels: {severity: info}}\n"
CLOCKED = {"changed", "at", "acknowledged", "cost", "ended"}  # what the clock of the server has a part in


def plain(value):
    """Without what no two servers have in common."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key not in CLOCKED}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


class Side:
    """One server, and the same story for both."""

    def __init__(self, test, name):
        self.place = test.new_place()
        rules = self.place.write("known.yaml", RULES + MARK)
        self.server = test.serve("--rules", rules, "--memtable-bytes", "20000", place=self.place, kind=LoggingServer)
        self.name, self.marks = name, 0

    def ask(self, *arguments, **parameters):
        """None: there is no answer, since it was killed."""
        try:
            return self.server.ask(*arguments, **parameters)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def send(self, records, first, job="j"):
        body = "".join(json.dumps(record) + "\n" for record in records).encode()

        def sent():
            answer = self.ask("POST", "/api/v1/ingest/jsonline", body, job_id=job, producer=job, seq=first)
            return answer is not None and answer[0] == 200
        wait_until(sent, f"a chunk to be taken by {self.name}")

    def await_judged(self):
        self.marks += 1
        mark = {"timestamp": 1793491200000 + self.marks, "rank": self.marks, "stream": "stdout", "msg": "MARK"}
        self.send([mark], self.marks, job="marks")

        def judged():
            answer = self.ask("GET", "/api/v1/findings", job_id="marks")
            return answer is not None and any(row["rank"] == self.marks for row in answer[1])
        wait_until(judged, f"{self.name} to judge what it has")

    def incidents(self):
        answer = self.ask("GET", "/api/v1/incidents", job_id="j")
        return None if answer is None else {row["id"]: plain(row) for row in answer[1]}

    def versions(self):
        rows = self.server.rows("job:j event:incident")
        return collections.Counter((row["incident_id"], row["version"], row["change"], row["state"], row.get("ranks"))
                                   for row in rows)

    def say(self, id, word):
        return self.ask("POST", f"/api/v1/incidents/{id}/{word}", json.dumps({"by": "ann", "note": "so"}).encode())


class IncidentKillsTest(Case):
    def setUp(self):
        self.random = random.Random(SEED)
        self.killed, self.whole = Side(self, "the killed one"), Side(self, "the whole one")
        self.kills = 0

    def kill_soon(self):
        time.sleep(self.random.random() * 0.15)
        self.killed.server.stop(signal.SIGKILL)
        self.killed.server.start()
        self.kills += 1

    def compare(self):
        for side in (self.whole, self.killed):
            side.await_judged()
        self.assertEqual(self.killed.incidents(), self.whole.incidents())

    def speak(self):
        """The same word to both; the killed one may be killed just when it has heard it."""
        incidents = self.whole.incidents()
        if not incidents:
            return
        id = self.random.choice(sorted(incidents))
        word = self.random.choice(["ack", "confirm", "dismiss", "resolve"])
        status = self.whole.say(id, word)[0]
        self.assertEqual(self.killed.say(id, word)[0], status)
        if self.random.random() < 0.5 and self.kills < KILLS:
            self.kill_soon()

    def test_incidents_are_those_of_a_server_that_nobody_kills(self):
        seq = 1
        for chunk in range(CHUNKS):
            records = [record for step in range(chunk * CHUNK + 1, (chunk + 1) * CHUNK + 1) for record in step_records(step)]
            self.whole.send(records, seq)
            self.killed.send(records, seq)
            seq += len(records)
            if self.kills < KILLS and self.random.random() < 0.7:
                self.kill_soon()
            if self.random.random() < 0.4:
                self.compare()
                self.speak()
        self.compare()
        self.assertGreaterEqual(self.kills, KILLS // 2)
        told = self.whole.versions
        wait_until(lambda: self.killed.versions() == told(), "the same events")
        versions = self.killed.versions()
        self.assertEqual(set(versions.values()), {1}, "each version once")
        for id, incident in self.killed.incidents().items():
            self.assertEqual(sorted(version for one, version, *_ in versions if one == id),
                             list(range(1, incident["version"] + 1)), "none is left out")
        changes = collections.Counter(change for _, _, change, *_ in versions)
        print(f"{self.kills} kills; {len(self.killed.incidents())} incidents, {dict(changes)}", flush=True)


if __name__ == "__main__":
    unittest.main()
