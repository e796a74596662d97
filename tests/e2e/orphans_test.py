"""Keeper, guard, agent and rank are all killed before anything could be sent: the next run on the node sends it."""
import glob
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import unittest

from harness import RANKSCOPE, ServerCase, children, ended, proc, wait_until

SCRIPT = """
import os, sys, time
while not os.path.exists(sys.argv[0] + ".go"): time.sleep(0.01)
for i in range(1000): print("item", i)
time.sleep(3600)
"""
KILL_AGENT = """
import os, signal, time
keeper = os.getppid()
for pid in open(f"/proc/{keeper}/task/{keeper}/children").read().split():
    if open(f"/proc/{pid}/cmdline").read().split("\\0")[1:2] == ["agent"]:
        os.kill(int(pid), signal.SIGKILL)
        while os.path.exists(f"/proc/{pid}"): time.sleep(0.001)
print("last words")
"""
# Of so many bytes that what the agent itself says is little beside them.
PRINT_WHEN_ASKED = """
import os, sys
for i, _ in enumerate(sys.stdin):
    for line in range(100): print("item", 100 * i + line, os.urandom(100).hex(), flush=True)
"""


def read(path):
    with open(path, "rb") as file:
        return file.read()


class OrphansTest(ServerCase):
    def leave_behind(self, job):
        script = self.place.write("p.py", SCRIPT)
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", job, "--", sys.executable, script],
                               env={**self.place.env, "RANK": "0", "LOCAL_RANK": "0"}, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        wait_until(lambda: self.place.cli("logs", "--server", self.server.http, "--job_id", job).returncode == 0, "the job")
        wait_until(lambda: any(self.progress(run)[1] for run in glob.glob(self.place.path + "/state/rankscope/runs/*")),
                   "the agent to know that its first records are acknowledged")
        self.server.stop(signal.SIGKILL)
        open(script + ".go", "w").close()
        captured = self.place.path + "/state/rankscope/runs/*/capture/*"
        wait_until(lambda: any(b"item 999\n" in read(file) for file in glob.glob(captured)), "the lines in the capture")
        os.kill(run.pid, signal.SIGSTOP)  # so that it starts nothing anew meanwhile
        killed = [*children(run.pid), run.pid]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        run.wait()
        wait_until(lambda: all(ended(pid) for pid in killed), "the end of what was killed, and of its locks")

    def test_next_run_sends_what_was_left(self):
        self.leave_behind("left")
        self.server.start()
        self.assertEqual(self.place.cli("run", "--server", self.server.http, "--", "true").returncode, 0)
        wait_until(lambda: not self.place.run_directories(), "the orphan to be sent")
        stored = [r["msg"] for r in self.place.logs(self.server.http, "left", "--stream", "stdout")]
        self.assertEqual(stored, [f"item {i}" for i in range(1000)])

    def folders(self):
        """Of the runs that are here: each one's rings in memory and its keeper's door."""
        return [folder + "/rankscope-" + run for run in self.place.run_directories() for folder in ("/dev/shm", "/tmp")]

    def test_folders_of_a_dead_run_go_when_it_is_sent_and_those_of_a_live_one_stay(self):
        self.leave_behind("left")
        dead = self.folders()
        self.server.start()
        go = self.place.path + "/go"
        live = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--", "sh", "-c",
                                 f"while ! [ -e {go} ]; do sleep 0.1; done"], env=self.place.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: len(self.folders()) == 2 and set(self.folders()).isdisjoint(dead), "the dead run to be sent")
        self.assertEqual([folder for folder in dead if os.path.exists(folder)], [])
        wait_until(lambda: all(map(os.path.exists, self.folders())), "the live run's folders")
        self.assertEqual(self.place.cli("run", "--server", self.server.http, "--", "true").returncode, 0)
        kept = [folder for folder in self.folders() if os.path.exists(folder)]
        self.assertEqual(len(kept), 2, "the live run's folders stay")
        open(go, "w").close()
        self.assertEqual(live.wait(), 0)
        wait_until(lambda: not any(map(os.path.exists, kept)), "a run that ended to leave nothing")

    def test_spool_push_sends_what_was_left(self):
        self.leave_behind("left")
        self.server.start()
        [directory] = glob.glob(self.place.path + "/state/rankscope/runs/*")
        held = len(self.place.logs(self.server.http, "left"))
        pushed = self.place.cli("spool", "push", directory)
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        stored = self.place.logs(self.server.http, "left")
        self.assertEqual([r["msg"] for r in stored if r["stream"] == "stdout"], [f"item {i}" for i in range(1000)])
        self.assertEqual(pushed.stdout, f"job left: {len(stored) - held} records sent to {self.server.http}, which had {held} "
                                        f"before; {directory} is removed\n")

    def test_spool_of_a_dead_server_is_pushed_to_another(self):
        self.leave_behind("left")
        [directory] = glob.glob(self.place.path + "/state/rankscope/runs/*")
        refused = self.place.cli("spool", "push", directory)
        self.assertEqual((refused.returncode, refused.stdout, len(refused.stderr.splitlines())), (1, "", 1), refused.stderr)
        for words in (self.server.http, "nothing was sent", directory, "--server HOST:PORT"):
            self.assertIn(words, refused.stderr)
        server = self.serve(place=self.new_place())
        pushed = self.place.cli("spool", "push", "--server", server.http, directory)
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        stored = [r["msg"] for r in self.place.logs(server.http, "left", "--stream", "stdout")]
        self.assertEqual(stored, [f"item {i}" for i in range(1000)])
        self.server.start()

    def test_an_agent_that_is_killed_when_the_command_ends_has_a_successor(self):
        done = self.place.cli("run", "--server", self.server.http, "--job_id", "left", "--flush-timeout", "0", "--", sys.executable,
                              self.place.write("kill_agent.py", KILL_AGENT))
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_until(lambda: not self.place.run_directories(), "the next agent to have shipped everything")
        self.assertEqual([r["msg"] for r in self.place.logs(self.server.http, "left", "--stream", "stdout")], ["last words"])

    def progress(self, directory):
        """(records in the agent's spool, acknowledged) so far."""
        try:
            return struct.unpack_from("<QQ", read(directory + "/status"))
        except (FileNotFoundError, struct.error):
            return 0, 0

    def test_damaged_part_of_a_spool_is_counted_and_the_rest_is_sent(self):
        run = subprocess.Popen([RANKSCOPE, "run", "--server", "127.0.0.1:1", "--job_id", "left", "--flush-timeout", "0", "--",
                                sys.executable, "-c", PRINT_WHEN_ASKED], env=self.place.env, stdin=subprocess.PIPE, text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        [directory] = wait_until(lambda: glob.glob(self.place.path + "/state/rankscope/runs/*"), "the run's directory")
        sizes = []
        for asked in range(100, 500, 100):  # each hundred is in frames of its own
            print(file=run.stdin, flush=True)
            wait_until(lambda: self.progress(directory)[0] >= asked, "the records in the spool")
            [frames] = glob.glob(directory + "/spool/frames/*.journal")
            sizes.append(os.path.getsize(frames))
        run.stdin.close()
        self.assertEqual(run.wait(), 0)
        wait_until(lambda: self.progress(directory)[0] >= 402, "all records in the spool")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if directory in proc(pid, "cmdline").split("\0"):
                os.kill(int(pid), signal.SIGKILL)
                wait_until(lambda: ended(pid), "the agent's end")
        with open(frames, "r+b") as file:
            file.seek((sizes[0] + sizes[1]) // 2)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 0xff]))
        pushed = self.place.cli("spool", "push", directory, "--server", self.server.http)
        stored = [int(r["msg"].split()[1]) for r in self.place.logs(self.server.http, "left", "--stream", "stdout")]
        [told] = [r["msg"] for r in self.place.logs(self.server.http, "left", "--stream", "event") if "RECORDS LOST" in r["msg"]]
        first, last = map(int, re.search(r"records (\d+) to (\d+) of the agent", told).groups())
        lost = last - first + 1  # with what was no line
        self.assertTrue(0 < len(stored) < 400 <= len(stored) + lost, (len(stored), lost))
        self.assertEqual(len(set(stored)), len(stored))
        self.assertEqual((pushed.returncode, len(pushed.stderr.splitlines())), (1, 1), pushed.stderr)
        self.assertRegex(pushed.stderr, f"{directory}: {lost} records? had been damaged")
        aside = f"{self.place.path}/state/rankscope/damaged/{os.path.basename(directory)}"
        self.assertIn(aside + "/capture may hold them", pushed.stderr)
        self.assertTrue(any(b"item 399 " in read(file) for file in glob.glob(aside + "/capture/*")), "what was printed is there")
        self.assertEqual(self.place.run_directories(), [])

    def test_doctor_lists_what_waits_and_the_command_that_sends_it(self):
        self.leave_behind("left")
        self.server.start()
        [directory] = glob.glob(self.place.path + "/state/rankscope/runs/*")
        doctor = lambda *options: self.place.cli("doctor", "--server", self.server.http, *options).stdout
        [spool] = json.loads(doctor("-o", "json"))["spools"]
        self.assertEqual((spool["directory"], spool["job_id"], spool["server"], spool["kept_by"]),
                         (directory, "left", self.server.http, "nobody"))
        self.assertGreater(spool["bytes"], 0)
        [line] = [line for line in doctor().splitlines() if " unsent " in line]
        self.assertTrue(line.startswith("warning"))
        self.assertTrue(line.endswith("which nobody sends: " + spool["push"]))
        pushed = self.place.cli(*spool["push"].split()[1:])
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        self.assertEqual(json.loads(doctor("-o", "json"))["spools"], [])

    def test_agent_that_comes_again_to_a_dead_server_counts_only_what_is_unsent(self):
        self.leave_behind("left")
        [directory] = glob.glob(self.place.path + "/state/rankscope/runs/*")
        acknowledged = struct.unpack_from("<QQ", read(directory + "/status"))[1]
        self.assertGreater(acknowledged, 0)
        agent = subprocess.Popen([RANKSCOPE, "agent", "--run-dir", directory, "--drain"], env=self.place.env,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        status = lambda: struct.unpack_from("<QQ", read(directory + "/status"))
        wait_until(lambda: status()[0] >= acknowledged + 1000, "the capture to be spooled")
        self.assertEqual(status()[1], acknowledged)
        [spool] = json.loads(self.place.cli("doctor", "-o", "json").stdout)["spools"]
        self.assertEqual((spool["kept_by"], spool["records"], spool["agent"]), ("agent", status()[0] - acknowledged, agent.pid))
        self.assertIn(f"to which agent {agent.pid} goes on sending", self.place.cli("doctor").stdout)
        self.addCleanup(agent.send_signal, signal.SIGCONT)
        agent.send_signal(signal.SIGSTOP)  # so that it is there still when the server is
        self.server.start()
        refused = self.place.cli("spool", "push", directory)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""), refused.stderr)
        self.assertIn(f"agent {agent.pid} works on {directory}", refused.stderr)
        agent.send_signal(signal.SIGCONT)

    def test_an_agent_whose_run_directory_was_removed_ends(self):
        self.server.stop(signal.SIGKILL)
        self.place.cli("run", "--flush-timeout", "0", "--server", self.server.http, "--", "true")
        [directory] = glob.glob(self.place.path + "/state/rankscope/runs/*")

        def agents():
            return [pid for pid in os.listdir("/proc") if pid.isdigit() and directory in proc(pid, "cmdline").split("\0")]
        wait_until(lambda: os.path.exists(directory + "/status"), "the agent to be at work")
        self.assertEqual(len(agents()), 1)
        wait_until(lambda: shutil.rmtree(directory, ignore_errors=True) or not os.path.exists(directory),
                   "what the agent makes meanwhile to be removed too")
        wait_until(lambda: not agents(), "the agent to end")
        self.assertFalse(os.path.exists("/dev/shm/rankscope-" + os.path.basename(directory)))


if __name__ == "__main__":
    unittest.main()
