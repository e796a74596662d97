"""Runs that a seed draws, so that each seed gives some that no rule has seen: other numbers of ranks, culprits, steps,
places in the program, exceptions, ways to print and launchers."""
import random

from launches import is_old, plain
from styles import MAIN_ONLY

_RAISED = ("key assertion zero attribute index type value recursion own runtime not_implemented exit_message thread "
           "own_unlike lines long noted group generator warning overflow unpack bare unbound injected simulated boom "
           "chaos os_error timeout connection missing_file system keyboard").split()
_OF_RANKS = ("prefixed", "spoken", "short", "field", "json", "logger", "deep", "labelled", "logfmt",
             "worded", "waits", "parts", "local", "busy", "structlog", "loguru_own")  # their lines name the rank
_OF_WORK = (*_OF_RANKS, "times", "logging", "basic", "loguru", "coloured", "syslog", "rich", "absl",
             "tqdm")  # their lines tell what the rank did by itself
_STYLES = (*_OF_WORK, *MAIN_ONLY, "hf", "megatron", "bars", "titan", "nemo", "table", "epochs", "sparse", "quiet",
           "csv", "said")
_TIMED = ("times", "logging", "loguru", "logger", "deep", "labelled", "logfmt", "titan")
# Whose launchers say that they were signalled, and when.
_STOPPABLE = ("torchrun", "standalone", "two", "redirected", "plain", "rendezvous")
_STAMPABLE = ("plain", "tasks", "killed", "swift", "accelerate", "spawn", "mpirun", "own")  # no line begins with a tag
# Which only reports of the steps tell, and those as they come.
_BY_NUMBERS = ("nan", "slow", "launcher_term", "stopped")
_CALLS = {"missing": ("all_reduce", "barrier", "all_gather", "broadcast", "objects", "reduce"),
          "shapes": ("all_reduce", "all_gather", "broadcast"),
          "other_call": ("broadcast+all_reduce", "all_gather+all_reduce", "all_reduce+barrier", "barrier+all_reduce",
                         "all_reduce+broadcast")}  # the culprit's and the others'
_DRESSES = ("", "", "", "", "crlf", "cut_head", "cut_tail", "last_4k", "last_200")
_AT_STEP = ("exception", "nested", "logged", "exit3", "hard_exit", "abort", "segfault", "sigfpe", "sigbus", "sigkill",
            "host_oom", "memory_error", "other_call", "shapes", "missing", "sigterm", "open_files", "denied", "damaged",
            "io_error")
# Of one rank alone, without its peers' doing, so that it may also strike within the model's passes, or several ranks.
_BY_ITSELF = ("exception", "nested", "exit3", "hard_exit", "abort", "segfault", "sigkill")
# The older torch's Python has neither safetensors nor an image library.
_SAVERS = ("torch", "legacy", "pickle", "numpy", "full_device", "no_space", "safetensors")
_SPOILS = ("parameters", "inputs", "inputs", "raises", "exits")
_CATCHES = ("logs", "exits", "says", "tears", "hook", "rich", "loguru")
_CHATTER = ({"PYTHONFAULTHANDLER": "1"}, {"TORCH_SHOW_CPP_STACKTRACES": "1"}, {"TORCH_CPP_LOG_LEVEL": "INFO"},
            {"LOGLEVEL": "INFO"}, {"PYTHONWARNINGS": "ignore"})
_DETAIL = {"TORCH_DISTRIBUTED_DEBUG": "DETAIL"}  # of which torch 2.15 dies on gloo
_NAMES = ("usual", "usual", "bare", "worker", "slurm", "folder", "padded", "ended")
_FREQUENT = ("exception", "sigkill", "host_oom", "nan", "slow", "missing", "shapes", "batch_shape", "worker_killed",
             "disk_full", "port_in_use", "healthy")  # drawn three times as often as the others
_DDP = (*_AT_STEP, "shm_full", "nan", "slow", "wait", "batch_shape", "worker_killed", "bad_sample", "disk_full",
        "port_in_use", "import", "before_start", "early_end", "launcher_term", "stopped", "healthy", "ill_words",
        "model_shapes", "arguments", "dtype", "unused")
_OTHERS = ("exception", "nested", "exit3", "abort", "segfault", "sigkill", "host_oom", "missing", "shapes",
           "other_call", "nan", "slow", "stopped", "healthy", "ill_words", "bad_sample", "worker_killed", "batch_shape", "disk_full",
           "port_in_use", "import", "before_start", "wait", "launcher_term", "sigterm", "open_files", "denied",
           "damaged", "io_error", "shm_full", "arguments", "dtype")
