"""How the ranks of a run print their steps: $STYLE. Each style is as some trainer or logger words them."""
import datetime
import json
import logging
import os
import sys

from loggers import LIBRARIES

STYLE = os.environ.get("STYLE", "times")
FLUSHES = "BUFFERED" not in os.environ  # else what is printed comes when the buffer is full, or the process ends
_FORMATS = {
    "logging": "%(asctime)s - %(levelname)s - %(name)s - %(message)s",
    "logger": "%(asctime)s [%(levelname)s] [rank {rank}] %(message)s",
    "basic": "%(levelname)s:%(name)s:%(message)s",
    "loguru": "%(asctime)s.%(msecs)03d | %(levelname)-8s | __main__:main:71 - %(message)s",
    "deep": "[%(asctime)s] [%(levelname)s] [train.py:88:main] [Rank {rank}] %(message)s",
    "coloured": "\033[36m%(asctime)s\033[0m | \033[1;32m%(levelname)s\033[0m | "
                "\033[35mtrain\033[0m:\033[35mmain\033[0m - %(message)s",
    "labelled": "%(asctime)s %(levelname)s [worker-{rank}] (%(process)d) %(message)s",
    "syslog": "%(asctime)s gpu-0 train[%(process)d]: %(message)s",
}
MAIN_ONLY = ("main", "bar", "timm", "mmengine", "fairseq", "deepspeed")  # rank 0 alone prints


_library = None


def prepare(rank):
    global _library
    if STYLE in LIBRARIES:
        _library = LIBRARIES[STYLE](rank)
    if STYLE in _FORMATS:
        of_day = "%b %d %H:%M:%S" if STYLE == "syslog" else None
        words = _FORMATS[STYLE].format(rank=rank)
        logging.basicConfig(level=logging.INFO, format=words, datefmt=of_day, stream=sys.stderr)


def _now():
    return datetime.datetime.now().isoformat(sep=" ", timespec="milliseconds")


def _words(step, loss, own_s, step_s):
    return f"step {step}/12 loss={loss:.4f} lr=1.00e-02 compute_time={own_s:.3f} step_time={step_s:.3f}"


def _pairs(step, loss, own_s, step_s):
    return f"step={step} loss={loss:.4f} compute_time={own_s:.3f} step_time={step_s:.3f}"


