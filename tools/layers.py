#!/usr/bin/env python3
"""Holds the rooms' includes to what CMake declares and to the table of ARCHITECTURE.md.

usage: layers.py SOURCE_DIR ROOMS_DIR     (ROOMS_DIR: written by cmake/room.cmake, a file a room)
Exits 1 and names file, line and rule for each breach.
"""
import pathlib
import re
import sys

# Which rooms a room may use at all.
ALLOWED = {
    "base": "",
    "model": "base",
    "embed": "",
    "parse": "model base",
    "wire": "model base",
    "agent": "embed parse wire journal model base",
    "access": "model base",
    "journal": "model base",
    "store": "model base",
    "catalog": "model base",
    "ingest": "wire access journal model base",
    "query": "store model base",
    "backends": "ingest query model base",
    "detect": "model base",
    "diagnose": "detect query parse catalog model base",
    "notify": "model base",
    "monitor": "ingest store catalog query detect diagnose notify parse model base",
    "api": "ingest store catalog query detect diagnose notify access parse model base",
    "cli": "query parse detect diagnose notify model base",
}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<](?:([a-z_]+)/)?([^">]+)[">]')


def declared(rooms_dir):
    rooms = {}
    for file in sorted(pathlib.Path(rooms_dir).iterdir()):
        words = {line.split()[0]: line.split()[1:] for line in file.read_text().splitlines()}
        rooms[file.name] = (set(words.get("uses", [])), set(words.get("hides", [])))
    return rooms


def breaches_of_declarations(rooms):
    for room, (uses, hides) in rooms.items():
        for used in sorted((uses | hides) - set(ALLOWED.get(room, "").split())):
            yield f"src/{room}/CMakeLists.txt: {room} may not use {used}"
    state = {}

    def visit(room, path):
        if state.get(room) == "done":
            return
        if room in path:
            yield "cycle: " + " -> ".join(path[path.index(room):] + [room])
            return
        for used in sorted(set().union(*rooms.get(room, (set(), set())))):
            yield from visit(used, path + [room])
        state[room] = "done"

    for room in rooms:
        yield from visit(room, [])


def breaches_of_includes(source, rooms):
    for file in sorted(pathlib.Path(source, "src").glob("*/**/*.[hc]*")):
        room = file.relative_to(pathlib.Path(source, "src")).parts[0]
        if room not in rooms or file.suffix not in (".h", ".cc"):
            continue
        uses, hides = rooms[room]
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            where = f"{file.relative_to(source)}:{number}"
            other, name = match.groups()
            if name.endswith(".pb.h") and room != "wire":
                yield f"{where}: protobuf stays inside wire"
            if other not in rooms or other == room:
                continue
            if other not in uses | hides:
                yield f"{where}: {room} does not declare that it uses {other}"
            elif file.suffix == ".h" and other in hides:
                yield f"{where}: {other} is hidden (HIDES), a header may not show it"


def main():
    source, rooms_dir = sys.argv[1:]
    rooms = declared(rooms_dir)
    found = list(breaches_of_declarations(rooms)) + list(breaches_of_includes(source, rooms))
    print("\n".join(found) or f"{len(rooms)} rooms keep their layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