_LAUNCHES = {
    "ddp": ("torchrun", "torchrun", "torchrun", "torchrun_old", "standalone", "two", "two", "two_old", "tasks", "tasks",
            "tasks_old", "killed", "killed_old", "spawn", "restarts", "redirected", "mpirun", "mpirun_old",
            "mpirun_tagged", "plain", "filtered", "rendezvous", "two_met", "two_redirected", "plain_old",
            "redirected_old", "restarts_old"),
    "trainer": ("torchrun", "torchrun", "two", "tasks", "redirected", "standalone", "plain", "filtered", "two_met",
                "two_redirected"),
    "accelerate": ("torchrun", "two", "tasks", "restarts", "accelerate", "plain", "rendezvous", "two_redirected"),
    "lightning": ("torchrun", "two", "tasks", "restarts", "own", "plain", "filtered", "two_met"),
    "swift": ("swift", "torchrun", "two", "tasks", "plain", "redirected"),
}
# What no line of such a run tells: torch.multiprocessing prints one rank's exception, and Trainer waits without a
# timeout.
_UNTOLD = {
    "spawn": ("missing", "shapes", "other_call", "early_end", "launcher_term", "wait"),
    "trainer": ("other_call", "wait", "dtype"),
    # It reads no sample of ours, and ends before the signal.
    "swift": ("other_call", "disk_full", "bad_sample", "launcher_term", "wait", "worker_killed", "batch_shape", "dtype",
              "shm_full"),
    "lightning": ("launcher_term",),  # its bar tells of no step before the last
    "own": ("port_in_use",),  # it takes another
    "standalone": ("port_in_use",),  # likewise
    "rendezvous": ("port_in_use",),  # likewise
    "two_met": ("port_in_use",),  # no rank is started
    "mpirun": ("launcher_term",), "mpirun_tagged": ("launcher_term",),  # says nothing of it
}
# A barrier and a broadcast are waited for by themselves: there, too, Trainer waits for ever.
_WITH_TIMEOUT = ("ddp", "accelerate", "lightning")


def tells_ranks(variant):
    return variant.get("STYLE") in _OF_RANKS


def all_print(variant):
    return variant.get("STYLE") not in MAIN_ONLY


def _styles_for(fault):
    if fault in ("slow", "stopped"):
        return _OF_WORK if fault == "slow" else _TIMED
    return [style for style in _STYLES if fault not in _BY_NUMBERS or style not in ("quiet", "sparse")]


def _of_program(draw, framework, launch, fault):
    """How the program is written."""
    variant = {}
    if framework == "ddp":
        variant["STYLE"] = draw.choice(_styles_for(fault))
        if fault not in _BY_NUMBERS and draw.random() < 0.3:
            variant["BUFFERED"] = "buffered"
        if fault == "disk_full":
            if draw.random() < 0.3:
                variant["SHARDS"] = "shards"
            variant["SAVER"] = draw.choice(_SAVERS[:-1] if is_old(launch) else _SAVERS)
        if draw.random() < 0.2:
            variant["RECORD"] = "record"
        if draw.random() < 0.3:
            variant["CATCHES"] = draw.choice(_CATCHES)
    elif fault in ("slow", "stopped") or draw.random() < 0.3:
        variant["STYLE"] = draw.choice([style for style in _styles_for(fault) if style not in MAIN_ONLY])
    if draw.random() < 0.25:
        variant |= draw.choice((*_CHATTER, _DETAIL) if is_old(launch) else _CHATTER)
    if fault in ("bad_sample", "worker_killed", "shm_full"):
        variant["WORKERS"] = str(draw.choice((0, 0, 1, 2) if fault == "bad_sample" else (1, 2)))
    elif framework != "swift" and draw.random() < 0.15:
        variant["WORKERS"] = "2"
    if variant.get("WORKERS", "0") != "0" and draw.random() < 0.3:
        variant["PERSISTENT"] = "persistent"
    return variant


