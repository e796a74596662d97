"""Starts training runs as people do: under one torchrun, under two (a node each), rank by rank as `srun` would, by Accelerate's
launcher, by torch.multiprocessing, or by ms-swift."""
import contextlib
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 240
GRACE_S = 40  # for the tasks that are left when one has failed


@contextlib.contextmanager
def port_for(run):
    """A free port; one that somebody listens on where that is the fault."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = str(probe.getsockname()[1])
        if run.fault == "port_in_use":
            probe.listen()
        else:
            probe.close()
        yield port


class Processes:
    """Children whose lines are gathered in the order in which they come: (source, line)."""

    def __init__(self, run):
        # Somebody ends it from outside when it trains.
        self._until = re.compile(rb"(?:step|iter|iteration) *:? *4\b|4/12|'epoch': 0.3") if run.fault == "launcher_term" else None
        self.lines, self.children, self._queue, self._readers = [], [], queue.Queue(), []

    def start(self, command, env):
        source = len(self.children)
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, start_new_session=True)
        reader = threading.Thread(target=self._read, args=(source, child))
        reader.start()
        self.children.append(child)
        self._readers.append(reader)

    def _read(self, source, child):
        for line in child.stdout:
            self._queue.put((source, line))
        self._queue.put((source, None))

    def wait(self, on_end=lambda source, code: []):
        """Until all have ended; `on_end` gives the lines that somebody prints about an end."""
        limit, left = time.monotonic() + PATIENCE_S, len(self.children)
        while left:
            try:
                source, line = self._queue.get(timeout=max(0.1, limit - time.monotonic()))
            except queue.Empty:
                self.end()
                limit = time.monotonic() + PATIENCE_S
                continue
            if line is not None:
                self.lines.append((source, line))
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

    def terminate(self):
        for child in self.children:
            child.terminate()

    def end(self):
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)


def torchrun(python, ranks, folder, *more):
    return [python, "-m", "torch.distributed.run", "--nproc_per_node", str(ranks), "--tee", "3", "--log-dir", folder, *more]


def run_one_launcher(run, env, *more):
    processes = Processes(run)
    with port_for(run) as port:
        options = ["--master_port", port, *more]
        processes.start(torchrun(run.python, run.world, run.folder + "/tree", *options, *run.program), env)
        return processes, processes.wait()


def run_with_restarts(run, env):
    return run_one_launcher(run, env, "--max-restarts", "1")


def run_alone(run, env, command):
    """A launcher that prints whatever its ranks do."""
    processes = Processes(run)
    with port_for(run) as port:
        processes.start([word.replace("PORT", port) for word in command], env)
        return processes, processes.wait()


def run_by_accelerate(run, env):
    launcher = [os.path.dirname(run.python) + "/accelerate", "launch", "--cpu", "--num_processes", str(run.world),
                "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "PORT"]
    return run_alone(run, env, [*launcher, *run.program])


def run_by_spawn(run, env):
    return run_alone(run, env, [run.python, HERE + "/spawned.py", str(run.world), "PORT"])


def run_two_launchers(run, env):
    processes = Processes(run)
    with port_for(run) as port:
        for node in range(2):
            more = ["--nnodes", "2", "--node_rank", str(node), "--master_addr", "127.0.0.1", "--master_port", port]
            processes.start(torchrun(run.python, run.world // 2, f"{run.folder}/tree/node_{node}", *more, *run.program), env)
        return processes, processes.wait()


def _in_sruns_words(task, code):
    words = {-9: "Killed", -11: "Segmentation fault", -6: "Aborted", -15: "Terminated"}
    if code == 0:
        return []
    return [f"srun: error: gpu-{task}: task {task}: {words.get(code, f'Exited with exit code {code}')}\n".encode()]


def run_tasks(run, env):
    processes = Processes(run)
    with port_for(run) as port:
        for rank in range(run.world):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(run.world), "SLURM_PROCID": str(rank),
                   "LOCAL_WORLD_SIZE": str(run.world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            processes.start([run.python, *run.program], env | own)
        return processes, processes.wait(_in_sruns_words)


def run_swift(run, env):
    """ms-swift starts torchrun itself."""
    processes = Processes(run)
    swift = [os.path.dirname(run.python) + "/swift", "sft", *run.program]
    with port_for(run) as port:
        processes.start(swift, env | {"NPROC_PER_NODE": str(run.world), "MASTER_PORT": port})
        return processes, processes.wait()


LAUNCHES = {"torchrun": run_one_launcher, "two": run_two_launchers, "tasks": run_tasks, "tasks_new": run_tasks, "swift": run_swift,
            "accelerate": run_by_accelerate, "spawn": run_by_spawn, "restarts": run_with_restarts}
OLD_LAUNCHES = ("tasks",)  # by another generation of torch
