"""Starts training runs as people do: under one torchrun, under two (a node each), rank by rank as `srun` would, by Open
MPI's mpirun, by Lightning, by Accelerate's launcher, by torch.multiprocessing, or by ms-swift."""
import contextlib
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../../tests/e2e")
from ports import port_to_come_back_to  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it, and so do their children
LOOKS_HUNG_S = 30  # to whoever ends a run that does nothing any more
GRACE_S = 40  # for the tasks that are left when one has failed


@contextlib.contextmanager
def port_for(run):
    """A free port; one that somebody listens on where that is the fault."""
    port = port_to_come_back_to()
    with contextlib.ExitStack() as held:
        if run.fault == "port_in_use":
            held.enter_context(socket.create_server(("0.0.0.0", port)))
        yield str(port)


def is_old(launch):
    """Whether it is by another generation of torch."""
    return launch.endswith("_old")


def plain(launch):
    return launch.removesuffix("_old")


def _descendants(pid):
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], stdout=subprocess.PIPE, text=True).stdout
    children = [int(word) for word in told.split()]
    return [*children, *(other for child in children for other in _descendants(child))]


class Processes:
    """Children whose lines are gathered in the order in which they come: (source, line)."""

    def __init__(self, run):
        # Somebody ends it from outside when it trains.
        trains = re.compile(rb"(?:step|iter|iteration) *:? *4\b|4/12|'epoch': 0.3")
        self._until = trains if run.fault == "launcher_term" else None
        self._hangs, self._under = run.fault == "stopped", run.under
        self._trained = False  # as far as its lines tell
        self._signal = signal.Signals[run.variant.get("SIGNAL", "SIGTERM")]
        self._patience_s, self.was_ended = run.patience_s, False
        self._stamped = "STAMPED" in run.variant  # as `ts` does
        self.lines, self.children, self._queue, self._readers = [], [], queue.Queue(), []

    def start(self, command, env):
        source = len(self.children)
        child = subprocess.Popen([*self._under, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                                 start_new_session=True)
        reader = threading.Thread(target=self._read, args=(source, child))
        reader.start()
        self.children.append(child)
        self._readers.append(reader)

    def _read(self, source, child):
        for line in child.stdout:
            stamp = time.strftime("%b %d %H:%M:%S ").encode() if self._stamped else b""
            self._queue.put((source, stamp + line))
        self._queue.put((source, None))

    def wait(self, on_end=lambda source, code: []):
        """Until all have ended; `on_end` gives the lines that somebody prints about an end."""
        limit, left = time.monotonic() + self._patience_s, len(self.children)
        while left:
            try:
                source, line = self._queue.get(timeout=self._patience(limit))
            except queue.Empty:
                if self._hangs:
                    self.terminate()
                else:
                    self.end()
                self._hangs = False
                limit = time.monotonic() + self._patience_s
                continue
            if line is not None:
                self.lines.append((source, line))
                self._trained = self._trained or re.search(rb"\bstep\W+\d", line) is not None
                if self._until and self._until.search(line):
                    self._until = self.terminate()
                continue
            left -= 1
            code = self.children[source].wait()
            self.lines += [(None, said) for said in on_end(source, code)]
            if code:
                limit = min(limit, time.monotonic() + GRACE_S)
        for reader in self._readers:
            reader.join()
        return [child.returncode for child in self.children]

    def _patience(self, limit):
        return LOOKS_HUNG_S if self._hangs and self._trained else max(0.1, limit - time.monotonic())

    def terminate(self):
        for child in self.children:
            if self._signal == signal.SIGINT and child.poll() is None:
                os.killpg(child.pid, signal.SIGINT)  # as of Ctrl-C
            else:
                child.terminate()

    def end(self):
        """With all that they have started, which holds their pipes open."""
        self.was_ended = True
        for child in self.children:
            for pid in [child.pid, *_descendants(child.pid)] if child.poll() is None else []:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def torchrun(run, ranks, folder, *more, streams="--tee"):
    where = [streams, "3", "--log_dir", folder] if streams else []
    program = [HERE + "/old_torchrun.py"] if is_old(run.launch) else ["-m", "torch.distributed.run"]
    return [run.python, *program, "--nproc_per_node", str(ranks), *where, *more]


def run_one_launcher(run, env, *more, streams="--tee"):
    processes = Processes(run)
    with port_for(run) as port:
        options = ["--master_port", port, *more]
        processes.start(torchrun(run, run.world, run.folder + "/tree", *options, *run.program, streams=streams), env)
        return processes, processes.wait()


def run_standalone(run, env):
    """Without an address: torchrun takes a port itself."""
    processes = Processes(run)
    processes.start(torchrun(run, run.world, run.folder + "/tree", "--standalone", *run.program), env)
    return processes, processes.wait()


def run_redirected(run, env):
    """What the ranks print is in torchrun's files alone."""
    return run_one_launcher(run, env, streams="--redirects")


def run_plain(run, env):
    """As most people start torchrun: what the ranks print goes by no name."""
    return run_one_launcher(run, env, streams=None)


def run_filtered(run, env):
    """The console shows the first rank alone."""
    return run_one_launcher(run, env, "--local-ranks-filter", "0")


def run_rendezvous(run, env):
    """The ranks meet at a store that the launcher brings."""
    processes = Processes(run)
    with port_for(run) as port:
        processes.start(torchrun(run, run.world, run.folder + "/tree", *_rendezvous(port), *run.program), env)
        return processes, processes.wait()


def _rendezvous(port):
    return ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:" + port, "--rdzv-id", "pretrain-7"]


def run_with_restarts(run, env):
    return run_one_launcher(run, env, "--max_restarts", run.variant.get("RESTARTS", "1"))


def run_alone(run, env, command):
    """A launcher that prints whatever its ranks do."""
    processes = Processes(run)
    with port_for(run) as port:
        env = {name: value.replace("{port}", port) for name, value in env.items()}
        processes.start([word.replace("{port}", port) for word in command], env)
        return processes, processes.wait()


def run_by_accelerate(run, env):
    """Its launcher of several GPUs; the program asks for CPUs itself."""
    launcher = [os.path.dirname(run.python) + "/accelerate", "launch", "--multi_gpu", "--num_processes", str(run.world),
                "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
                "--main_process_port", "{port}"]
    return run_alone(run, env, [*launcher, *run.program])


def _of_task(run, rank, port):
    return {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(run.world),
            "LOCAL_WORLD_SIZE": str(run.world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}


def run_by_mpirun(run, env, *more):
    command = ["mpirun", "--allow-run-as-root", "--oversubscribe", *more]
    for rank in range(run.world):
        own = [word for name, value in _of_task(run, rank, "{port}").items() for word in ("-x", f"{name}={value}")]
        command += [*([":"] if rank else []), "-n", "1", *own, run.python, *run.program]
    return run_alone(run, env, command)


def run_by_itself(run, env):
    """Lightning starts the other ranks."""
    env = env | {"LOCAL_WORLD_SIZE": str(run.world), "MASTER_PORT": "{port}"}
    return run_alone(run, env, [run.python, *run.program])


def run_by_spawn(run, env):
    return run_alone(run, env, [run.python, HERE + "/spawned.py", str(run.world), "{port}"])


def _as_node(node, port):
    return ["--node_rank", str(node), "--master_addr", "127.0.0.1", "--master_port", port]


def run_two_launchers(run, env, meet=_as_node, streams="--tee"):
    processes = Processes(run)
    with port_for(run) as port:
        for node in range(2):
            options = ["--nnodes", "2", *meet(node, port), *run.program]
            folder = f"{run.folder}/tree/node_{node}"
            processes.start(torchrun(run, run.world // 2, folder, *options, streams=streams), env)
        return processes, processes.wait()


def run_two_that_meet(run, env):
    """Which launcher has the first ranks is as they come."""
    return run_two_launchers(run, env, lambda node, port: _rendezvous(port))


def run_two_redirected(run, env):
    return run_two_launchers(run, env, streams="--redirects")


def _in_sruns_words(task, code):
    words = {-9: "Killed", -11: "Segmentation fault", -6: "Aborted", -15: "Terminated", -7: "Bus error",
             -8: "Floating point exception"}
    if code == 0:
        return []
    return [f"srun: error: gpu-{task}: task {task}: {words.get(code, f'Exited with exit code {code}')}\n".encode()]


_STEP_ABORTED = b"srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"


def _step_cancelled():
    return f"slurmstepd: error: *** STEP 18.0 ON gpu-0 CANCELLED AT {time.strftime('%Y-%m-%dT%H:%M:%S')} ***\n".encode()


class KillOnBadExit:
    """`srun --kill-on-bad-exit`: ends the other tasks when one has failed, and says so."""

    def __init__(self, processes, cancelled):
        self._processes, self._ended, self._cancelled = processes, 0, cancelled

    def __call__(self, task, code):
        self._ended += 1
        own = _in_sruns_words(task, code)
        if self._cancelled:  # the signal came to srun itself
            said, self._cancelled = [_STEP_ABORTED, _step_cancelled(), *own], False
            return said
        if code and self._ended == 1:
            self._processes.terminate()
            return [*own, b"srun: Terminating StepId=18.0\n", _step_cancelled()]
        return own


def _run_tasks(run, env, on_end_of):
    processes = Processes(run)
    with port_for(run) as port:
        for rank in range(run.world):
            processes.start([run.python, *run.program], env | _of_task(run, rank, port) | {"SLURM_PROCID": str(rank)})
        return processes, processes.wait(on_end_of(processes))


def run_tasks(run, env):
    return _run_tasks(run, env, lambda processes: _in_sruns_words)


def run_tasks_that_srun_kills(run, env):
    return _run_tasks(run, env, lambda processes: KillOnBadExit(processes, run.fault == "launcher_term"))


def run_swift(run, env):
    """ms-swift starts torchrun itself."""
    processes = Processes(run)
    swift = [os.path.dirname(run.python) + "/swift", "sft", *run.program]
    with port_for(run) as port:
        processes.start(swift, env | {"NPROC_PER_NODE": str(run.world), "MASTER_PORT": port})
        return processes, processes.wait()


LAUNCHES = {"torchrun": run_one_launcher, "standalone": run_standalone, "own": run_by_itself, "two": run_two_launchers,
            "tasks": run_tasks, "killed": run_tasks_that_srun_kills, "swift": run_swift,
            "accelerate": run_by_accelerate, "spawn": run_by_spawn, "restarts": run_with_restarts,
            "redirected": run_redirected, "plain": run_plain, "filtered": run_filtered,
            "rendezvous": run_rendezvous, "two_met": run_two_that_meet, "two_redirected": run_two_redirected,
            "mpirun": run_by_mpirun, "mpirun_tagged": lambda run, env: run_by_mpirun(run, env, "-tag-output")}
