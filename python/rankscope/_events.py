"""The event records by which detectors speak: `detector_rule`, `detector_finding`, `detector_error` (docs/detectors.md)."""

import json

from rankscope import _recorder

_LEVELS = {"INFO": "info", "WARNING": "warning", "CRITICAL": "error"}
_NAMED = 3  # fields that a message gives
_EVIDENCE_BYTES = 32 << 10


def of_rule(detector, rule):
    fields = _who(detector, rule)
    if rule.pattern is not None:
        fields["pattern"] = rule.pattern
    kind = "the condition" if rule.pattern is None else f"the pattern {rule.pattern}"
    return {"event": "detector_rule", "level": "info", "msg": f"rule {rule.name} of {fields['detector']}: {kind}", **fields}


def of_turn(detector, rule, turn):
    """The record of a Turn, without its step and origin."""
    step = turn.record.get("step")
    where = "" if step is None else f" at step {step}"
    fields = {**_who(detector, rule), **_evidence(turn.evidence)}
    if turn.error is not None:
        told = f"rule {rule.name} of {fields['detector']} raised {_text(turn.error)}{where}, on {_text_of(turn.record)}"
        return {"event": "detector_error", "level": "warning", "msg": told, "exception": _text(turn.error), **fields}
    level = _LEVELS[rule.severity] if turn.active else "info"
    verb = "holds" if turn.active else "no longer holds"
    told = f"{rule.name} {verb}{where}{_values(turn.record)}"
    return {"event": "detector_finding", "level": level, "msg": told, "active": int(turn.active), **fields}


def finding(rule, detector, severity, active, message, evidence=(), **fields):
    """The record of a finding that no condition made."""
    fields = {name: value for name, value in fields.items() if value is not None}
    return {"event": "detector_finding", "level": _LEVELS[severity] if active else "info", "msg": message,
            "active": int(active), "rule": rule, "detector": detector, "severity": severity, **fields, **_evidence(evidence)}


def _who(detector, rule):
    who = {"rule": rule.name, "detector": detector, "severity": rule.severity, "action": rule.action}
    return {**who, "class": rule.class_} if rule.class_ else who


def _evidence(records):
    """As JSON text, the newest of them where all are too long."""
    records = list(records)
    while records:
        text = json.dumps(_recorder.finite(records), default=str)
        if len(text) <= _EVIDENCE_BYTES:
            return {"evidence": text}
        del records[0]
    return {}


def _values(record):
    named = [(name, value) for name, value in record.items()
             if name not in ("step", "rank", "node_rank", "local_rank", "attempt") and isinstance(value, (int, float))]
    return ": " + ", ".join(f"{name} {value:.6g}" for name, value in named[:_NAMED]) if named else ""


def _text(error):
    return f"{type(error).__name__}: {str(error)[:500]}"


def _text_of(record):
    return json.dumps(_recorder.finite(record), default=str)[:500]
