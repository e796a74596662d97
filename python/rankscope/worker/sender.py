"""What a worker says of one job, stored by the server exactly once."""

import collections
import json
import re
import time

from rankscope import _http

_RETRY_S = 0.5


class Again(Exception):
    """The server's state is another than was thought: the job must be read from its start again."""


class Sender:
    """Sends events that the server does not have yet.

    An event is the n-th of its kind (rule, rank, step, whether it begins or ends): a worker that reads the job once more
    comes upon the same ones, and those that are stored already are left out. A request whose answer is lost is repeated
    under the same numbers of a producer, which the server stores once.
    """

    def __init__(self, server, job, name):
        self._server, self._job, self._name = server, job, name
        self._stored = collections.Counter()  # what the server has, by _identity
        self._met = collections.Counter()  # what this reading has come upon
        self._rules = {}  # rule -> _identity of its last registration
        self._next = 1
        self.began = None  # the time of the worker's first word ever, as the server wrote it

    def load(self):
        """Asks the server what it has. Raises _http.Refused and _http.Unreachable."""
        for known in (self._stored, self._met, self._rules):
            known.clear()
        name = json.dumps(self._name, ensure_ascii=False)
        with _http.request(self._server, "/api/v1/query", query=f"stream:event worker:{name}", job_id=self._job) as rows:
            for row in map(json.loads, rows):
                _http.check(row)
                self._keep(row)
                self._next = max(self._next, row["seq"] + 1)

    def send(self, events):
        """The events among these that are new, once they are stored. Raises Again, _http.Refused."""
        new = [{**event, "stream": "event", "worker": self._name} for event in events if self._is_new(event)]
        for event in new:
            if event["event"] == "detector_rule":
                self._rules[event["rule"]] = _identity(event)
        if new:
            self._post(b"".join(json.dumps(event, default=str).encode() + b"\n" for event in new))
            self._next += len(new)
        return new

    def _keep(self, row):
        identity = _identity(row)
        self._stored[identity] += 1
        if row["event"] == "detector_rule":
            self._rules[row["rule"]] = identity
            self.began = min(self.began or row["timestamp"], row["timestamp"])

    def _is_new(self, event):
        identity = _identity(event)
        if event["event"] == "detector_rule":
            return self._rules.get(event["rule"]) != identity
        self._met[identity] += 1
        if event["event"] == "detector_error":  # of whichever rank
            return self._met[identity] == 1 and not self._stored[identity]
        return self._met[identity] > self._stored[identity]

    def _post(self, body):
        """Until the server has it. Again where it had a part before: of this request, whose answer was lost, or of another
        worker's."""
        while True:
            try:
                with _http.request(self._server, "/api/v1/ingest/jsonline", body, timeout=60, job_id=self._job,
                                   producer="detect-worker " + self._name, seq=self._next) as answer:
                    duplicates = json.load(answer).get("duplicates", 0)
            except (_http.Unreachable, OSError, ValueError):  # ValueError: the answer was cut off
                time.sleep(_RETRY_S)
            except _http.Refused as refused:
                if refused.status == 503:  # a full disk
                    time.sleep(_RETRY_S)
                else:
                    self._renumber(refused)
            else:
                if duplicates:
                    self._next = 2 * (self._next + duplicates)  # with this the server will say which is next
                    raise Again("some of what was to be said has been said already")
                return

    def _renumber(self, refused):
        """The server says which number is next: old words of ours are gone by its retention, or we asked for it. What it has
        is to be read anew first: a second worker may have spoken meanwhile."""
        known = re.search(r"seq: (\d+) is the producer's next", str(refused))
        if not known:
            raise refused
        self._next = int(known.group(1))
        raise Again("the numbers of what was said have changed")


def _identity(event):
    kind = event["event"]
    who = (kind, event["detector"], event["rule"])
    if kind == "detector_rule":
        return (*who, event.get("pattern"), event["severity"], event["action"], event.get("class"))
    if kind == "detector_error":
        return who
    return (*who, event.get("attempt", 0), event.get("rank"), event.get("step"), event["active"])
