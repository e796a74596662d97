"""The server is SIGKILLed RANKSCOPE_KILLS (20) times while requests write, read and delete, and it seals and merges all
the time: what was acknowledged is there, once; what was deleted is not; queries say the same before and after."""
import glob
import http.client
import json
import os
import random
import signal
import threading
import time
import unittest

from faults import KILLS, LoggingServer, PlaceCase

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))
WRITERS = 3
GONE = (OSError, http.client.HTTPException, ValueError)  # what a request meets whose server dies


class Requests(threading.Thread):
    """Asks one request after the other until the server is gone."""

    def __init__(self):
        super().__init__()
        self.failure = None

    def run(self):
        try:
            while True:
                self.one()
        except GONE:
            pass
        except AssertionError as error:
            self.failure = error


class Writer(Requests):
    """Records numbered from 1: with a producer their requests can be repeated, without one they are stored each time."""

    def __init__(self, server, job, name, chance, producer):
        super().__init__()
        self.server, self.job, self.name, self.chance, self.producer = server, job, name, chance, producer
        self.acknowledged, self.pending = 0, 0  # numbers of records; pending: of the request under way

    def send(self):
        first = self.acknowledged + 1
        records = [{"rank": i % 8, "writer": self.name, "i": i, "loss": i / 7,
                    "msg": f"writer {self.name} says line {i} of many, etag {i * 2654435761 % 2 ** 64:016x}"}
                   for i in range(first, first + self.pending)]
        once = {"producer": self.name, "seq": first} if self.producer else {}
        self.server.ingest(self.job, records, **once)
        self.acknowledged, self.pending = first + self.pending - 1, 0

    def one(self):
        self.pending = self.chance.randrange(1, 3000)
        self.send()

    def check(self, row):
        """Of the job's records with this writer's name, after the server came back."""
        top = row.get("top", 0)
        assert (row["n"], row["total"]) == (top, top * (top + 1) // 2), f"lost or doubled of {self.acknowledged}: {row}"
        assert top in (self.acknowledged, self.acknowledged + self.pending), (self.acknowledged, self.pending, row)
        if self.producer:
            if self.pending:
                self.send()  # a duplicate, or not
        else:
            self.acknowledged, self.pending = top, 0


class Reader(Requests):
    """What was acknowledged before a query is in its answer."""

    def __init__(self, server, job, writers):
        super().__init__()
        self.server, self.job, self.writers = server, job, writers

    def one(self):
        least = sum(writer.acknowledged for writer in self.writers)
        (row,) = self.server.rows(f"job:{self.job} writer:* | stats count() as n")
        assert row["n"] >= least, (row, least)


class Deleter(Requests):
    def __init__(self, server, job):
        super().__init__()
        self.server, self.job, self.done = server, job, False

    def one(self):
        if self.done:
            raise OSError
        status, answer = self.server.ask("DELETE", f"/api/v1/jobs/{self.job}", force="true")
        assert status in (200, 404), answer
        self.done = True


class EngineKillsTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        # Ever so often a memtable is full, and eight segments make one.
        self.server = self.serve("--memtable-bytes", "200000", kind=LoggingServer)

    def segments(self):
        return set(glob.glob(self.server.data + "/**/*.segment", recursive=True))

    def kill(self):
        self.server.stop(signal.SIGKILL)
        before = self.segments()
        self.server.start()
        return len(before - self.segments())  # which no manifest names: it was sealing or merging

    def tallies(self, job):
        """Of each writer of the job: how many records, the highest number, the sum of the numbers."""
        rows = self.server.rows(f"job:{job} writer:* | stats count() as n, max(i) as top, sum(i) as total by (writer)")
        return {row["writer"]: row for row in rows}

    def answers(self):
        queries = ("* | stats count() as n by (job_id, rank)", "line | stats sum(i) as s by (job_id, writer)",
                   "i:[100,140] | sort job_id, writer, i", "etag rank:3 | sort i desc, job_id, writer | limit 50",
                   '~"line [0-9]*77 of" | stats count() as n, min(loss) by (job_id)')
        found = [self.server.rows(query) for query in queries]
        patterns = self.server.ask("GET", "/api/v1/patterns")[1]
        jobs = {row["job_id"] for row in self.server.ask("GET", "/api/v1/jobs")[1]}
        return json.dumps([found, patterns, sorted(jobs)])

    def round(self, number):
        job = f"k{number}"
        writers = [Writer(self.server, job, f"w{i}", random.Random(f"{SEED} {number} {i}"), producer=i > 0)
                   for i in range(WRITERS)]
        deleter = Deleter(self.server, f"k{number - 3}")
        threads = [*writers, Reader(self.server, job, writers)]
        for thread in threads:
            thread.start()
        time.sleep(self.random.random() * 1.2)
        deleter.start()
        time.sleep(self.random.random() * 0.1)
        caught = self.kill()
        for thread in (*threads, deleter):
            thread.join()
            if thread.failure:
                raise thread.failure
        tallies = self.tallies(job)
        for writer in writers:
            writer.check(tallies.get(writer.name, {"n": 0, "total": 0}))
        if deleter.done:
            self.assertEqual(self.tallies(deleter.job), {}, "deleted before the crash")
        else:
            deleter.one()
        self.assertEqual(self.tallies(deleter.job), {})
        return caught, writers

    def test_acknowledged_records_survive_once(self):
        caught, kept = 0, {}
        for number in range(KILLS):
            left_over, kept[number] = self.round(number)
            caught += left_over > 0
        for number in range(max(0, KILLS - 3), KILLS):
            tallies = self.tallies(f"k{number}")
            for writer in kept[number]:
                self.assertEqual(tallies.get(writer.name, {"n": 0})["n"], writer.acknowledged)
        whole = self.answers()
        self.kill()
        self.assertEqual(self.answers(), whole)
        self.server.stop()
        for action in ("compact", "verify"):
            done = self.place.cli("store", action, self.server.data)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.server.start()
        self.assertEqual(self.answers(), whole)
        self.assertEqual(self.server.stderr().count("damage"), 0, self.server.stderr())
        records = sum(writer.acknowledged for writers in kept.values() for writer in writers)
        print(f"{KILLS} kills, {caught} of them while sealing or merging, {records} records acknowledged", flush=True)


if __name__ == "__main__":
    unittest.main()
