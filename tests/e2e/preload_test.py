"""`rankscope run --preload`: ranks that are not Python get a channel of their own."""
import json
import os
import re
import socket
import subprocess
import sys
import unittest

from harness import PATIENCE, PlaceCase, ServerCase
from jobs_test import LAUNCHER

RANK = os.environ["PRELOADED_RANK"]  # preloaded_rank.c, built


LIBRARY = os.path.join(os.path.dirname(os.path.dirname(os.environ["RANKSCOPE"])), "lib/rankscope/librankscope_preload.so")
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
WHO = ("rank", "local_rank", "node_rank", "world_size", "attempt")


class IdentityTest(PlaceCase):
    """Each variable of a launcher means the same to the preloaded library and to the Python bootstrap."""

    def setUp(self):
        super().setUp()
        self.door = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.door.close)
        self.door.bind(self.place.path + "/door")
        self.door.listen()
        self.door.settimeout(PATIENCE)

    def preloaded(self, variables):
        out, into = os.pipe()
        inode = "%d:%d" % (os.fstat(into).st_dev, os.fstat(into).st_ino)
        rank = subprocess.Popen([RANK], stdout=into, stderr=subprocess.DEVNULL, env={
            **variables, "LD_PRELOAD": LIBRARY, "RANKSCOPE_RUN": "1", "RANKSCOPE_SOCKET": self.door.getsockname(),
            "RANKSCOPE_STDOUT_INODE": inode})
        connection, _ = self.door.accept()
        said = json.loads(connection.recv(16384))
        socket.send_fds(connection, [b"!"], [into, into])
        connection.close()
        rank.wait()
        os.close(out)
        os.close(into)
        return {name: said.get(name) for name in WHO}

    def bootstrapped(self, variables):
        program = "import json; from rankscope import _rank; print(json.dumps(_rank.identity()))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                              env={**variables, "PYTHONPATH": SOURCES + "/python"})
        said = json.loads(done.stdout)
        return {name: said[name] for name in WHO}

    def test_library_and_bootstrap_name_a_rank_alike(self):
        with open(SOURCES + "/src/embed/launcher_variables.h") as file:
            lists = [re.findall(r'"(\w+)"', line) for line in file if line.startswith("#define RANKSCOPE_")]
        number = {name: i + 1 for i, name in enumerate(sum(lists, []))}
        self.assertGreaterEqual(len(number), 15)
        for dropped in range(4):  # the last of a list is what counts when those before are not set
            variables = {name: str(number[name]) for names in lists for name in names[min(dropped, len(names) - 1):]}
            said = self.preloaded(variables)
            self.assertEqual(said, self.bootstrapped(variables))
            self.assertNotIn(None, said.values())


class PreloadTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.launcher = self.place.write("launch.py", LAUNCHER)

    def run_ranks(self, job, *options):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", job, *options, "--", sys.executable,
                              self.launcher, "3", RANK)
        self.assertEqual(done.returncode, 7, done.stderr)
        return done, self.place.logs(self.server.http, job)

    def lines(self, records, rank):
        return sorted((r["stream"], r["msg"]) for r in records
                      if r.get("rank") == rank and r["stream"] in ("stdout", "stderr"))

    def test_c_ranks_have_their_lines_their_ends_and_their_terminal(self):
        done, records = self.run_ranks("preloaded", "--preload")
        for rank in range(3):
            self.assertEqual(self.lines(records, rank), [("stderr", f"err of {rank}"), ("stdout", f"child of {rank}"),
                                                         ("stdout", "half"), ("stdout", f"out of {rank}")])
            self.assertIn(f"out of {rank}\n", done.stdout)
        job = json.loads(self.place.cli("jobs", "show", "preloaded", "--server", self.server.http, "-o", "json").stdout)
        self.assertEqual([r["source"] for r in job["ranks"]], ["console"] * 3)
        self.assertEqual((job["ranks_expected"], job["state"]), (3, "failed"))

    def test_without_the_flag_nothing_is_preloaded(self):
        _, records = self.run_ranks("plain")
        self.assertFalse([r for r in records if "rank" in r and r["stream"] != "event"])
        self.assertEqual(sum(r.get("msg", "").count("out of") for r in records), 3)

    def test_preloaded_library_does_nothing_without_a_keeper(self):
        env = {**self.place.env, "LD_PRELOAD": LIBRARY, "RANK": "0", "LOCAL_RANK": "0"}
        for stale in ({}, {"RANKSCOPE_RUN": "1", "RANKSCOPE_SOCKET": "/nowhere/keeper"}):
            done = subprocess.run([RANK], env={**env, **stale}, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, "out of 0\nchild of 0\nhalf"))


if __name__ == "__main__":
    unittest.main()
