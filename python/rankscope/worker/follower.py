"""One job, from its first record to its end."""

import collections
import http.client
import json
import queue
import threading
import time

from rankscope import _events, _http
from rankscope.worker.judge import JobJudge
from rankscope.worker.sender import Again, Sender

# What conditions are about: what hooks and the SDK measured, and printed lines that have metrics.
_RECORDS = "stream:metric OR (stream:stdout,stderr step:*)"
_HEARTBEAT_S = 5  # of a tail
_LOOK_S = 1  # how often the job's state is asked for when nothing comes
_QUIET_S = 2  # without a record, after which an ended job is taken for complete
_PAUSE_S = 1  # before a broken stream is opened again


class Follower:
    """follow() returns when the job has ended and everything is said. Raises _http.Refused: the server says no.

    name: of the worker, under which the server keeps what it said. from_start: else from its first start on this job.
    tell(event): is called with each event that is new, once it is stored. warn(text): what interrupts it.
    """

    def __init__(self, server, job, detectors, name, from_start, tell, warn):
        self._server, self._job, self._detectors = server, job, detectors
        self._from_start, self._tell, self._warn = from_start, tell, warn
        self._sender = Sender(server, job, name)

    def follow(self):
        while True:
            try:
                if self._read():
                    return
            except (Again, _http.Unreachable, _http.Incomplete, OSError, http.client.HTTPException) as error:
                self._warn(f"job {self._job}: {error}; reading it again")
                time.sleep(_PAUSE_S)

    def _read(self):
        """Once through the job. Whether it had ended before; else it has since, or is to be read again."""
        with _Tail(self._server, self._job) as tail:  # before the query: what comes from now on is in one or the other
            before = state(self._server, self._job)
            if before is None:  # deleted: a word of ours would make it anew
                return True
            self._sender.load()
            self._register()
            judge = JobJudge(self._detectors, "" if self._from_start else self._sender.began)
            self._catch_up(judge)
            if before == "running":
                self._go_on(judge, tail)
                return False
            self._linger(judge, tail)
            self._send(judge.close())
            return True

    def _register(self):
        self._send(_events.of_rule(type(detector).__name__, rule) for detector in self._detectors for rule in detector.rules)
        if self._sender.began is None:
            self._sender.load()

    def _catch_up(self, judge):
        start = None if self._from_start else self._sender.began
        with _http.request(self._server, "/api/v1/query", query=_RECORDS, job_id=self._job, start=start) as rows:
            for row in map(json.loads, rows):
                _http.check(row)
                self._send(judge.take(_http.values(row)))

    def _go_on(self, judge, tail):
        """Until the job has ended."""
        looked = time.monotonic()
        while True:
            self._send(event for row in tail.take() for event in judge.take(row))
            if tail.idle() and time.monotonic() - looked > _LOOK_S:
                if state(self._server, self._job) != "running":
                    return
                looked = time.monotonic()

    def _linger(self, judge, tail):
        """A job's end may be stored a moment before its ranks' last records."""
        heard = time.monotonic()
        while time.monotonic() - heard < _QUIET_S:
            rows = tail.take()
            if rows:
                heard = time.monotonic()
            self._send(event for row in rows for event in judge.take(row))

    def _send(self, events):
        for event in self._sender.send(events):
            self._tell(self._job, event)


def state(server, job):
    """running, finished, failed or lost; None: there is no such job (yet)."""
    try:
        with _http.request(server, f"/api/v1/jobs/{_http.quote(job)}", timeout=60) as answer:
            return json.load(answer)["state"]
    except _http.Refused as refused:
        if refused.status == 404:
            return None
        raise


class _Tail:
    """The live stream of the job's records. A thread takes them off the connection, so that the server loses none for us
    while old ones are read."""

    def __init__(self, server, job):
        self._answer = _http.request(server, "/api/v1/tail", accept="text/event-stream", timeout=6 * _HEARTBEAT_S,
                                     query=_RECORDS, job_id=job)
        self._lines = queue.SimpleQueue()
        self._broken = None
        self._left = False
        threading.Thread(target=self._pull, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._left = True  # the thread sees it at the next heartbeat

    def take(self):
        """The rows that are there; waits a moment where there are none. Raises Again when the stream has broken off."""
        lines = collections.deque()
        while not self._lines.empty():
            lines.append(self._lines.get())
        if not lines and self._broken is None:
            try:
                lines.append(self._lines.get(timeout=_LOOK_S))
            except queue.Empty:
                return []
        if not lines and self._broken is not None:
            raise Again(self._broken)
        return [row for row in map(self._row, lines) if row is not None]

    def idle(self):
        return self._lines.empty()

    def _pull(self):
        broken = "the server ended the stream"
        try:
            with self._answer:
                for line in self._answer:
                    if self._left:
                        return
                    if line.startswith(b"data: "):
                        self._lines.put(line[6:])
        except Exception as error:
            broken = str(error) or type(error).__name__
        self._broken = broken

    def _row(self, line):
        row = json.loads(line)
        if "job_id" not in row:  # the tail's own word: records were dropped
            raise Again(row.get("msg", "the stream is incomplete"))
        return _http.values(row)
