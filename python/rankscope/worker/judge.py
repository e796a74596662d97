"""Detectors over one job's records: an instance a rank, or one for the job."""

import bisect
import sys

from rankscope import _events
from rankscope._history import History
from rankscope._watch import Watch
from rankscope.worker.instance import instance

_ORIGIN = ("attempt", "node_rank", "rank", "local_rank", "host")
_NO_FIELDS = {"project", "stream", "seq", "level", "msg"}
_ALIKE = {"job_id", "host"}  # texts that are the same in many records, which share one
_LATE = 2  # steps that a rank may lag behind before the others' are judged without it
_MOST = 100_000  # records that a detector of scope "job" is shown


class JobJudge:
    """Takes rows (a record's JSON, as a dict), those of one rank in the order of their times, and returns events.

    A row that came before, after a reconnection, or is older than `since` changes nothing. Attempts of a job are judged
    apart.
    """

    def __init__(self, detectors, since=""):
        self._since = since
        self._of_rank = [detector for detector in detectors if detector.scope == "rank"]
        self._of_job = [detector for detector in detectors if detector.scope == "job"]
        self._ranks = {}  # (attempt, rank) -> _Rank
        self._jobs = {}  # attempt -> _Job
        self._newest = {}  # (attempt, rank, stream) -> (timestamp, seq) of the last row

    def take(self, row):
        """The events that follow from the row."""
        who = (row.get("attempt", 0), row.get("rank"))
        source, place = (*who, row.get("stream")), (row["timestamp"], row.get("seq", 0))
        if "step" not in row or place <= self._newest.get(source, (self._since, -1)):
            return []
        self._newest[source] = place
        if who not in self._ranks:
            self._meet(*who)
        rank = self._ranks[who]
        return self._judge(who, rank, rank.add(row))

    def close(self):
        """The job is over: its last steps are complete."""
        events = []
        for who, rank in self._ranks.items():
            events += self._judge(who, rank, rank.close())
        for job in self._jobs.values():
            events += job.close()
        return events

    def _meet(self, attempt, rank):
        self._ranks[attempt, rank] = _Rank(self._of_rank)
        if self._of_job:
            self._jobs.setdefault(attempt, _Job(self._of_job)).meet(rank)

    def _judge(self, who, rank, touched):
        if not touched:
            return []
        events = rank.judge(touched)
        attempt, number = who
        return events + self._jobs[attempt].judge(number, touched) if self._of_job else events


class _Rank:
    def __init__(self, detectors):
        self._history = History()
        self._panel = _Panel(detectors)
        self._measures = False  # by hooks or the SDK, and does not only print

    def add(self, row):
        """The records that are complete now, or have got values late."""
        step = row["step"]
        known = {}
        if row["stream"] == "metric":
            self._measures = True
        elif self._measures:  # what is measured counts more than what is printed
            known = self._history.at(step)
        fields = {sys.intern(name): sys.intern(value) if name in _ALIKE else value for name, value in row.items()
                  if name not in _NO_FIELDS and name not in known}
        return self._history.take_touched() if self._history.add(fields, step) else []

    def close(self):
        return self._history.take_touched() if self._history.complete() else []

    def judge(self, touched):
        return self._panel.judge(list(self._history.records), touched, _ORIGIN)


class _Job:
    """Records of all ranks, in the order of steps and ranks. Asked when every rank is past a step."""

    def __init__(self, detectors):
        self._panel = _Panel(detectors)
        self._records, self._places = [], []
        self._complete = {}  # rank -> its last complete step
        self._front = -1  # what was judged last
        self._touched = []

    def meet(self, rank):
        self._complete[rank] = -1

    def judge(self, rank, touched):
        for record in touched:
            self._put(rank, record)
        steps = self._complete.values()
        front = max(min(steps), max(steps) - _LATE)
        return self._ask(front) if front > self._front else []

    def close(self):
        return self._ask(max(self._complete.values())) if self._touched else []

    def _put(self, rank, record):
        place = (record["step"], -1 if rank is None else rank)
        at = bisect.bisect_left(self._places, place)
        if at < len(self._places) and self._places[at] == place:
            if self._records[at] is not record:  # its history has begun anew there
                self._go_back(record["step"])
                at = bisect.bisect_left(self._places, place)
            self._records[at] = record
        else:
            self._places.insert(at, place)
            self._records.insert(at, record)
        self._complete[rank] = max(record["step"], self._complete[rank])
        self._touched.append(record)
        excess = len(self._records) - min(_MOST, 1000 * len(self._complete))
        if excess > 0:
            del self._records[:excess], self._places[:excess]

    def _go_back(self, step):
        """A rank has gone back to this step: what was judged after it is no more, and the others will follow."""
        if step >= self._front - _LATE:
            return
        end = bisect.bisect_left(self._places, (step + 1, -1))
        del self._records[end:], self._places[end:]
        self._complete = {rank: min(last, step) for rank, last in self._complete.items()}
        self._touched = [record for record in self._touched if record["step"] <= step]
        self._front = step - 1

    def _ask(self, front):
        self._front = front
        shown = self._records[: bisect.bisect_left(self._places, (front + 1, -1))]
        due = [record for record in self._touched if record["step"] <= front]
        self._touched = [record for record in self._touched if record["step"] > front]
        return self._panel.judge(shown, due, ("attempt",))


class _Panel:
    """An instance of each detector of its own."""

    def __init__(self, detectors):
        copies = [instance(detector) for detector in detectors]
        self._watches = [(type(detector).__name__, Watch(rule)) for detector in copies for rule in detector.rules
                         if rule.condition is not None]

    def judge(self, records, touched, origin):
        events = []
        for name, watch in self._watches:
            turn = watch.judge(records, touched)
            if turn:
                # A mistake in the file is no rank's.
                place = ("attempt", "step", "timestamp") if turn.error else (*origin, "step", "timestamp")
                known = {field: turn.record[field] for field in place if field in turn.record}
                events.append({**_events.of_turn(name, watch.rule, turn), **known})
        return events
