"""A user's file of detectors."""

import os
import sys
import traceback

from rankscope import monitor, swift_monitor  # noqa: F401: files may import swift.monitor
from rankscope.worker.instance import instance


class BadFile(Exception):
    """What is wrong with the file, in one line."""


def load(path):
    """The detectors of a file, one of each; instance() makes more. Raises BadFile.

    Those of its list `detectors`; else those that it registers with `trainer`, which is there as in a training script; else
    one of each class that it defines.
    """
    trainer = _Trainer()
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    names = {"__name__": "detectors", "__file__": path, "trainer": trainer}
    _execute(path, names)
    listed = names.get("detectors")
    if listed is not None and not isinstance(listed, (list, tuple)):
        raise BadFile(f"{path}: detectors: want a list of AnomalyDetectors, found {listed!r:.100}")
    own = [value for value in names.values() if _is_class(value) and value.__module__ == "detectors"]
    detectors = [_instance(path, one) for one in (listed if listed is not None else trainer.registered or own)]
    if not any(detector.rules for detector in detectors):
        raise BadFile(f"{path}: defines no AnomalyDetector with a rule")
    return detectors


class _Trainer(monitor.Monitor):
    """What a training script's `trainer` is to a file that registers its detectors itself."""

    def __init__(self):
        self.registered = []

    def register_monitor(self, detector):
        self.registered.append(detector)


def _execute(path, names):
    try:
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec"), names)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from None
    except SyntaxError as error:
        raise BadFile(f"{error.filename or path}:{error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        raise BadFile(_where(path, error)) from None


def _instance(path, detector):
    name = detector.__name__ if _is_class(detector) else type(detector).__name__
    try:
        made = detector() if _is_class(detector) else detector
        if isinstance(made, monitor.AnomalyDetector):
            instance(made)
    except Exception as error:
        raise BadFile(f"{path}: {name}: cannot be made for each rank: {type(error).__name__}: {error}") from None
    if not isinstance(made, monitor.AnomalyDetector):
        raise BadFile(f"{path}: {name} is no AnomalyDetector")
    if made.scope not in monitor.SCOPES:
        raise BadFile(f"{path}: {name}: scope: want rank or job, found {made.scope!r}")
    return made


def _is_class(value):
    return isinstance(value, type) and issubclass(value, monitor.AnomalyDetector)


def _where(path, error):
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"{path}:{lines[-1] if lines else 0}: {type(error).__name__}: {error}"
