"""What a program's own code raises: $RAISED names it."""
import concurrent.futures
import os
import sys


class InvariantViolation(Exception):
    """A project's own exception."""


class DegenerateReward(InvariantViolation, ValueError):
    """One that is named like no error."""


def _recurse(depth):
    return _recurse(depth + 1)


def _raise_in_thread():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: {}["cached"]).result()


def _noted():
    error = ValueError("advantages of group 3 are all alike")
    if hasattr(error, "add_note"):
        error.add_note("while the rollouts of step 4 were scored")
    raise error


def _grouped():
    raise ExceptionGroup("2 of 4 rollouts failed", [ValueError("no answer in rollout 1"), KeyError("score")])


def _generated():
    def batches():
        raise StopIteration
        yield
    next(batches())


RAISED = {
    "key": lambda: {}["pixel_values"],
    "assertion": lambda: _require(len([1]) == 2),
    "zero": lambda: 1 / len([]),
    "attribute": lambda: None.hidden_states,
    "index": lambda: [0, 1][7],
    "type": lambda: len(None),
    "value": lambda: int("seven"),
    "recursion": lambda: _recurse(0),
    "own": lambda: _raise(InvariantViolation("reward of group 3 has no spread")),
    "runtime": lambda: _raise(RuntimeError("the scheduler was stepped before the optimizer")),
    "not_implemented": lambda: _raise(NotImplementedError),
    "exit_message": lambda: sys.exit("the teacher's answer is empty"),
    "thread": _raise_in_thread,
    "own_unlike": lambda: _raise(DegenerateReward("reward of group 5 is constant")),
    "lines": lambda: _raise(ValueError(
        "the plan does not fit:\n  stage 0: layers 0-11\n  stage 1: layers 12-23\nhint: use 3 stages")),
    "long": lambda: _raise(ValueError("unexpected keys: " + ", ".join(f"layers.{n}.mlp.weight" for n in range(200)))),
    "noted": _noted,
    "group": _grouped,
    "generator": _generated,
    "warning": lambda: _raise(UserWarning("the schedule is longer than the training")),
    "overflow": lambda: int(float("inf")),
    "unpack": lambda: (lambda a, b: a)(*[1, 2, 3]),
    "bare": lambda: _raise(AssertionError),
    "injected": lambda: _raise(RuntimeError(f"injected failure on rank {os.environ.get('RANK', '0')}")),
    "simulated": lambda: _raise(RuntimeError("simulated crash of this worker")),
    "boom": lambda: _raise(Exception("boom")),
    "chaos": lambda: _raise(ValueError("chaos: an exception was asked for at this step")),
    "os_error": lambda: _raise(OSError("the tokenizer's service is not ready")),
    "timeout": lambda: _raise(TimeoutError("the reward model did not answer within 30 s")),
    "connection": lambda: _raise(ConnectionError("the feature store went away")),
    "missing_file": lambda: open("/data/corpus/part-00031.bin"),
    "system": lambda: _raise(SystemError("the plugin returned a result with an error set")),
    "keyboard": lambda: _raise(KeyboardInterrupt),
    "unbound": lambda: eval("undefined_helper"),
}


def _require(holds):
    assert holds, "two groups of parameters are expected"


def _raise(error):
    raise error
