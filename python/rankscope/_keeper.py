"""rankscope.init() without `rankscope run`: starts a keeper for this process and hands it the output."""

import json
import os
import shutil
import subprocess
import warnings

from rankscope import _rank


def attach(job_id, server):
    """Sets up this process as `rankscope run` would have. Returns whether that worked; warns when it did not."""
    program = _program()
    if program is None:
        warnings.warn("rankscope: nothing is recorded: the program `rankscope` is not on the PATH", stacklevel=3)
        return False
    ready = _start(program, job_id or _job_id(), server)
    if ready is None:
        return False
    os.environ.update(
        RANKSCOPE_RUN="1",
        RANKSCOPE_SOCKET=ready["socket"],
        RANKSCOPE_RINGS=ready["rings"],
        RANKSCOPE_STDOUT_INODE=_rank.inode_of(1),
        RANKSCOPE_STDERR_INODE=_rank.inode_of(2),
        RANKSCOPE_RANK_PID=str(os.getpid()),
    )
    who = _rank.identity()
    if who is None and (who := _rank.alone()):
        os.environ["RANKSCOPE_LONE_RANK"] = str(os.getpid())  # for its ring
    _rank.take_pipes(who or {"pid": os.getpid(), "attempt": 0})
    _rank.install_hooks()
    return True


def _program():
    here = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.normpath(os.path.join(here, "..", "..", "..", "..", "bin", "rankscope"))
    return beside if os.access(beside, os.X_OK) else shutil.which("rankscope")


def _job_id():
    """The same for all ranks of a launch on one node that `rankscope` itself finds no id for; else it finds one."""
    run = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    if run != "none":
        return run
    if "LOCAL_RANK" in os.environ and "SLURM_JOB_ID" not in os.environ:
        with open(f"/proc/{os.getppid()}/stat") as stat:
            began = stat.read().rsplit(")", 1)[1].split()[19]
        return f"j-{os.environ.get('MASTER_ADDR', 'local')}-{os.getppid()}-{began}"
    return None


def _start(program, job_id, server):
    """The keeper's first line. It inherits fd 1 and 2, where it mirrors what this process prints from now on."""
    read, write = os.pipe()
    command = [program, "keep", "--pid", str(os.getpid()), "--ready-fd", str(write)]
    command += ["--job_id", job_id] if job_id else []
    command += ["--server", server] if server else []
    try:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[write], start_new_session=True)
    finally:
        os.close(write)
    with os.fdopen(read) as answer:
        line = answer.readline()  # or its end, where the keeper could not start and said why on stderr
    return json.loads(line) if line else None
