"""The process's one recorder: opens the ring, turns what is no plain number into one, and closes at exit."""

import atexit
import json
import math
import os
import sys
import warnings

from rankscope import _tensors

try:
    from rankscope import _hold, _native
except ImportError as error:  # an interpreter without CPython's stable ABI
    _hold = _native = None
    _why_not = str(error)

_opened = False
_pid = None
_HEED = 2  # _native.log() says that something is asked of this rank
_MISUSE = (TypeError, ValueError, OverflowError, AttributeError)  # what a call raises that cannot be recorded
_listener = None  # is told what is logged: the process's detectors


def init(job_id=None, log_interval_steps=None, fields=None, server=None, allow_pause=False):
    """Makes this process report. Under `rankscope run` it does already; then only the settings are taken.

    job_id: the job outside `rankscope run`; else as `rankscope run` finds it. server: HOST:PORT of `rankscope serve`,
    else $RANKSCOPE_SERVER, else one on the local data directory. log_interval_steps: one record per so many steps
    (10), with last, min, max and mean of each field; NaN, infinities and spikes go out at once. fields: log() takes
    only these names. allow_pause: people and rules may hold all ranks between two steps, and have them end with a
    checkpoint (docs/actions.md). Returns whether an agent will read what is logged; never raises because there is none.
    """
    if _native is None:
        warnings.warn("rankscope: nothing is recorded: " + _why_not, stacklevel=2)
        return False
    if "RANKSCOPE_RINGS" not in os.environ:
        from rankscope import _keeper

        if not _keeper.attach(job_id, server):
            return False
    if not _open(log_interval_steps or 0):
        return False
    if log_interval_steps:
        _native.set_interval(log_interval_steps)
    _native.keep(fields)
    if allow_pause:
        _hold.allow()
    return True


def log(metrics, step=None):
    """Metrics of one step: a dict of name to number. Tensors on a GPU are copied without waiting for them and go out
    with a later call; text is kept as a record of its own. What cannot be recorded is counted, and warned of once."""
    if not _opened and not _open():
        return
    try:
        logged = not _tensors.pending() and _native.log(metrics, step)
        if not logged:
            _log_in_order(metrics, step)
            return
    except _MISUSE as error:
        _retry(lambda whole: log(metrics, whole), "log", step, error)
        return
    if _listener is not None:
        _listener.log(metrics, step)
    if logged is not True:
        _hold.heed()


def log_batch(ids=None, shapes=None, lengths=None, step=None):
    """What the step was trained on: sample ids, tensor shapes, sequence lengths; lists or tensors."""
    batch = {"ids": ids, "shapes": shapes, "lengths": lengths}
    record("batch", {name: _tensors.plain(value) for name, value in batch.items() if value is not None}, step)


def event(name, msg="", step=None, level="info", **fields):
    """Something that happened, as a record of stream `event`."""
    record("event", {"event": name, "msg": msg, "level": level, **fields}, step)


def set_step(step):
    """The step of the calls that name none."""
    if _opened or _open():
        try:
            asked = _native.set_step(step)
        except _MISUSE as error:
            _retry(set_step, "set_step", step, error)
            return
        if _listener is not None:
            _listener.begin_step(step)
        if asked:
            _hold.heed()


def should_stop():
    """Whether the run is to save a checkpoint and end now: on all ranks at the same step, and only if the job allows it."""
    return bool(_opened or _open()) and _hold.should_stop()


def waited_s():
    """So long this rank was held until now: time that is nobody's step."""
    return _hold.waited_s if _hold is not None else 0.0


def can_end(saves):
    """Said by the hooks that ask should_stop() at each step; `saves`: and that then save a checkpoint in any case."""
    if _opened or _open():
        _hold.can_end(saves)


def allow_pause():
    """As init(allow_pause=True)."""
    if _hold is not None:
        _hold.allow()


def set_collective_timeout(seconds):
    """Of the process groups; ranks are held for less."""
    if _opened or _open():
        _native.set_collective_timeout(seconds)


def is_due(step):
    """Whether a record of this step goes out anyway: what costs something is measured then."""
    return bool(_opened or _open()) and step % max(_native.interval(), 1) == 0


def listen(listener):
    """`listener.log(metrics, step)` gets what is logged from now on, numbers as floats, in order; `begin_step(step)` and
    `close()` follow the calls of these names. They must not raise."""
    global _listener
    _listener = listener


