"""What the names by which frameworks call their metrics stand for: the server's own table."""

from rankscope import _native

_MOST_NAMES = 1024  # that are remembered

_meanings = _native.metric_names()
_known = {}  # name -> (canonical name, scale, inverse), or None


def add_canonical(metrics):
    """The fields and, beside each that has a canonical name of another spelling, that one with the value in its unit."""
    fields = dict(metrics)
    for name, value in metrics.items():
        meaning = _meaning(name)
        if meaning is None or meaning[0] in fields or not isinstance(value, (int, float)):
            continue
        canonical, scale, inverse = meaning
        if not inverse:
            fields[canonical] = value if scale == 1 else value * scale
        elif value:
            fields[canonical] = 1 / value
    return fields


def _meaning(name):
    if name not in _known:
        if len(_known) >= _MOST_NAMES:
            _known.clear()
        plain = name.lower().replace(" ", "_").replace("-", "_").replace("(", "").replace(")", "")
        meaning = _meanings.get(plain)
        _known[name] = None if meaning and meaning[0] == "step" else meaning
    return _known[name]
