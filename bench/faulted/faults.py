"""What goes wrong in a training run. $FAULT names the fault, $CULPRIT the rank, $FAULT_STEP the step (from 0),
$FAULT_PLACE whether it strikes at the step itself, in the evaluation, while a checkpoint is saved, before the first
step (setup) or after the last (end), $RAISED what is raised, $CALL the collective that is left out or differs, $MEMORY
who asks for too much memory, $SAMPLE what is wrong with a sample, $WORKER_END what a data loader's worker dies of,
$SPOILS what is no number (and what the program does about it), $WAITS what it waits for, $OTHERS the other ranks that
it strikes; the training scripts beside this file call the
functions below at their places. Nothing here knows how the failure will be told."""
import ctypes
import errno
import json
import logging
import multiprocessing
import os
import queue
import signal
import sys
import time
import threading
import warnings

import raised
import surroundings

FAULT, CULPRIT = os.environ.get("FAULT", "healthy"), int(os.environ.get("CULPRIT", "0"))
FAULT_STEP = int(os.environ.get("FAULT_STEP", "4"))
FAULT_PLACE = os.environ.get("FAULT_PLACE", "step")
TIMEOUT_S = 1800 if FAULT == "stopped" else 25
WORKERS = int(os.environ.get("WORKERS", "1" if FAULT == "worker_killed" else "0"))
PERSISTENT = "PERSISTENT" in os.environ  # the workers outlive an epoch
LOADING = {"num_workers": WORKERS, "persistent_workers": PERSISTENT}
RANK = int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK", "0"))


_ALL_CULPRITS = {CULPRIT, *map(int, filter(None, os.environ.get("OTHERS", "").split("+")))}


def is_mine():
    return RANK in _ALL_CULPRITS


def before_start():
    """Before the process group exists."""
    if FAULT == "import" and is_mine():
        import flash_attention_3  # noqa: F401
    if FAULT == "before_start" and is_mine():
        raise ValueError(f"tokenizer file has {3} special tokens, 4 are expected")
    if FAULT == "arguments" and is_mine():
        surroundings.take_arguments()
    if FAULT == "shm_full" and is_mine():
        surroundings.take_own_shared_memory()


def _open_shard(path):
    try:
        return open(path).read()
    except FileNotFoundError as error:
        raise LookupError("shard 17 of the mixture cannot be opened") from error


def _nested():
    try:
        {"input_ids": []}["labels"]
    except KeyError:
        try:
            _open_shard("/data/none/shard-00017.bin")
        except LookupError:
            raise RuntimeError("batch 17 could not be built") from None


def _eat_memory():
    """Until the kernel's out-of-memory killer comes: the process is put into a memory cgroup of its own."""
    with open(os.environ["CGROUP"] + "/cgroup.procs", "w") as procs:
        procs.write(str(os.getpid()))
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1 << 20)) * 8)


def _sound_ill():
    """What healthy runs print, too."""
    warnings.warn("loss is nan in 0 of 4 micro-batches; overflow is skipped")
    try:
        _nested()
    except RuntimeError:
        logging.exception("prefetching shard 17 failed, it is read again")
    logging.error("wandb: network error (ConnectionError), entering retry loop")
    print("Error: could not read /sys/class/infiniband, InfiniBand counters are off", file=sys.stderr, flush=True)


def _lock_twice():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _spin():
    while True:
        sum(range(1000))


_WAITS = {"sleep": lambda: time.sleep(3600), "lock": _lock_twice, "spin": _spin,
          "queue": lambda: queue.Queue().get(), "read": lambda: os.read(os.pipe()[0], 1), "worker": lambda: None}


_DEADLY = {
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit3": lambda: sys.exit(int(os.environ.get("EXIT_CODE", "3"))),
    "hard_exit": lambda: os._exit(int(os.environ.get("EXIT_CODE", "7"))),
    "sigterm": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "sigfpe": lambda: os.kill(os.getpid(), signal.SIGFPE),
    "sigbus": lambda: os.kill(os.getpid(), signal.SIGBUS),
    "host_oom": _eat_memory,
    "nested": _nested,
    "wait": lambda: _WAITS[os.environ.get("WAITS", "sleep")](),
    "stopped": lambda: time.sleep(3600),
    "ill_words": _sound_ill,
}


def _raise_one_of_its_own():
    raised.RAISED[os.environ.get("RAISED", "key")]()


def at_step(step, dist, torch, place="step"):
    """At the beginning of a step, or at a place in it, on every rank."""
    if step == FAULT_STEP and place == FAULT_PLACE:
        _strike(dist, torch)
    if (FAULT, _WORKER_END, place, step) == ("worker_killed", "parent", "step", 3) and is_mine():
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)


def leaves_early(step):
    """Whether this rank has no more batches."""
    return FAULT == "early_end" and is_mine() and step == FAULT_STEP


_CALLS = {
    "all_reduce": lambda dist, mine: dist.all_reduce(mine),
    "broadcast": lambda dist, mine: dist.broadcast(mine, 0),
    "all_gather": lambda dist, mine: dist.all_gather([mine.clone() for _ in range(dist.get_world_size())], mine),
    "barrier": lambda dist, mine: dist.barrier(),
    "objects": lambda dist, mine: dist.all_gather_object([None] * dist.get_world_size(), {"loss": 0.5}),
    "reduce": lambda dist, mine: dist.reduce(mine, 0),
}
_CALL = os.environ.get("CALL", "broadcast+all_reduce" if FAULT == "other_call" else "all_reduce")


