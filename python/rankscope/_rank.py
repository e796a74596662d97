"""What makes a Python process a rank that rankscope knows: pipes of its own, lines that leave at once, hooks.

A rank asks the keeper's socket for the write ends of two pipes of its own for fd 1 and 2, so that lines of ranks that
share the launcher's pipe are told apart and never cut each other. Standard library only, no threads.
"""

import os
import sys


def start():
    """For every Python process under `rankscope run`. A child of a rank keeps the rank's pipes."""
    who = identity()
    if who is None and _is_launcher():
        os.environ["RANKSCOPE_LAUNCHER"] = str(os.getpid())  # for its ring
    if who and who["rank"] is not None and "RANKSCOPE_RANK_PID" not in os.environ:
        os.environ["RANKSCOPE_RANK_PID"] = str(os.getpid())
        try:
            take_pipes(who)
        except OSError:  # a keeper that is too busy: its lines stay in the launcher's pipe, and all else is as ever
            pass
    _buffer_lines()
    install_hooks()
    if os.environ.get("RANKSCOPE_RANK_PID") == str(os.getpid()):
        _open_ring()
    if os.environ.get("RANKSCOPE_SWIFT_MONITOR") == "1":
        from rankscope import swift_monitor  # noqa: F401


def _open_ring():
    """Also of a rank that never logs: what is asked of it, as its stacks, is asked by way of the ring."""
    try:
        from rankscope import _recorder

        _recorder.open_early()
    except Exception:
        pass


def install_hooks():
    from rankscope import hooks

    hooks.install()
    _watch_exceptions()


def _number(*names):
    for name in names:
        try:
            return int(os.environ[name])
        except (KeyError, ValueError):
            continue
    return None


# Programs and modules that start ranks: in a Slurm or MPI task of their own they are none, whatever its variables say.
_LAUNCHERS = {"torchrun", "torch.distributed.run", "torch.distributed.launch", "accelerate", "accelerate.commands.launch",
              "deepspeed", "deepspeed.launcher.runner", "deepspeed.launcher.launch", "swift"}


def _is_launcher():
    with open("/proc/self/cmdline") as file:
        words = file.read().split("\0")[1:]
    while words:
        word = words.pop(0)
        if word == "-m":
            return words[0] in _LAUNCHERS
        if word in ("-X", "-W"):
            words.pop(0)
        elif not word.startswith("-"):
            return os.path.basename(word) in _LAUNCHERS
    return False


_LOCAL_RANK = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
_RANK = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_NODE_RANK = ("GROUP_RANK", "NODE_RANK", "SLURM_NODEID")
_WORLD_SIZE = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")


def identity():
    """Who this process is, or None where it is no rank. RANK is a global rank only beside LOCAL_RANK."""
    if "LOCAL_RANK" not in os.environ and _is_launcher():
        return None
    local_rank = _number(*_LOCAL_RANK)
    if local_rank is None:
        return None
    rank = _number("RANK") if "LOCAL_RANK" in os.environ else None
    return {
        "rank": _number(*_RANK) if rank is None else rank,
        "local_rank": local_rank,
        "node_rank": _number(*_NODE_RANK),
        "world_size": _number(*_WORLD_SIZE),
        "attempt": max(_number("TORCHELASTIC_RESTART_COUNT") or 0, _number("SLURM_RESTART_COUNT") or 0),
        **_this_process(),
    }


def alone():
    """Who a process is that says itself that it trains, and that no launcher has told anything: rank 0 of a world of one.
    None where RANK or the like stands alone: it may be the node's."""
    if any(name in os.environ for name in ("RANK", *_RANK, *_LOCAL_RANK, *_NODE_RANK, *_WORLD_SIZE)):
        return None
    return {"rank": 0, "local_rank": 0, "node_rank": 0, "world_size": 1, "attempt": 0, **_this_process()}


def _this_process():
    return {
        "pid": os.getpid(),
        "python": sys.version.split()[0],
        "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "source": "hook",
        "error_file": os.environ.get("TORCHELASTIC_ERROR_FILE"),
    }


def _is_launchers(fd, variable):
    """Whether fd is still what the launcher gave: the keeper's own pipe, or one that the launcher forwards to it. What the
    user has redirected, or a script around us reads, stays as it is."""
    return inode_of(fd) == os.environ.get(variable) or _is_forwarded(fd)


# mpirun and srun give each rank a pipe or a terminal of its own and copy what comes; unless they do more with it.
_FORWARDERS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_MORE = ("OMPI_MCA_orte_tag_output", "OMPI_MCA_orte_timestamp_output", "OMPI_MCA_orte_output_filename")