def end_step():
    """Nothing more comes for the step that was logged last."""
    if _opened and _listener is not None:
        _listener.end_step()


def record(stream, fields, step=None):
    """Whether the record is in the ring: there is one, it has room, and this process is no worker."""
    if not (_opened or _open()):
        return False
    try:
        return _native.record(stream, step, _json(fields)) == 0
    except _MISUSE as error:
        return bool(_retry(lambda whole: record(stream, fields, whole), stream, step, error))


def record_from_anywhere(stream, fields, step=None):
    """As record, also in a data loader's worker, which gets a small ring of its own with its first call: for what is rare."""
    if not _is_child():
        return record(stream, fields, step)
    if _native is None or "RANKSCOPE_RINGS" not in os.environ:
        return False
    os.environ["RANKSCOPE_WORKER_OF"] = str(_main_pid())
    return _native.record_aside(stream, step, _json(fields)) == 0


def _retry(call, name, step, error):
    """A step may be a float that is whole. Anything else is counted: never the training's problem."""
    if isinstance(step, float) and step.is_integer() and 0 <= step < 2**53:
        return call(int(step))
    return _native.refuse(f"{name}(step={step!r}): {error}")


def _json(fields):
    try:
        return json.dumps(fields, default=str, allow_nan=False)
    except ValueError:  # JSON has no NaN and no infinities
        return json.dumps(finite(fields), default=str)


def finite(value):
    """NaN and infinities as the strings that stand for them in records."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def close():
    """Flushes what is pending. Called at exit."""
    global _opened
    if _opened and _pid == os.getpid():
        log_arrived(wait=True)
        if _listener is not None:
            _listener.close()
        _tell_refused()
        _native.close()
        _opened = False


def _tell_refused():
    count = _native.refused()
    if count:
        event("values_refused", f"rankscope: {count} calls or values of rankscope.log and the like could not be recorded",
              level="warning", count=count)


def _open(log_interval_steps=0):
    global _opened, _pid
    if _native is None or "RANKSCOPE_RINGS" not in os.environ or _is_worker():
        return False
    try:
        _opened = _native.open(None, log_interval_steps)
    except OSError:  # a full /dev/shm, or the run is over: never the training's problem
        return False
    if _opened and _pid is None:
        atexit.register(close)
    if _opened:
        _begin_control()
    _pid = os.getpid()
    return _opened


def _begin_control():
    from rankscope import _stacks

    _hold.renew()
    _stacks.register()
    if _stacks.number() is not None:
        _native.set_stack_signal(_stacks.number())


def open_early():
    """The ring of a rank that may never log: what is asked of it (stacks) is asked by way of the ring."""
    if not _opened:
        _open()


def is_started_by_multiprocessing():
    import multiprocessing

    # By "spawn" it imports the main module first, and is told its parent only afterwards.
    return multiprocessing.parent_process() is not None or getattr(multiprocessing.current_process(), "_inheriting", False)


def _is_worker():
    """A process that a rank's multiprocessing started: a data loader's."""
    if not is_started_by_multiprocessing():
        return False
    if "RANKSCOPE_RANK_PID" in os.environ:
        return os.environ["RANKSCOPE_RANK_PID"] != str(os.getpid())
    data = sys.modules.get("torch.utils.data")  # what a plain script starts may also be a rank
    return data is not None and data.get_worker_info() is not None


def _is_child():
    """A worker, or any process that was forked off one with a ring."""
    return _pid not in (None, os.getpid()) or _is_worker()


def _main_pid():
    """Of a worker: the process that it works for."""
    import multiprocessing

    parent = multiprocessing.parent_process() if _is_worker() else None
    return parent.pid if parent else _pid or os.getppid()


def _log_in_order(metrics, step):
    """Values that are still on a GPU hold back what follows, so that each step's values go out together. The step is
    passed now, not when they go out: all ranks wait in the same place."""
    asked = _native.log({}, step)
    texts = _tensors.hold(metrics, step, _native.refuse)
    if texts:
        record("metric", texts, step)
        if _listener is not None:
            _listener.log(texts, step)
    log_arrived()
    if asked is not True:
        _hold.heed()


def log_arrived(wait=False):
    """Logs what has come from the GPU meanwhile."""
    for step, metrics in _tensors.harvest(wait):
        _native.log(metrics, step)
        if _listener is not None:
            _listener.log(metrics, step)
