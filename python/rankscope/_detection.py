"""The detectors of this process: fed by what it logs, heard by way of its ring."""

import collections
import operator
import os
import threading

from rankscope import _events, _metric_names, _recorder
from rankscope._history import History
from rankscope._watch import Watch

_HOLDING = ("pause_job", "stop_job")
_MOST_WAITING = 256  # events that found no room in the ring


class Detection:
    """One history and the watches over it. For any thread; a condition that logs is not asked again from within.

    Nothing is raised but by register(). Events that find no ring, or a full one, wait and go out with a later step, in
    order; the oldest goes when there are too many.
    """

    def __init__(self):
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._judging = False
        self._history = History()
        self._watches = {}  # rule name -> (detector name, Watch)
        self._waiting = collections.deque(maxlen=_MOST_WAITING)

    def register(self, detector):
        """From now on. A rule takes the place of an earlier one of its name."""
        name = type(detector).__name__
        if any(rule.action in _HOLDING for rule in detector.rules):  # whoever asks for that has agreed to it
            _recorder.allow_pause()
        with self._lock:
            for rule in detector.rules:
                self._retire(rule.name)
                self._say(_events.of_rule(name, rule), None)
                if rule.condition is not None:
                    self._watches[rule.name] = (name, Watch(rule))
            self._send()

    def log(self, metrics, step):
        self._take(lambda: self._history.add(_metric_names.add_canonical(metrics), step if step is None else operator.index(step)))

    def begin_step(self, step):
        self._take(lambda: self._history.begin(operator.index(step)))

    def end_step(self):
        self._take(self._history.complete)

    close = end_step

    def _take(self, change):
        """Makes a change of the history and, where it has completed a step, asks the conditions."""
        if os.getpid() != self._pid:  # a worker has inherited us
            return
        try:
            with self._lock:
                if change() and not self._judging:
                    self._judge()
        except Exception:  # never the training's problem
            pass

    def _judge(self):
        self._judging = True
        try:
            touched, records = self._history.take_touched(), list(self._history.records)
            for name, watch in list(self._watches.values()):
                turn = watch.judge(records, touched)
                if turn:
                    self._say(_events.of_turn(name, watch.rule, turn), turn.record.get("step"))
            self._send()
        finally:
            self._judging = False

    def _retire(self, rule):
        """An episode that is open ends with its rule."""
        name, watch = self._watches.pop(rule, (None, None))
        if watch is not None and watch.active:
            self._say(_events.finding(rule, name, watch.rule.severity, False, f"{rule} is replaced"), None)

    def _say(self, event, step):
        self._waiting.append((event, step))

    def _send(self):
        while self._waiting and _recorder.record("event", *self._waiting[0]):
            self._waiting.popleft()


_detection = None


def register(detector):
    """Makes the process's one Detection with the first detector: without any, log() costs what it did."""
    global _detection
    if _detection is None or _detection._pid != os.getpid():
        _detection = Detection()
        _recorder.listen(_detection)
    _detection.register(detector)
