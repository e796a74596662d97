"""Real training runs on gloo with a fault each, in the layouts in which their logs lie about, and what the diagnosis
of the files alone makes of them.

    bench/faulted_runs.py run FOLDER [--only TEXT]     # those that FOLDER does not have yet (root: cgroup, small disk)
    bench/faulted_runs.py run FOLDER --drawn SEED --count 40   # others: ranks, steps, words and places by the seed
    bench/faulted_runs.py score FOLDER [--misses]      # accuracy by fault and by layout

$RANKSCOPE: the program. $RANKSCOPE_FRAMEWORKS: a Python with torch, transformers, accelerate, lightning and ms-swift
(tools/install_frameworks.sh makes one); some runs take $TORCH_PYTHON, of another generation of torch. Both find
loguru, rich, structlog, absl-py and tqdm (`pip install --target DIR`, PYTHONPATH=DIR)."""
import argparse
import collections
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "faulted"))
from drawn import all_print, draw_runs, tells_ranks  # noqa: E402
from launches import HERE, LAUNCHES, is_old, plain  # noqa: E402
from layouts import LAYOUTS, NAMES, dress, lose  # noqa: E402
from swift_run import prepare_swift, swift_arguments, swift_program  # noqa: E402

RANKSCOPE = os.environ.get("RANKSCOPE", "build/release/bin/rankscope")
PYTHON = os.environ.get("RANKSCOPE_FRAMEWORKS", "/opt/rankscope-frameworks/bin/python")
OLD_PYTHON = os.environ.get("TORCH_PYTHON", "/usr/bin/python3")

# The classes that are right, and whose fault it is: the culprit's, rank 0's (which saves, which listens), or nobody's.
FAULTS = {
    "healthy": (["none"], None),
    "ill_words": (["none"], None),
    "exception": (["python_exception_one_rank"], "culprit"),
    "nested": (["python_exception_one_rank"], "culprit"),
    "logged": (["python_exception_one_rank"], "culprit"),
    "exit3": (["python_exception_one_rank"], "culprit"),
    "hard_exit": (["python_exception_one_rank"], "culprit"),
    "abort": (["segfault_sigsegv"], "culprit"),
    "segfault": (["segfault_sigsegv"], "culprit"),
    "sigkill": (["host_oom_killed"], "culprit"),
    "host_oom": (["host_oom_killed"], "culprit"),
    "memory_error": (["host_oom_killed"], "culprit"),
    "nan": (["nan_or_inf_loss"], "culprit"),
    "slow": (["straggler"], "culprit"),
    "wait": (["gloo_error", "process_hung"], "culprit"),
    "missing": (["collective_mismatch_hang"], "culprit"),
    "shapes": (["collective_mismatch_hang"], "culprit"),
    "batch_shape": (["tensor_shape_mismatch"], "culprit"),
    "worker_killed": (["dataloader_worker_killed"], "culprit"),
    "bad_sample": (["data_error"], "culprit"),
    "disk_full": (["checkpoint_save_failed"], "rank 0"),
    "port_in_use": (["rendezvous_failed"], "rank 0"),
    "import": (["missing_dependency_import_error"], "culprit"),
    "before_start": (["python_exception_one_rank"], "culprit"),
    "sigfpe": (["segfault_sigsegv"], "culprit"),
    "sigbus": (["segfault_sigsegv"], "culprit"),
    "other_call": (["collective_mismatch_hang"], "culprit"),
    "early_end": (["collective_mismatch_hang"], "culprit"),
    "launcher_term": (["sigterm_preempted"], None),
    "stopped": (["process_hung"], "any"),
    "sigterm": (["sigterm_preempted"], "culprit"),
    "open_files": (["too_many_open_files"], "culprit"),
    "model_shapes": (["tensor_shape_mismatch", "collective_mismatch_hang"], "culprit"),
    "denied": (["permission_denied"], "culprit"),
    "damaged": (["checkpoint_load_failed"], "culprit"),
    "io_error": (["filesystem_stale_or_io_error"], "culprit"),
    "shm_full": (["shared_memory_exhausted"], "culprit"),
    "arguments": (["config_error"], "culprit"),
    "dtype": (["dtype_device_mismatch"], "culprit"),
    "unused": (["unused_parameters_ddp"], "culprit"),
}
# A process that ends without a word looks like any other in its own log: there its class cannot be told, only its rank.
SILENT = ("exit3", "hard_exit", "abort", "segfault", "sigkill", "host_oom", "sigfpe", "sigbus")
DUMPED = ("abort", "segfault", "sigfpe", "sigbus")  # of which faulthandler tells
WITHOUT_LAUNCHER = ("tree", "file a rank", "trees of two nodes")
WITHOUT_RANKS = ("interleaved", "interleaved, srun", "node files")
# Only rank 0 prints, or what is printed is the mean: which rank it was, or that one was slow, is in no line.
UNTOLD_BY_ONE = {("nan", "trainer"), ("nan", "swift"), ("nan", "accelerate"), ("nan", "lightning")}
# Every rank writes a file of its own, so that each may be the first to find the disk full.
UNTOLD = {("disk_full", "trainer"), ("disk_full", "accelerate"), ("disk_full", "swift")}
# On a CPU its process group takes no timeout: ranks that wait do so for half an hour, and their logs just stop.
WAITS_FOR_EVER = ("trainer", "swift")
ONLY_DRAWN = ("sigfpe", "sigbus", "other_call", "early_end", "launcher_term", "stopped", "sigterm", "open_files",
              "model_shapes", "denied", "damaged", "io_error", "shm_full", "arguments", "dtype", "unused")
