"""The last steps of one rank, a record a step, as the conditions of detectors see them."""

import bisect
import math

_BEFORE_STEPS = -math.inf  # where records stand that were logged before any step was known


class MissingField(KeyError):
    """A condition has asked a record for a field that it lacks: `name`."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class Record(dict):
    """The fields of one step."""

    def __missing__(self, name):
        raise MissingField(name)


class History:
    """Complete records in the order of steps, the last `limit` of them, and the open one of the current step.

    Values of one step are one record, whatever calls they came with; a later value of a field replaces the earlier one.
    A step is complete when another begins. Values of an earlier step join its record; where they change a field that it
    has, the run has gone back (to a checkpoint): the step begins anew and what came after it is forgotten. Before any step
    is known each call is a record of its own, without `step`. Not for several threads.
    """

    def __init__(self, limit=1000):
        self.records = []
        self.step = None  # the current one
        self._limit = limit
        self._steps = []  # of the records
        self._open = None
        self._touched = []

    def add(self, fields, step=None):
        """Returns whether a step is complete now that was not, or has got values late."""
        step = self.step if step is None else step
        if step is None:
            self._put(Record(fields))
            return True
        if self.step is not None and step < self.step and not self._goes_back(fields, step):
            self._put(Record(fields, step=step))
            return True
        completed = self.begin(step)
        if self._open is None:
            self._open = Record(fields, step=step)
        else:
            self._open.update(fields, step=step)
        return completed

    def begin(self, step):
        """The current step is this one. Returns as add()."""
        if step == self.step:
            return False
        completed = self.complete()
        self.step = step
        return completed

    def complete(self):
        """No more comes for the current step. Returns as add()."""
        if self._open is None:
            return False
        record, self._open = self._open, None
        self._put(record)
        return True

    def at(self, step):
        """The record of the step, complete or open; an empty one where there is none."""
        if step == self.step and self._open is not None:
            return self._open
        at = bisect.bisect_left(self._steps, step)
        return self.records[at] if at < len(self._steps) and self._steps[at] == step else {}

    def take_touched(self):
        """The records that were completed or have got values since the last call, oldest first."""
        touched, self._touched = self._touched, []
        return touched

    def _goes_back(self, fields, step):
        return _changes(self.at(step), fields)

    def _put(self, record):
        step = record.get("step", _BEFORE_STEPS)
        at = len(self._steps) if step == _BEFORE_STEPS else bisect.bisect_left(self._steps, step)
        if at < len(self._steps) and self._steps[at] == step:
            if not _changes(self.records[at], record):
                self.records[at].update(record)
                self._touched.append(self.records[at])
                return
            del self.records[at:], self._steps[at:]
        elif at == 0 and len(self._steps) == self._limit:
            return  # older than what is kept
        self.records.insert(at, record)
        self._steps.insert(at, step)
        self._touched.append(record)
        if len(self._steps) > self._limit:
            del self.records[0], self._steps[0]


def _changes(record, fields):
    return any(name in record and name != "timestamp" and not _same(record[name], value) for name, value in fields.items())


def _same(one, other):
    return one == other or (one != one and other != other)  # NaN is what it was
