"""Detectors in Python: conditions over the metrics of a rank, and patterns over its lines.

    from rankscope.monitor import AnomalyDetector, DetectionRule

    class LossDetector(AnomalyDetector):
        def __init__(self):
            super().__init__()
            self.add_rule(DetectionRule(name="oom", pattern=r"CUDA out of memory", severity="CRITICAL"))
            self.add_rule(DetectionRule(name="loss_explodes", condition=lambda logs: logs[-1]["loss"] > 1e3))

    rankscope.Monitor().register_monitor(LossDetector())     # or trainer.register_monitor, of a Hugging Face Trainer

The same file runs beside the server: `rankscope detect-worker FILE.py`. See docs/detectors.md.
"""

import re

from rankscope import hooks

__all__ = ["AnomalyDetector", "DetectionRule", "Monitor", "register_monitor"]

SEVERITIES = ("INFO", "WARNING", "CRITICAL")
# With what stands behind them, as in "set_level DEBUG"; "": nothing.
ACTIONS = {"notify_only": "", "mark": "", "pause_job": "", "stop_job": "", "dump_stacks": "", "webhook": r"\S+",
           "set_log_interval_steps": r"[1-9][0-9]{0,5}|1000000", "set_level": "DEBUG|INFO|WARNING|ERROR"}
SCOPES = ("rank", "job")


class DetectionRule:
    """What to look for: either a pattern or a condition.

    name: under which it is found; one of its name takes its place. pattern: an RE2 expression that the server searches in
    the lines of this job, rank by rank, from registration on; one that it cannot compile is refused with an event.
    condition: called as condition(logs) when a step is complete; true while something is wrong. logs: the last 1,000
    steps of this rank, oldest first, a dict each, with `step`, the names as logged and the canonical ones. A step that
    lacks a field that is asked for, `l["loss"]`, is left out. What it raises is told once and goes no further.
    severity: INFO, WARNING or CRITICAL. action: one of docs/actions.md. class_: the finding's class; else
    `log_pattern` of a pattern and `custom` of a condition.

    Raises ValueError, which names the rule.
    """

    def __init__(self, name, pattern=None, condition=None, severity="WARNING", action="notify_only", class_=None):
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"DetectionRule: name: want a text, found {name!r}")
        self.name, self.pattern, self.condition = name, pattern, condition
        self.severity = severity.upper() if isinstance(severity, str) else severity
        self.action, self.class_ = action, class_
        self._check()

    def _check(self):
        if (self.pattern is None) == (self.condition is None):
            self._refuse("want either a pattern or a condition")
        if self.pattern is not None and (not isinstance(self.pattern, str) or not self.pattern):
            self._refuse(f"pattern: want a text in RE2's syntax, found {self.pattern!r}")
        if self.condition is not None and not callable(self.condition):
            self._refuse(f"condition: want a function of the logs, found {self.condition!r}")
        if self.severity not in SEVERITIES:
            self._refuse(f"severity: want one of {', '.join(SEVERITIES)}, found {self.severity!r}")
        self._check_action()
        if self.class_ is not None and not (isinstance(self.class_, str) and re.fullmatch("[a-z][a-z0-9_]*", self.class_)):
            self._refuse(f"class_: want a name as loss_spike, found {self.class_!r}")

    def _check_action(self):
        name, _, argument = self.action.partition(" ") if isinstance(self.action, str) else (None, "", "")
        if name not in ACTIONS:
            self._refuse(f"action: want one of {', '.join(ACTIONS)}, found {self.action!r}")
        if not re.fullmatch(ACTIONS[name], argument):
            want = f"an argument as {ACTIONS[name]}" if ACTIONS[name] else "no argument"
            self._refuse(f"action: {name}: want {want}, found {argument!r}")

    def _refuse(self, why):
        raise ValueError(f"rule {self.name}: {why}")

    def __repr__(self):
        return f"DetectionRule({self.name!r})"


class AnomalyDetector:
    """A set of rules; derive from it, or add rules to it.

    scope: "rank", or "job" for one instance over the records of all ranks, in `rankscope detect-worker` only; a training
    process sees its own rank's. May be a class attribute, too.
    """

    scope = "rank"

    def __init__(self, scope=None):
        if scope is not None:
            self.scope = scope
        if self.scope not in SCOPES:
            raise ValueError(f"{type(self).__name__}: scope: want rank or job, found {self.scope!r}")

    @property
    def rules(self):
        return self.__dict__.setdefault("_rules", [])

    def add_rule(self, rule):
        """Before it is registered. Raises ValueError for what is no rule, or has another's name."""
        if not isinstance(rule, DetectionRule):
            raise ValueError(f"{type(self).__name__}: add_rule: want a DetectionRule, found {rule!r}")
        if any(rule.name == other.name for other in self.rules):
            raise ValueError(f"rule {rule.name}: {type(self).__name__} has one of this name already")
        self.rules.append(rule)


class Monitor:
    """For loops of one's own: what a Trainer's register_monitor is, and nothing else."""

    def register_monitor(self, detector):
        register_monitor(detector)


def register_monitor(detector):
    """The detector's rules hold for this process from now on. A class without arguments is instantiated.

    Where no agent is, nothing is judged. In a data loader's worker, neither. Raises ValueError for what is no detector.
    """
    if isinstance(detector, type) and issubclass(detector, AnomalyDetector):
        detector = detector()
    if not isinstance(detector, AnomalyDetector):
        raise ValueError(f"register_monitor: want an AnomalyDetector, found {detector!r}")
    try:
        from rankscope import _detection
    except ImportError:  # no binding for this interpreter: init() says so
        return
    _detection.register(detector)


# Detectors cannot be made without this module: the method is there as soon as it can be called.
hooks.when_loaded("transformers.trainer", "rankscope.hooks.register_monitor")
