#!/usr/bin/env python3
"""clang-tidy over the project's own sources: those that changed, themselves or by a header, since they last passed.

usage: tidy.py BUILD_DIR      (built with Ninja; what passed is remembered under $XDG_CACHE_HOME/rankscope-tidy)
Exits 1 when anything is found; .clang-tidy says what is looked for.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSED = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rankscope-tidy"
TIDY = "clang-tidy-14"


def is_own(path):
    path = path.resolve()
    return any(path.is_relative_to(ROOT / folder) for folder in ("src", "apps"))


def dependencies(build):
    """Object file -> the files that its last build read, from Ninja's own log."""
    files, current = {}, None
    for line in subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout.splitlines():
        if line and not line[0].isspace():
            current = files.setdefault(line.split(":")[0], [])
        elif line:
            current.append(pathlib.Path(build, line.strip()))
    return files


def sources(build):
    """(source, the project's files that it depends on) of everything that is built and no test."""
    read = dependencies(build)
    for command in json.loads(pathlib.Path(build, "compile_commands.json").read_text()):
        source = pathlib.Path(command["directory"], command["file"])
        if is_own(source) and source.suffix == ".cc" and not source.stem.endswith(("_test", "_benchmark")):
            words = command["command"].split()
            headers = read.get(words[words.index("-o") + 1], [])
            yield source, sorted({source.resolve()} | {file.resolve() for file in headers if is_own(file)})


def key(source, files):
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + str(source.relative_to(ROOT)).encode())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def check(build, source):
    done = subprocess.run([TIDY, "--quiet", "--warnings-as-errors=*", "-p", build, str(source)], capture_output=True, text=True)
    return done.returncode == 0, done.stdout


def main(build):
    PASSED.mkdir(parents=True, exist_ok=True)
    waiting = {source: key(source, files) for source, files in sources(build)}
    changed = {source: digest for source, digest in waiting.items() if not (PASSED / digest).exists()}
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (source, digest), (passed, said) in zip(changed.items(), pool.map(lambda s: check(build, s), changed)):
            if passed:
                (PASSED / digest).touch()
            else:
                failed += 1
                print(said)
    print(f"{len(changed)} of {len(waiting)} sources looked at, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
