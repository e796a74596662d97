"""Runs that a seed draws, so that each seed gives some that no rule has seen: other numbers of ranks, culprits, steps, places
in the program, exceptions, ways to print and launchers."""
import random

from styles import MAIN_ONLY

_RAISED = ("key assertion zero attribute index type value recursion own runtime not_implemented exit_message thread "
           "own_unlike lines long noted group generator warning overflow unpack bare unbound").split()
_OF_RANKS = ("prefixed", "spoken", "short", "field", "json", "logger", "deep", "labelled", "logfmt")  # their lines name the rank
_OF_WORK = (*_OF_RANKS, "times", "logging", "basic", "loguru", "coloured", "syslog")  # their lines tell what the rank did by itself
_STYLES = (*_OF_WORK, *MAIN_ONLY, "hf", "megatron", "bars", "titan", "nemo", "table")
_CALLS = {"missing": ("all_reduce", "barrier", "all_gather", "broadcast"), "shapes": ("all_reduce", "all_gather", "broadcast")}
_DRESSES = ("", "", "", "", "crlf", "cut_head", "cut_tail")
_AT_STEP = ("exception", "nested", "logged", "exit3", "hard_exit", "abort", "segfault", "sigfpe", "sigbus", "sigkill", "host_oom",
            "memory_error", "other_call", "shapes", "missing")
_DDP = (*_AT_STEP, "nan", "slow", "wait", "batch_shape", "worker_killed", "bad_sample", "disk_full", "port_in_use", "import",
        "before_start", "early_end", "launcher_term", "healthy", "ill_words")
_OTHERS = ("exception", "nested", "exit3", "abort", "sigkill", "host_oom", "missing", "shapes", "other_call", "nan", "healthy",
           "ill_words", "bad_sample", "disk_full", "port_in_use", "launcher_term")
_LAUNCHES = {
    "ddp": ("torchrun", "torchrun", "two", "tasks", "tasks_new", "killed", "killed_old", "spawn", "restarts", "redirected",
            "mpirun", "mpirun_old", "mpirun_tagged"),
    "trainer": ("torchrun", "two", "tasks_new", "redirected"),
    "accelerate": ("torchrun", "two", "restarts", "accelerate"),
    "lightning": ("torchrun", "restarts"),
    "swift": ("swift",),
}
# What no line of such a run tells: torch.multiprocessing prints one rank's exception, and Trainer waits without a timeout.
_UNTOLD = {
    "spawn": ("missing", "shapes", "other_call", "early_end", "launcher_term", "wait"),
    "trainer": ("other_call",),
    "swift": ("other_call", "disk_full", "bad_sample", "launcher_term"),  # reads no sample of ours; ends before the signal
    "lightning": ("launcher_term",),  # its bar tells of no step before the last
    "mpirun": ("launcher_term",), "mpirun_old": ("launcher_term",), "mpirun_tagged": ("launcher_term",),  # says nothing of it
}
# A barrier and a broadcast are waited for by themselves: there, too, Trainer waits for ever.
_WITH_TIMEOUT = ("ddp", "accelerate", "lightning")


def tells_ranks(variant):
    return variant.get("STYLE") in _OF_RANKS


def all_print(variant):
    return variant.get("STYLE") not in MAIN_ONLY


def _variant(draw, framework, fault):
    variant = {}
    if framework == "ddp":
        variant["STYLE"] = draw.choice(_OF_WORK if fault == "slow" else _STYLES)
    if fault == "exception":
        variant["RAISED"] = draw.choice(_RAISED)
    if fault in _CALLS and framework in _WITH_TIMEOUT:
        variant["CALL"] = draw.choice(_CALLS[fault])
    if dressed := draw.choice(_DRESSES):
        variant["DRESS"] = dressed
    if fault in _AT_STEP:
        place = draw.choice(("step", "step", "evaluation", "checkpoint")) if framework == "ddp" else "step"
        variant["FAULT_PLACE"] = place
        variant["FAULT_STEP"] = "6" if place != "step" else str(draw.choice((0, 2, 3, 5, 8)))
    elif fault == "slow":
        variant["FAULT_STEP"] = str(draw.choice((2, 3, 5)))
        variant["SLOW_S"] = draw.choice(("0.2", "0.4", "1.0"))
    return variant


def draw_runs(seed, count, make):
    """`make(framework, launch, fault, world, culprit, variant)` gives a run."""
    draw = random.Random(seed)
    for _ in range(count):
        framework = draw.choices(tuple(_LAUNCHES), weights=(6, 2, 2, 1, 1))[0]
        launch = draw.choice(_LAUNCHES[framework])
        fault = draw.choice([f for f in (_DDP if framework == "ddp" else _OTHERS) if f not in _UNTOLD.get(launch, ())
                             and f not in _UNTOLD.get(framework, ())])
        world = {"two": 4, "swift": 2}.get(launch) or draw.choice((2, 3, 4, 4, 8) if framework == "ddp" else (2, 3, 4))
        yield make(framework, launch, fault, world, draw.randrange(world), _variant(draw, framework, fault))