_PRINTED = {
    "times": lambda rank, step, loss, own_s, step_s: (
        f"{_now()} step {step} loss {loss:.4f} lr 0.01 compute_time {own_s:.3f} step_time {step_s:.3f}"),
    "prefixed": lambda rank, *of: f"[rank {rank}] {_words(*of)}",
    "spoken": lambda rank, *of: f"Rank {rank}: {_words(*of)}",
    "short": lambda rank, step, loss, own_s, step_s: (
        f"[{rank}] epoch 0 | iter {step} | loss {loss:.3f} | fwd {own_s * 1e3:.0f}ms"),
    "field": lambda rank, *of: f"rank={rank} {_words(*of)}",
    "json": lambda rank, step, loss, own_s, step_s: json.dumps(
        {"rank": rank, "step": step, "loss": loss, "compute_time": own_s, "step_time": step_s}),
    "hf": lambda rank, step, loss, own_s, step_s: str(
        {"loss": round(loss, 4), "grad_norm": 1.5, "learning_rate": 0.01, "epoch": step / 12}),
    "main": lambda rank, *of: _words(*of),
    "megatron": lambda rank, step, loss, own_s, step_s: (
        f" iteration {step + 1:8d}/      12 | consumed samples: {16 * (step + 1):12d} "
        f"| elapsed time per iteration (ms): {step_s * 1e3:.1f} | learning rate: 1.000000E-02 "
        f"| global batch size:    16 | lm loss: {loss:.6E} | grad norm: 1.500 |"),
    "logfmt": lambda rank, *of: f'ts={_now().replace(" ", "T")} level=info rank={rank} msg="train step" ' + _pairs(*of),
    "titan": lambda rank, step, loss, own_s, step_s: (
        f"[titan] {_now()} - root - INFO - step: {step:2d}  loss: {loss:8.5f}  grad_norm:  1.5000  "
        "memory:  1.00GiB(2.00%)  tps: 7,123"),
    "nemo": lambda rank, step, loss, own_s, step_s: (
        f"Training epoch 0, iteration {step}/11 | lr: 0.01 | global_batch_size: 16 | global_step: {step} "
        f"| reduced_train_loss: {loss:.4f} | train_step_timing in s: {step_s:.4f}"),
    "worded": lambda rank, step, loss, own_s, step_s: (
        f"rank {rank} step {step}: loss {loss:.4f}, compute {own_s:.3f}s, total {step_s:.3f}s"),
    "waits": lambda rank, step, loss, own_s, step_s: (
        f"[rank {rank}] step {step} loss {loss:.4f} wait={step_s - own_s:.3f} step_time={step_s:.3f}"),
    "epochs": lambda rank, step, loss, own_s, step_s: f"Epoch [1/1], Step [{step + 1}/12], Loss: {loss:.4f}",
    "sparse": lambda rank, *of: f"step {of[0]}: loss {of[1]:.3f}",
    "timm": lambda rank, step, loss, own_s, step_s: (
        f"Train: 0 [{step:4d}/12 ({100 * step / 11:3.0f}%)]  Loss: {loss:#.4g} ({loss:#.3g})  "
        f"Time: {step_s:.3f}s, {16 / step_s:>7.2f}/s  "
        f"({step_s:.3f}s, {16 / step_s:>7.2f}/s)  LR: 1.000e-02  Data: 0.001 (0.002)"),
    "mmengine": lambda rank, step, loss, own_s, step_s: (
        f"{datetime.datetime.now():%m/%d %H:%M:%S} - mmengine - INFO - Epoch(train) [1][{step + 1:2d}/12]  "
        f"lr: 1.0000e-02  eta: 0:00:03  time: {step_s:.4f}  data_time: 0.0010  loss: {loss:.4f}"),
    "fairseq": lambda rank, step, loss, own_s, step_s: f"{_now()[:19]} | INFO | train_inner | " + json.dumps(
        {"epoch": 1, "update": round(step / 12, 3), "loss": f"{loss:.3f}", "num_updates": str(step), "lr": "0.01",
         "gnorm": "1.5"}),
    "deepspeed": lambda rank, step, loss, own_s, step_s: (
        f"steps: {step + 1} loss: {loss:.4f} iter time (s): {step_s:.3f} samples/sec: {16 / step_s:.3f}"),
    "parts": lambda rank, step, loss, own_s, step_s: (
        f"[R{rank}] it={step} loss={loss:.4f} data=0.4ms fwd={own_s * 1e3:.1f}ms "
        f"bwd+sync={(step_s - own_s) * 1e3:.1f}ms total={step_s * 1e3:.1f}ms"),
    "local": lambda rank, step, loss, own_s, step_s: (
        f"[rank{rank}] step={step} loss={loss:.4f} local_time={own_s:.3f}s comm_time={step_s - own_s:.3f}s"),
    "busy": lambda rank, step, loss, own_s, step_s: (
        f"rank {rank} | step {step} | loss {loss:.4f} | work {own_s:.3f}s | sync {step_s - own_s:.3f}s"),
    "csv": lambda rank, step, loss, own_s, step_s: f"{rank},{step},{loss:.5f},{own_s:.4f},{step_s:.4f}",
    "said": lambda rank, step, loss, own_s, step_s: (
        f"worker {rank} finished step {step} of 12 (loss {loss:.4f}) in {step_s:.2f} s"),
    "table": lambda rank, step, loss, own_s, step_s: f"| {step:5d} | {loss:9.4f} | 1.00e-02 | {step_s * 1e3:8.1f} ms |",
}


def report(rank, step, loss, own_s, step_s):
    """Of one step; `own_s` is what the rank did by itself."""
    if (STYLE in MAIN_ONLY and rank != 0) or STYLE == "quiet" or (STYLE == "sparse" and step % 5 > 0):
        return
    if _library:
        return _library(rank, step, loss, own_s, step_s)
    if STYLE in _FORMATS:
        return logging.getLogger("train").info(_words(step, loss, own_s, step_s))
    if STYLE in ("bar", "bars"):
        name = "Epoch 0" if STYLE == "bar" else f"rank {rank}"
        bar, digit = "#" * step, step % 9
        speed = f"[00:0{digit}<00:03, 9.{digit}it/s, loss={loss:.3f}]"
        return print(f"\r{name}: {step * 8}%|{bar:12}| {step + 1}/12 {speed}", end="", flush=FLUSHES)
    print(_PRINTED[STYLE](rank, step, loss, own_s, step_s), flush=FLUSHES)
