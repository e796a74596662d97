"""rankscope.guard(): extreme samples are found before they reach the GPU."""

import collections
import collections.abc
import math
import numbers
import statistics
import warnings

from rankscope import _batch, _events, _recorder, _tensors

_POLICIES = ("warn", "skip", "raise")
_DONE = {"warn": "kept", "skip": "skipped", "raise": "refused"}
_WINDOW = 1024  # samples that are learned from
_ENOUGH = 64  # samples before anything is extreme
_DEVIATIONS = 6
_LEAST_FACTOR = 2  # over the median
_NORMAL = 1.4826  # standard deviation over MAD, of a normal distribution
_NAMED = 64  # sample ids that an event gives


class ExtremeSample(ValueError):
    """A sample that guard() refuses, by policy "raise"."""


def guard(batch, ids=None, policy="warn", limits=None):
    """The batch; under policy "skip" without its extreme samples, and None where none remain.

    batch: a list of samples, a dict of tensors (or arrays, lists), a tuple or list of tensors, or a tensor. It is returned
    in the same form; what is no batch of these comes back as it is. ids: of the samples; else its field id, ids, idx,
    index, sample_id or uid, else their numbers in the batch. policy: "warn", "skip" or "raise" (ExtremeSample).
    limits: {feature: most} or {feature: (least, most)} of sequence_length (tokens), image_size (pixels), audio_length
    (values or frames), elements (of samples whose parts have no names); a sample of exactly that size is fine. Without limits
    they are learned: from 64 samples on, a size is extreme that is more than 6 robust deviations (of its logarithm: median
    and MAD of the last 1,024 samples) above the median, and more than twice the median.

    For the main loop, the collate function and data-loader workers; each process learns on its own. Extreme samples are
    told in an event of class `extreme_sample` with their ids; where nobody listens, as a Python warning.
    Raises ValueError for wrong arguments.
    """
    if policy not in _POLICIES:
        raise ValueError(f"guard: policy: want one of {', '.join(_POLICIES)}, found {policy!r}")
    bounds = None if limits is None else _all_bounds(limits)
    samples = _batch.count(batch)
    if not samples:
        return batch
    ids = _ids(batch, ids, samples)
    extreme = set()
    for feature, sizes in _batch.sizes(batch).items():
        least, most = _learned[feature].bounds(sizes) if bounds is None else bounds.get(feature, _NO_BOUNDS)
        found = [number for number, size in enumerate(sizes) if size is not None and not least <= size <= most]
        extreme.update(found)
        _report(feature, policy, [(ids[number], sizes[number]) for number in found], least, most)
    if policy == "skip" and extreme:
        return _batch.select(batch, [number for number in range(samples) if number not in extreme])
    return batch


_NO_BOUNDS = (-math.inf, math.inf)


class _Sizes:
    """What samples of one feature usually are."""

    def __init__(self):
        self._logs = collections.deque(maxlen=_WINDOW)
        self._most = math.inf
        self._due = _ENOUGH

    def bounds(self, sizes):
        """What was learned before these; then they are learned, too: a shift is told for half a window."""
        bounds = -math.inf, self._most
        self._logs.extend(math.log(max(size, 1)) for size in sizes if size is not None)
        self._due -= len(sizes)
        if self._due <= 0 and len(self._logs) >= _ENOUGH:
            self._due = _ENOUGH // 4
            median = statistics.median(self._logs)
            deviation = _NORMAL * statistics.median(abs(log - median) for log in self._logs)
            self._most = math.exp(median + max(_DEVIATIONS * deviation, math.log(_LEAST_FACTOR)))
        return bounds


_learned = collections.defaultdict(_Sizes)
_open = set()  # features whose last batch had an extreme sample


def _all_bounds(limits):
    if not isinstance(limits, collections.abc.Mapping):
        raise ValueError(f"guard: limits: want {{feature: most}} or {{feature: (least, most)}}, found {limits!r}")
    return {name: _bounds(name, limit) for name, limit in limits.items()}


def _is_limit(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and not math.isnan(value)


def _bounds(name, limit):
    if name not in _batch.FEATURES:
        raise ValueError(f"guard: limits: want of {', '.join(_batch.FEATURES)}, found {name!r}")
    bounds = limit if isinstance(limit, (tuple, list)) else (-math.inf, limit)
    if len(bounds) != 2 or not all(map(_is_limit, bounds)) or bounds[0] > bounds[1]:
        raise ValueError(f"guard: limits: {name}: want a number or (least, most), found {limit!r}")
    return tuple(bounds)


def _ids(batch, ids, samples):
    try:
        ids = _batch.ids(batch) if ids is None else list(_tensors.plain(ids))
    except TypeError:
        raise ValueError(f"guard: ids: want {samples}, one a sample, found {ids!r}") from None
    if len(ids) != samples:
        raise ValueError(f"guard: ids: want {samples}, one a sample, found {len(ids)}")
    return ids


def _report(feature, policy, found, least, most):
    """Begins, and with the next batch that is fine ends, an episode."""
    if not found:
        if feature in _open:
            _open.discard(feature)
            _say(feature, policy, False, f"samples are of usual {feature} again")
        return
    _open.add(feature)
    largest = max(found, key=lambda pair: pair[1])
    identity, value = largest if largest[1] > most else min(found, key=lambda pair: pair[1])
    threshold = most if value > most else least
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    told = f"sample {identity}{more} {_DONE[policy]}: {feature} {value}, {'above' if value > most else 'below'} {threshold:.6g}"
    evidence = [{"sample_id": one, "feature": feature, "value": size, "threshold": threshold} for one, size in found[:5]]
    heard = _say(feature, policy, True, told, evidence, value=value, threshold=threshold, samples=len(found),
                 sample_ids=[one for one, _ in found[:_NAMED]])
    if policy == "raise":
        raise ExtremeSample(told)
    if not heard:
        warnings.warn("rankscope.guard: " + told, stacklevel=3)


def _say(feature, policy, active, message, evidence=(), **fields):
    event = _events.finding("extreme_" + feature, "guard", "WARNING", active, message, evidence, action="notify_only",
                            policy=policy, feature=feature, **{"class": "extreme_sample"}, **fields)
    return _recorder.record_from_anywhere("event", event)