USUAL = [f for f in FAULTS if f not in ONLY_DRAWN]
FRAMEWORKS = ("ddp", "trainer", "accelerate", "lightning")
OF_FRAMEWORKS = [f for f in USUAL if f not in ("slow", "segfault", "hard_exit", "logged", "memory_error")]


class Run:
    """`variant`: what differs from the usual making, as the environment of its processes."""

    def __init__(self, base, framework, launch, fault, world, culprit, variant=None):
        self.framework, self.launch, self.fault, self.world, self.culprit = framework, launch, fault, world, culprit
        self.variant = variant or {}
        self.under = []  # what its launchers are started by
        self.patience_s = 240
        words = [framework, launch, fault, f"{culprit}of{world}", *self.variant.values()]
        self.name = ".".join(words)  # no word that tells a reader of paths a rank
        self.folder, self.python = os.path.join(base, self.name), OLD_PYTHON if is_old(launch) else PYTHON
        out = self.folder + ("/disk" if fault == "disk_full" else "/out")
        self.program = [f"{HERE}/train_{framework}.py"]
        if framework == "swift":
            self.program = [*([] if launch == "swift" else [swift_program(PYTHON)]), *swift_arguments(base, out)]

    def expected(self, layout):
        """(classes, the ranks any of which is right); none: nobody's fault; "any" where no line tells."""
        classes, whose = FAULTS[self.fault]
        dumps = {"PYTHONFAULTHANDLER", "RECORD"} & set(self.variant)  # torchelastic's @record turns it on, too
        dumped = dumps and self.fault in DUMPED
        if self.fault in SILENT and layout in WITHOUT_LAUNCHER and not dumped:
            classes = ["host_oom_killed"]  # a silent death, of little confidence
        if self.fault == "launcher_term" and layout in WITHOUT_LAUNCHER:
            classes = ["sigterm_preempted", "none"]  # a process that SIGTERM ends says nothing
        if self.fault == "stopped" and layout in WITHOUT_LAUNCHER:
            classes = ["process_hung", "none"]  # the files just end
        if self.fault == "sigterm" and layout in WITHOUT_LAUNCHER:
            classes = ["sigterm_preempted", "host_oom_killed"]  # it dies as silently as of SIGKILL
        if self.fault == "disk_full" and self.framework == "swift":
            classes = ["checkpoint_save_failed", "disk_full"]  # its arguments do not fit either
        by_numbers = self.fault in ("nan", "slow")
        unnamed = layout in WITHOUT_RANKS and not tells_ranks(self.variant)
        untold = UNTOLD if "STYLE" in self.variant else UNTOLD | UNTOLD_BY_ONE
        if (self.fault, self.framework) in untold or (by_numbers and (unnamed or not all_print(self.variant))):
            return classes, "any"
        savers = self.culprits() if "SHARDS" in self.variant else (0,)
        return classes, {"culprit": self.culprits(), "rank 0": savers, "any": "any", None: ()}[whose]

    def culprits(self):
        return (self.culprit, *map(int, filter(None, self.variant.get("OTHERS", "").split("+"))))


