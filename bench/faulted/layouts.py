"""The ways in which the logs of one run lie about, made of what its launchers printed and of torchrun's own files."""
import contextlib
import os
import re

# The files of ranks, as different people call them.
NAMES = {"usual": "rank_{}.log", "bare": "{}.log", "worker": "worker-{}.out", "slurm": "slurm-4711_{}.out",
         "folder": "{}/train.log", "padded": "train_{:03d}.log", "ended": "log.{}"}
_TEE = re.compile(rb"\[default(\d+)\]:")
# Where another speaks behind a bar that has not ended its line: a rank, or the launcher.
_WRITERS = re.compile(rb"(?=\[default\d+\]:|[WEI]\d{4} [\d:.]+ \d+ torch/distributed/"
                      rb"|(?:WARNING|ERROR):torch\.distributed\.)")


def _write(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.writelines(lines)
    return path


def _bare(line):
    return _TEE.sub(b"", line)


def _pieces(lines):
    return [(source, piece) for source, line in lines for piece in _WRITERS.split(line) if piece]


def _files_of_ranks(folder, lines, ranks_of_source, world, name):
    """One file for each rank, be it empty as of who redirects it; what the launchers print is left out."""
    of_rank = {rank: [] for rank in range(world)}
    for source, line in _pieces(lines):
        told = _TEE.match(line)
        if told and source is not None:
            of_rank[source * ranks_of_source + int(told[1])].append(_bare(line))
    for rank, own in of_rank.items():
        _write(f"{folder}/{name.format(rank)}", own)
    return [folder]


def _labelled(source, line):
    return line if source is None else b"%d: %s" % (source, line)


def of_one_launcher(folder, lines, world, name):
    console = [line for _, line in lines]
    ranks = _files_of_ranks(folder + "/ranks", lines, world, world, name)
    launcher = _write(folder + "/launcher.log", [line for _, line in _pieces(lines) if not _TEE.match(line)])
    return {
        "tee": [_write(folder + "/tee.log", console)],
        "interleaved": [_write(folder + "/interleaved.log", map(_bare, console))],
        "tree": [folder + "/tree"],
        "file a rank": ranks,
        "file a rank, launcher": [*ranks, launcher],
    }


def of_two_launchers(folder, lines, world, name):
    for node in range(2):
        own = [line for source, line in lines if source == node]
        _write(f"{folder}/nodes/node_{node}.log", own)
        _write(f"{folder}/bare_nodes/node_{node}.log", map(_bare, own))
    return {
        "node files, tee": [folder + "/nodes"],
        "node files": [folder + "/bare_nodes"],
        "srun -l of launchers": [_write(folder + "/slurm-17.out", [_labelled(*pair) for pair in lines])],
        "trees of two nodes": [folder + "/tree"],
        "file a rank": _files_of_ranks(folder + "/ranks", lines, world // 2, world, name),
    }


def of_two_that_met(folder, lines, world, name):
    """No file is a rank's, since a node's ranks are as they met."""
    layouts = of_two_launchers(folder, lines, world, name)
    return {how: layouts[how] for how in layouts if how != "file a rank"}


def of_two_redirected(folder, lines, world, name):
    for node in range(2):
        _write(f"{folder}/nodes/node_{node}.log", [line for source, line in lines if source == node])
    return {"trees of two nodes": [folder + "/tree"], "trees, launchers": [folder + "/tree", folder + "/nodes"]}


def of_tasks(folder, lines, world, name):
    for rank in range(world):
        _write(f"{folder}/tasks/{name.format(rank)}", [line for source, line in lines if source == rank])
    return {
        "srun -l": [_write(folder + "/slurm-18.out", [_labelled(*pair) for pair in lines])],
        "file a rank": [folder + "/tasks"],
        "interleaved, srun": [_write(folder + "/slurm.out", [line for _, line in lines])],
    }


def of_swift(folder, lines, world, name):
    console = _write(folder + "/swift.log", [line for _, line in lines])
    return {"interleaved": [console], "interleaved, logging.jsonl": [console, folder + "/out"]}


def of_one_console(folder, lines, world, name):
    return {"interleaved": [_write(folder + "/console.log", [line for _, line in lines])]}


def of_tagged_console(folder, lines, world, name):
    return {"tagged": [_write(folder + "/mpi.log", [line for _, line in lines])]}


def of_redirected(folder, lines, world, name):
    launcher = _write(folder + "/launcher.log", [line for _, line in lines])
    return {"tree": [folder + "/tree"], "tree, launcher": [folder + "/tree", launcher]}


def _cut_head(text):
    """As of a file that was rotated away: a line is whole, what came before it is gone."""
    return text[text.rfind(b"\n", 0, len(text) // 10) + 1:]


_DRESSES = {
    "crlf": lambda text: text.replace(b"\n", b"\r\n"),
    "cut_head": _cut_head,
    "cut_tail": lambda text: text[:-8],  # within its last line
    "last_4k": lambda text: text[-4096:],
    "last_200": lambda text: b"".join(text.splitlines(keepends=True)[-200:]),
}


def dress(how, paths):
    """Alters the logs below the paths as what lies about is altered: $DRESS."""
    for path in paths:
        inside = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
        for file in [path] if os.path.isfile(path) else inside:
            if re.search(r"\.(?:log|out)\b", os.path.basename(file)) or os.path.basename(file).startswith("log."):
                with open(file, "rb") as log:
                    text = log.read()
                written = os.stat(file)
                _write(file, [_DRESSES[how](text)])
                os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))


def lose(rank, layouts, name):
    """The file of a rank, where each has one."""
    for how in layouts.keys() & {"file a rank", "file a rank, launcher"}:
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"{layouts[how][0]}/{name.format(rank)}")


LAYOUTS = {"torchrun": of_one_launcher, "standalone": of_one_launcher, "own": of_one_console, "two": of_two_launchers,
           "tasks": of_tasks, "killed": of_tasks, "swift": of_swift, "accelerate": of_one_console,
           "spawn": of_one_console, "restarts": of_one_launcher, "redirected": of_redirected, "plain": of_one_console,
           "filtered": of_redirected, "rendezvous": of_one_launcher, "two_met": of_two_that_met,
           "two_redirected": of_two_redirected, "mpirun": of_one_console,
           "mpirun_tagged": of_tagged_console}