def _of_fault(draw, framework, launch, fault):
    """When, where and how it strikes."""
    variant = {}
    if fault == "exception":
        variant["RAISED"] = draw.choice(_RAISED)
    if fault == "memory_error":
        variant["MEMORY"] = draw.choice(("torch", "numpy", "bytes"))
    if fault in _CALLS and framework in _WITH_TIMEOUT:
        variant["CALL"] = draw.choice(_CALLS[fault])
    if fault == "worker_killed":
        variant["WORKER_END"] = draw.choice(("SIGKILL", "SIGKILL", "SIGSEGV", "SIGABRT", "parent", "exit"))
    if fault in ("exit3", "hard_exit"):
        variant["EXIT_CODE"] = draw.choice(("1", "2", "3", "7", "42", "255"))
    if fault == "wait":
        variant["WAITS"] = draw.choice(("sleep", "lock", "spin", "queue", "read", "worker"))
        variant |= {"WORKERS": "1"} if variant["WAITS"] == "worker" else {}
    if fault == "bad_sample":
        variant["SAMPLE"] = draw.choice(("json", "unicode") if is_old(launch) else ("json", "unicode", "image"))
    if fault == "nan" and framework in _WITH_TIMEOUT:
        variant["SPOILS"] = draw.choice(_SPOILS)
    if fault in ("stopped", "unused", "shm_full"):
        variant["FAULT_STEP"] = str(draw.choice((3, 5) if fault == "unused" else (3, 5, 8)))
    if fault in _AT_STEP:
        places = ("step", "step", "step", "evaluation", "checkpoint")
        own = ("setup", "end", *(("forward", "backward") if fault in _BY_ITSELF else ()))
        place = draw.choice((*places, *own) if framework == "ddp" else places)
        variant["FAULT_PLACE"] = "step" if (framework, place) == ("swift", "evaluation") else place
        once = variant["FAULT_PLACE"] not in ("step", "forward", "backward")
        variant["FAULT_STEP"] = "6" if once else str(draw.choice((0, 0, 2, 3, 5, 8, 11)))
    elif fault == "slow":
        variant["FAULT_STEP"] = str(draw.choice((0, 2, 3, 5)))
        variant["SLOW_S"] = draw.choice(("0.2", "0.4", "1.0"))
    return variant


def _others(draw, launch, world, culprit):
    """One more rank, or all of the culprit's node."""
    if plain(launch).startswith("two") and draw.random() < 0.5:
        first = culprit // (world // 2) * (world // 2)
        return [rank for rank in range(first, first + world // 2) if rank != culprit]
    return [draw.choice([rank for rank in range(world) if rank != culprit])]


def _variant(draw, framework, launch, fault, world, culprit):
    variant = _of_program(draw, framework, launch, fault) | _of_fault(draw, framework, launch, fault)
    if fault in _BY_ITSELF and world > 2 and draw.random() < 0.15:
        variant["OTHERS"] = "+".join(map(str, _others(draw, launch, world, culprit)))
    if (names := draw.choice(_NAMES)) != "usual":
        variant["NAMES"] = names
    if dressed := draw.choice(_DRESSES):
        variant["DRESS"] = dressed
    return variant | _of_place(draw, launch, fault, world)


def _of_place(draw, launch, fault, world):
    """How it is launched, and what becomes of its lines."""
    variant = {}
    if plain(launch) == "restarts":
        variant["RESTARTS"] = draw.choice("12")
    if fault == "launcher_term" and plain(launch) in _STOPPABLE and draw.random() < 0.5:
        variant["SIGNAL"] = "SIGINT"
    if plain(launch) in _STAMPABLE and draw.random() < 0.15:
        variant["STAMPED"] = "stamped"
    if draw.random() < 0.1:
        variant["LOST"] = f"lost{draw.randrange(world)}"
    return variant


def _world(draw, framework, launch):
    if plain(launch).startswith("two"):
        return draw.choice((2, 4, 4, 6) if framework == "ddp" else (2, 4))
    if framework == "swift":
        return draw.choice((2, 2, 3))
    return draw.choice((2, 3, 4, 4, 8) if framework == "ddp" else (2, 3, 4, 4, 8))


def _faults_of(framework, launch):
    faults = _DDP if framework == "ddp" else _OTHERS
    return [f for f in faults if f not in (*_UNTOLD.get(plain(launch), ()), *_UNTOLD.get(framework, ()))
            and (f != "stopped" or plain(launch) in _STOPPABLE)]


def draw_runs(seed, count, make):
    """`make(framework, launch, fault, world, culprit, variant)` gives a run."""
    draw = random.Random(seed)
    for _ in range(count):
        framework = draw.choices(tuple(_LAUNCHES), weights=(4, 4, 4, 4, 4))[0]
        launch = draw.choice(_LAUNCHES[framework])
        faults = _faults_of(framework, launch)
        fault = draw.choices(faults, weights=[3 if f in _FREQUENT else 1 for f in faults])[0]
        world = _world(draw, framework, launch)
        culprit = draw.randrange(world)
        yield make(framework, launch, fault, world, culprit, _variant(draw, framework, launch, fault, world, culprit))