def _ask_numpy(torch):
    import numpy
    numpy.ones(1 << 46)


_MEMORY = {"torch": lambda torch: torch.ones(1 << 46), "numpy": _ask_numpy, "bytes": lambda torch: bytearray(1 << 60)}


def _strike(dist, torch):
    if FAULT == "missing" and not is_mine():
        _CALLS[_CALL](dist, torch.zeros(1))
    if FAULT == "shapes":
        _CALLS[_CALL](dist, torch.zeros(7 if is_mine() else 3))
    if FAULT == "other_call":
        _CALLS[_CALL.split("+")[0 if is_mine() else -1]](dist, torch.zeros(3))
    if not is_mine():
        return
    if FAULT == "exception":
        _raise_one_of_its_own()
    if FAULT == "logged":
        try:
            _raise_one_of_its_own()
        except KeyError:
            logging.exception("training failed")
            sys.exit(1)
    if FAULT == "memory_error":
        _MEMORY[os.environ.get("MEMORY", "torch")](torch)
    if FAULT in surroundings.STRIKES:
        surroundings.STRIKES[FAULT](torch)
    if FAULT in _DEADLY:
        _DEADLY[FAULT]()


def _decode_image():
    import io
    import PIL.Image
    PIL.Image.open(io.BytesIO(b"an answer of the proxy")).load()


_SAMPLES = {
    "json": lambda: json.loads('{"text": "a line that is cut o'),
    "unicode": lambda: b"ein Satz in Latin-1: gr\xfc\xdfe".decode(),
    "image": _decode_image,
}


_WORKER_END = os.environ.get("WORKER_END", "SIGKILL")


def _end_worker():
    if _WORKER_END == "exit":
        os._exit(1)
    if _WORKER_END != "parent":
        os.kill(os.getpid(), signal.Signals[_WORKER_END])


def _is_worker():
    import torch
    return torch.utils.data.get_worker_info() is not None


def sample(read=iter(range(1 << 30))):
    """While a sample is read; the process's eleventh is the one."""
    if not is_mine() or next(read) != 10:
        return
    if FAULT == "worker_killed" and _is_worker():
        _end_worker()
    if FAULT == "wait" and os.environ.get("WAITS") == "worker" and _is_worker():
        time.sleep(3600)
    if FAULT == "bad_sample":
        _SAMPLES[os.environ.get("SAMPLE", "json")]()


_SPOILS = os.environ.get("SPOILS", "parameters")


def spoil(step, model, torch):
    """After the backward pass of a step: the parameters of one rank."""
    if FAULT == "nan" and _SPOILS == "parameters" and is_mine() and step == FAULT_STEP:
        with torch.no_grad():
            next(model.parameters()).fill_(float("nan"))


def spoil_inputs(step, inputs):
    if FAULT == "nan" and _SPOILS != "parameters" and is_mine() and step == FAULT_STEP:
        return inputs * float("nan")
    return inputs


def check_loss(step, loss):
    """What some programs do about a loss that is no number."""
    if FAULT != "nan" or loss == loss:
        return
    if _SPOILS == "raises":
        raise FloatingPointError(f"loss is {loss} at step {step}")
    if _SPOILS == "exits":
        print(f"Loss is {loss}, stopping training", flush=True)
        sys.exit(1)


def slow(step):
    if FAULT == "slow" and is_mine() and step >= FAULT_STEP:
        time.sleep(float(os.environ.get("SLOW_S", "0.5")))


SHARDS = "SHARDS" in os.environ  # each rank saves its own part, the culprit onto the full disk


def _saves_onto_full_disk():
    return is_mine() if SHARDS else RANK == 0


def checkpoint_folder(usual):
    """Where checkpoints go: onto a full disk."""
    return os.environ["SMALL_DISK"] if FAULT == "disk_full" and (is_mine() or not SHARDS) else usual


def odd_width(width):
    """The width of this rank's samples."""
    return width + 3 if FAULT == "batch_shape" and is_mine() else width


def odd_type(tensor):
    """This rank's samples are of another type."""
    return tensor.double() if FAULT == "dtype" and is_mine() else tensor


def leaves_out_head(step):
    """Whether this rank's forward pass does without some of the parameters."""
    return FAULT == "unused" and is_mine() and step == FAULT_STEP


def odd_model_width(width):
    """The width of this rank's model."""
    return width + 5 if FAULT == "model_shapes" and is_mine() else width


def fill_small_disk():
    """Leaves some KiB on it, so that a checkpoint begins and does not end."""
    if FAULT != "disk_full" or not _saves_onto_full_disk():
        return
    ballast = os.open(os.environ["SMALL_DISK"] + "/ballast", os.O_CREAT | os.O_RDWR)
    try:
        while True:
            os.write(ballast, bytes(4096))
    except OSError as error:
        assert error.errno == errno.ENOSPC
    os.ftruncate(ballast, os.fstat(ballast).st_size - (4 << 10))
    os.close(ballast)
