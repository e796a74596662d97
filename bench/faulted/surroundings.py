"""What a rank's machine, its files and its arguments do to it: $FAULT names it, as in faults.py."""
import argparse
import ctypes
import errno
import os
import resource
import threading
import time

OUT = os.environ.get("OUT", ".")
_NEW_MOUNTS, _PRIVATE = 0x00020000, 1 << 18 | 1 << 14  # linux/sched.h, sys/mount.h


def take_own_shared_memory():
    """A small /dev/shm that this process and its children alone see."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = [libc.unshare(_NEW_MOUNTS), libc.mount(b"none", b"/", None, _PRIVATE, None),
            libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"size=512k")]
    if any(done):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _keep_shared_memory_full():
    """Also what is given back."""
    with open("/dev/shm/ballast", "wb", buffering=0) as ballast:
        while True:
            try:
                ballast.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC
                time.sleep(0.001)


def _fill_shared_memory(torch):
    threading.Thread(target=_keep_shared_memory_full, daemon=True).start()


def _be_denied(torch):
    """As another user, below a folder of root's."""
    os.makedirs(OUT + "/checkpoints", mode=0o700, exist_ok=True)
    os.seteuid(65534)
    try:
        open(OUT + "/checkpoints/part0.pt", "wb").close()
    finally:
        os.seteuid(0)


def _load_damaged(torch):
    path = OUT + "/before.pt"
    torch.save({"weight": torch.zeros(4096)}, path)
    os.truncate(path, 3000)
    torch.load(path)


def _read_what_cannot_be_read(torch):
    with open("/proc/self/mem", "rb") as file:  # EIO, as of a bad disk
        file.read(1)


def _open_files_without_end(torch):
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    held = []
    while True:
        held.append(open("/dev/null"))


STRIKES = {"open_files": _open_files_without_end, "shm_full": _fill_shared_memory, "denied": _be_denied,
           "damaged": _load_damaged, "io_error": _read_what_cannot_be_read}


def take_arguments():
    parser = argparse.ArgumentParser(prog="train.py")
    parser.add_argument("--lr", type=float)
    parser.parse_args(["--lr", "0.01", "--zero-stage", "3"])
