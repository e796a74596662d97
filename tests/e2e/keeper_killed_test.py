"""`rankscope run` itself is SIGKILLed again and again: the trainer goes on, and every line is stored once."""
import os
import signal
import subprocess
import unittest

from harness import RANKSCOPE, ServerCase, children, ended, proc, wait_until

KILLS = int(os.environ.get("KEEPER_KILLS", 10))

RANKS = """
import os, subprocess, sys
script = sys.argv[1]
ranks = [subprocess.Popen([sys.executable, script], env={**os.environ, "RANK": str(r), "LOCAL_RANK": str(r),
         "WORLD_SIZE": "2"}) for r in range(2)]
sys.exit(max(p.wait() for p in ranks))
"""
# Prints until it is enough, however slow the machine is, or its test has gone.
RANK = """
import os, sys, time
rank, i = os.environ["RANK"], 0
open(sys.argv[0] + ".began" + rank, "w").close()
while i == 0 or i % 500 or (os.path.exists(sys.argv[0]) and not os.path.exists(sys.argv[0] + ".enough")):
    print("item", rank, i, "x" * (i % 70))
    if i % 500 == 0: time.sleep(0.05)
    while i == 500 and not os.path.exists(sys.argv[0] + ".go"): time.sleep(0.01)
    i += 1
with open(sys.argv[0] + ".done" + rank, "w") as file: file.write(str(i))
"""


def keepers(place):
    """Pids of keeper and guard of this place's job."""
    return [int(pid) for pid in filter(str.isdigit, os.listdir("/proc"))
            if proc(pid, "cmdline").split("\0")[:2] == [RANKSCOPE, "run"] and place.path in proc(pid, "environ")]


def keeper_of(place):
    """The one that reads: the guard is its child, asleep. What it has forked to run a command looks alike at first."""
    pids = keepers(place)
    guards = {pid for pid in pids if "poll" in proc(pid, "wchan") and "epoll" not in proc(pid, "wchan")}
    return next((pid for pid in pids if set(children(pid)) & guards), None)


class KeeperKilledTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.script = self.place.write("rank.py", RANK)
        self.command = ["/usr/bin/python3", self.place.write("launch.py", RANKS), self.script]

    def start(self, job):
        return subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, "--", *self.command],
                                env=self.place.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def let_go(self):
        """The ranks print on: they wait for it after their first lines."""
        open(self.script + ".go", "w").close()

    def printed(self, rank):
        """How many lines; 0 until it has ended."""
        try:
            with open(f"{self.script}.done{rank}") as file:
                return int(file.read() or 0)
        except FileNotFoundError:
            return 0

    def stored(self, job):
        lines = {0: [], 1: []}
        for record in self.place.logs(self.server.http, job, "--stream", "stdout"):
            if record.get("rank") is not None:
                lines[record["rank"]].append(record["msg"])
        return lines

    def test_the_trainer_goes_on_and_nothing_is_lost_or_doubled(self):
        self.let_go()
        run = self.start("j")
        wait_until(lambda: all(os.path.exists(f"{self.script}.began{rank}") for rank in range(2)), "the ranks to begin")
        last = None
        for _ in range(KILLS):
            def next_keeper():
                pid = keeper_of(self.place)
                return pid if pid != last else None
            last = wait_until(next_keeper, "the next keeper")
            os.kill(last, signal.SIGKILL)
            run.poll()
        open(self.script + ".enough", "w").close()
        wait_until(lambda: all(map(self.printed, range(2))), "the ranks' end")
        wait_until(lambda: not self.place.run_directories(), "the last keeper and agent to end")
        stored = self.stored("j")
        for rank in range(2):
            self.assertEqual(stored[rank], [f"item {rank} {i} " + "x" * (i % 70) for i in range(self.printed(rank))])
        replaced = [r for r in self.place.logs(self.server.http, "j") if r.get("event") == "keeper_replaced"]
        self.assertEqual(len(replaced), KILLS)

    def test_nobody_gets_sigpipe_when_keeper_guard_and_agent_die_together(self):
        run = self.start("all")
        wait_until(lambda: keeper_of(self.place), "the keeper")
        wait_until(lambda: self.place.cli("logs", "--server", self.server.http, "--job_id", "all", "--stream", "stdout",
                                          "--limit", "1").stdout, "the first line")
        os.kill(run.pid, signal.SIGSTOP)  # so that it starts no helper anew meanwhile
        launcher = [pid for pid in children(run.pid) if proc(pid, "cmdline").startswith(self.command[0])]
        self.assertEqual(len(launcher), 1)
        ranks = children(launcher[0])
        for pid in (*set(children(run.pid)) - set(launcher), run.pid):
            os.kill(pid, signal.SIGKILL)
        run.wait()

        self.let_go()
        wait_until(lambda: any(map(ended, ranks)) or all("pipe" in proc(pid, "wchan") for pid in ranks),
                   "the ranks to fill their pipes")
        self.assertFalse(any(map(ended, ranks)), "a rank died")
        for pid in (*ranks, *launcher):
            if os.path.exists(f"/proc/{pid}"):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
