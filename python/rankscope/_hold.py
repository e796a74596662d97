"""Waiting between two steps while people look at the run, and ending with a checkpoint: only where the job allows it."""

import os
import sys
import time

from rankscope import _native

_STOP = 2  # what _native.heed() says of a rank that is to end
_LOOK_EVERY_S = 0.02
_FOR_SOMEBODY_S = 15  # so long a rank that has raised waits for an action of its failure to begin
_FOR_ITS_END_S = 15  # and so long for one that has begun

waited_s = 0.0  # this process was held for so long
_allowed = False
_ends = None  # whether the loop asks should_stop(), and then whether a checkpoint is saved in any case; None: not known to
_pid = None


def allow():
    """From now on, of this process and of a ring that is opened later."""
    global _allowed, _pid
    _allowed, _pid = True, os.getpid()
    _native.allow_pause()


def renew():
    """The ring is new."""
    if _allowed or os.environ.get("RANKSCOPE_ALLOW_PAUSE") == "1":
        allow()
    if _ends is not None:
        _native.can_end(_ends)


def can_end(saves):
    """The loop asks should_stop() at each step, and ends where it says so. `saves`: with a checkpoint, in any case."""
    global _ends
    if _ends is None or (saves and not _ends):
        _ends = saves
        _native.can_end(saves)


def heed():
    """Does what is asked of this rank: waits here as long as it is held, in sleeps, so that its other threads go on and
    Ctrl-C ends it."""
    global waited_s
    if _native.is_held():
        began = time.monotonic()
        while _native.is_held():
            time.sleep(_LOOK_EVERY_S)
        waited_s += time.monotonic() - began
    _set_level(_native.level())


def should_stop():
    """Whether the run is to save a checkpoint and end now, on all ranks at the same step. See docs/actions.md."""
    can_end(saves=False)
    return _native.heed() == _STOP


def await_end_of_action():
    """For a rank that has raised and is about to end: a rule may want the stacks of all ranks before the launcher ends
    them. It waits for that, if the job allows it, 15 s, and as long again where somebody is at it."""
    end = time.monotonic() + _FOR_SOMEBODY_S
    begun = False
    while _allowed and _pid == os.getpid() and time.monotonic() < end:
        wait = _native.raised()
        if wait and not begun:
            end += _FOR_ITS_END_S
        elif begun and not wait:
            return
        begun = begun or wait
        time.sleep(_LOOK_EVERY_S)


def _set_level(level):
    if level:
        import logging

        logging.getLogger().setLevel(level)
        for name in ("transformers", "swift", "accelerate"):  # they have levels of their own
            if name in sys.modules:
                logging.getLogger(name).setLevel(level)