def _is_forwarded(fd):
    import stat

    names = [name for name in _FORWARDERS if name in os.environ]
    if not names or "LOCAL_RANK" in os.environ or any(name in os.environ for name in _MORE):
        return False
    mode = os.fstat(fd).st_mode
    if not (stat.S_ISFIFO(mode) or os.isatty(fd)):
        return False
    given = os.stat(f"/proc/{_first_process(names[0])}/fd/{fd}")
    return inode_of(fd) == "%d:%d" % (given.st_dev, given.st_ino)


def _is_log_of_torchelastic(fd):
    """A file that torchrun's --redirects has made for this rank alone, and does not read itself as with --tee."""
    import stat

    if "TORCHELASTIC_RUN_ID" not in os.environ or not stat.S_ISREG(os.fstat(fd).st_mode):
        return False
    path = os.readlink(f"/proc/self/fd/{fd}").split("/")
    local_rank = os.environ.get("LOCAL_RANK")
    return path[-2:] == [local_rank, ("stdout.log", "stderr.log")[fd - 1]] and not _is_teed(fd, local_rank)


def _is_teed(fd, local_rank):
    """Whether torchrun copies it to its own output: --tee 3, or 0:1,1:3 by local rank; 1 is stdout and 2 stderr, or both."""
    with open(f"/proc/{_parent(_first_process('TORCHELASTIC_RUN_ID'))}/cmdline") as file:
        words = file.read().replace("--tee=", "--tee\0").split("\0")
    said = [value for name, value in zip(words, words[1:]) if name in ("--tee", "-t")] or [os.environ.get("PET_TEE", "0")]
    try:
        streams = [part.rpartition(":") for part in said[0].split(",")]
        return any(int(stream) & fd for rank, _, stream in streams if rank in ("", local_rank))
    except ValueError:
        return True


def _parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def _first_process(name):
    """The rank's process that the launcher started: this one, or a script around it."""
    pid = os.getpid()
    while True:
        parent = _parent(pid)
        try:
            with open(f"/proc/{parent}/environ", "rb") as file:
                inside = b"\0" + name.encode() + b"=" in b"\0" + file.read()
        except OSError:  # another user's: a daemon
            inside = False
        if not inside:
            return pid
        pid = parent


def inode_of(fd):
    info = os.fstat(fd)
    return "%d:%d" % (info.st_dev, info.st_ino)


def take_pipes(identity):
    ours = [fd for fd, name in ((1, "RANKSCOPE_STDOUT_INODE"), (2, "RANKSCOPE_STDERR_INODE")) if _is_launchers(fd, name)]
    identity["files"] = [fd for fd in (1, 2) if fd not in ours and _is_log_of_torchelastic(fd)]
    if not ours and not identity["files"]:
        return
    pipes = _ask_for_pipes(identity) or _ask_for_pipes(identity)  # again: a keeper that died then has a successor
    if len(pipes) == 2:
        for fd in ours:
            os.dup2(pipes[fd - 1], fd)
    for pipe in pipes:
        os.close(pipe)


def _ask_for_pipes(identity):
    """The write ends of the two pipes; nothing where the keeper died before it answered."""
    import json
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as keeper:
        keeper.settimeout(20)  # it answers hundreds of ranks one by one, on a node that has just begun
        keeper.connect(os.environ["RANKSCOPE_SOCKET"])
        try:
            keeper.sendall(json.dumps(identity).encode())
            return socket.recv_fds(keeper, 1, 2)[1]
        except ConnectionError:
            return []


def _buffer_lines():
    """A line reaches the pipe when it is printed: what sits in Python's own buffer dies with the process."""
    if os.environ.get("RANKSCOPE_BUFFERING", "line") == "line" and "PYTHONUNBUFFERED" not in os.environ:
        sys.stdout.reconfigure(line_buffering=True)


def _watch_exceptions():
    """Tells the uncaught exception, and with it the exit code, where the kernel will not tell how the rank ended. That of a
    launcher, once its ranks have ended, says nothing of its own; and nobody has anything to ask of it."""
    if _is_launcher():
        return
    before = sys.excepthook

    def excepthook(kind, error, traceback):
        if issubclass(kind, KeyboardInterrupt):  # Python ends by SIGINT then; unless code is run from a string, as imports do
            return before(kind, error, traceback)
        try:
            from rankscope import _recorder

            _recorder.event("uncaught_exception", f"ends by an uncaught {kind.__name__}: {error}", level="error",
                            exception=kind.__name__, exit_code=1, pid=os.getpid())
        except Exception:
            pass
        before(kind, error, traceback)
        _await_end_of_action()

    sys.excepthook = excepthook


def _await_end_of_action():
    try:
        from rankscope import _hold

        sys.stderr.flush()
        _hold.await_end_of_action()
    except Exception:
        pass