def known_runs(base, only):
    """Those that have been carried out, whatever their making."""
    for name in sorted(os.listdir(base)):
        if only not in name or not os.path.exists(f"{base}/{name}/run.json"):
            continue
        with open(f"{base}/{name}/run.json") as file:
            told = json.load(file)
        framework, launch, fault, place = name.split(".")[:4]
        culprit, world = map(int, place.split("of"))
        if fault == "launcher_term" and not any(told["codes"]):
            continue  # it had ended before
        if fault in ("shapes", "port_in_use", "shm_full") and not any(told["codes"]):
            continue  # gloo does not mind a receiver that has room for more, a launcher takes another port
        if framework in WAITS_FOR_EVER and fault in ("missing", "shapes") and set(told["codes"]) == {-9}:
            continue  # its ranks waited without a word until they were killed: the files just end
        yield Run(base, framework, launch, fault, world, culprit, told.get("variant")), told["layouts"]


def runs_of_frameworks(base):
    for number, fault in enumerate(OF_FRAMEWORKS):
        for shift, framework in enumerate(FRAMEWORKS[1:]):
            yield Run(base, framework, "torchrun", fault, 2 + 2 * ((number + shift) % 3 == 0), (number + shift) % 2)
        if fault not in ("batch_shape", "worker_killed", "bad_sample", "import", "before_start"):
            yield Run(base, "swift", "swift", fault, 2, number % 2)


def all_runs(base):
    for number, fault in enumerate(USUAL):
        yield Run(base, "ddp", "torchrun", fault, 2, number % 2)
        yield Run(base, "ddp", "torchrun", fault, 4, 2 - number % 2)
        yield Run(base, "ddp", "two", fault, 4, 3 - number % 3)
        yield Run(base, "ddp", "tasks_old", fault, 3, (number + 1) % 3)
    for run in runs_of_frameworks(base):
        if run.fault != "wait" or run.framework not in WAITS_FOR_EVER:
            yield run


def prepare(run):
    """The environment of a run, with what its fault needs."""
    os.makedirs(run.folder)
    env = os.environ | {"FAULT": run.fault, "CULPRIT": str(run.culprit), "OUT": run.folder + "/out",
                        "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1",
                        "PYTHONPATH": os.pathsep.join((HERE, os.environ.get("PYTHONPATH", "")))} | run.variant
    os.makedirs(env["OUT"])
    if run.fault == "host_oom":
        env["CGROUP"] = f"/sys/fs/cgroup/memory/rankscope_{os.getpid()}"
        os.makedirs(env["CGROUP"])
        with open(env["CGROUP"] + "/memory.limit_in_bytes", "w") as limit:
            limit.write(str(64 << 20))
    if run.fault == "disk_full":
        env["SMALL_DISK"] = run.folder + "/disk"
        os.makedirs(env["SMALL_DISK"])
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", env["SMALL_DISK"]], check=True)
    return env


def clean(run, env):
    if "CGROUP" in env:
        os.rmdir(env["CGROUP"])
    if "SMALL_DISK" in env:
        subprocess.run(["umount", "-l", env["SMALL_DISK"]], check=True)


def has_text(paths):
    """Whether a rank has got so far as to write a line."""
    found = subprocess.run(["grep", "-r", "-l", "-m1", ".", *paths], stdout=subprocess.DEVNULL)
    return found.returncode == 0


def launch(run):
    env = prepare(run)
    try:
        return LAUNCHES[plain(run.launch)](run, env)
    finally:
        clean(run, env)


def carry_out(run):
    processes, codes = launch(run)
    name = NAMES[run.variant.get("NAMES", "usual")]
    layouts = LAYOUTS[plain(run.launch)](run.folder, processes.lines, run.world, name)
    layouts = {name: paths for name, paths in layouts.items() if has_text(paths)}
    if "LOST" in run.variant:
        lose(int(run.variant["LOST"].removeprefix("lost")), layouts, name)
    if "DRESS" in run.variant:
        dress(run.variant["DRESS"], sorted({path for paths in layouts.values() for path in paths}))
    with open(run.folder + "/run.json", "w") as file:
        json.dump({"codes": codes, "layouts": layouts, "variant": run.variant}, file)


def run_all(base, only, seed, count):
    prepare_swift(base, PYTHON)
    drawn = draw_runs(seed, count, lambda *made: Run(base, *made))
    for run in drawn if seed is not None else all_runs(base):
        if only not in run.name or os.path.exists(run.folder + "/run.json"):
            continue
        shutil.rmtree(run.folder, ignore_errors=True)
        carry_out(run)
        print(run.name, flush=True)


def diagnose(paths):
    command = [RANKSCOPE, "diagnose", *paths, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if not done.stdout:
        return "cannot read", None, done.stderr
    verdict = json.loads(done.stdout)
    return verdict["class"], verdict["culprit"] and verdict["culprit"]["rank"], verdict["root_line"]


def is_right(ranks, told):
    return ranks == "any" or told in (ranks or (None,))


class Tally:
    def __init__(self):
        self.of = collections.defaultdict(lambda: [0, 0, 0, 0])  # right class, right rank, nobody named, all

    def count(self, key, right_class, right_rank, abstained):
        for place, holds in enumerate((right_class, right_rank, abstained, True)):
            self.of[key][place] += holds

    def show(self, title):
        print(f"\n| {title} | class | rank | nobody named |\n|---|---|---|---|")
        for key, (classes, ranks, abstained, all_) in self.of.items():
            print(f"| {key} | {classes}/{all_} | {ranks}/{all_} | {abstained} |")


def judge(asked):
    run, layout, paths = asked
    return run, layout, paths, *diagnose(paths)


def score(base, show_misses, only):
    by_fault, by_layout, by_framework, total = Tally(), Tally(), Tally(), Tally()
    asked = [(run, layout, paths) for run, layouts in known_runs(base, only) for layout, paths in layouts.items()]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        judged = list(pool.map(judge, asked))
    for run, layout, paths, told, rank, root in judged:
        classes, ranks = run.expected(layout)
        right = told in classes, is_right(ranks, rank)
        for tally, key in ((by_fault, run.fault), (by_layout, layout), (by_framework, run.framework), (total, "all")):
            tally.count(key, *right, ranks not in ((), "any") and rank is None)
        if show_misses and not all(right):
            print(f"{run.name} [{layout}] {' '.join(paths)}\n"
                  f"    {told} {rank}, not {'/'.join(classes)} {ranks}: {(root or '')[:150]}")
    for tally, title in ((by_fault, "fault"), (by_layout, "layout"), (by_framework, "framework"), (total, "")):
        tally.show(title)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "score"))
    parser.add_argument("folder", type=os.path.abspath)
    parser.add_argument("--only", default="", help="runs whose names have this")
    parser.add_argument("--drawn", type=int, metavar="SEED")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--misses", action="store_true")
    asked = parser.parse_args()
    if asked.what == "run":
        run_all(asked.folder, asked.only, asked.drawn, asked.count)
    else:
        score(asked.folder, asked.misses, asked.only)


if __name__ == "__main__":
    main()
