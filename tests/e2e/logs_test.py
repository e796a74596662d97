"""The habits of `rankscope logs` in a terminal and in a pipe."""
import os
import pty
import re
import subprocess
import sys
import time
import unittest

from harness import PATIENCE, RANKSCOPE, OneServerCase, wait_until
from jobs_test import LAUNCHER

RANK = """
import os, sys, time
rank = int(os.environ["RANK"])
print("ready")
if rank == 2: print("odd one"); print("ERROR: lost the link", file=sys.stderr)
while os.environ.get("STOP") and not os.path.exists(os.environ["STOP"]): time.sleep(0.02)
"""
# What four ranks say at about the same time, however slow the machine is.
ALIKE = [{"timestamp": 1773200000000 + rank, "node_rank": 0, "rank": rank, "stream": "stdout", "msg": "ready"} for rank in range(4)]


class LogsTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.command = [sys.executable, cls.place.write("launch.py", LAUNCHER), "4", sys.executable,
                       cls.place.write("rank.py", RANK)]
        sampled = cls.place.path + "/sampled"
        run = subprocess.Popen([RANKSCOPE, "run", "--server", cls.server.http, "--job_id", "ended", "--flush-timeout", "100", "--",
                                *cls.command], env={**cls.place.env, "STOP": sampled}, stdout=subprocess.DEVNULL)
        wait_until(lambda: cls.server.rows("job:ended stream:host"), "a sample of the host")
        cls.place.write("sampled", "")
        assert run.wait(PATIENCE) == 0

    def logs(self, *arguments, env=None):
        done = self.place.cli("logs", "--server", self.server.http, "--stream", "stdout,stderr", *arguments, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def on_terminal(self, *arguments, env=None):
        """What the command prints where standard output is a terminal."""
        ours, theirs = pty.openpty()
        command = [RANKSCOPE, "logs", "--server", self.server.http, "--stream", "stdout,stderr", *arguments]
        process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env={**self.place.env, "TERM": "xterm", **(env or {})})
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # the other side has closed
            pass
        os.close(ours)
        self.assertEqual(process.wait(PATIENCE), 0)
        return text.decode().replace("\r\n", "\n")

    def test_terminal_folds_what_all_ranks_say_and_a_pipe_does_not(self):
        self.server.ingest("alike", ALIKE)
        self.assertIn("[0/0-3 ×4]", self.on_terminal("--job_id", "alike"))
        self.assertEqual(self.logs("--job_id", "alike").stdout.splitlines(), [f"[0/{rank}] I ready" for rank in range(4)])
        self.assertEqual(self.logs("--job_id", "alike", "--fold").stdout, "[0/0-3 ×4] I ready\n")
        self.assertNotIn("×", self.on_terminal("--job_id", "alike", "--no-fold"))

    def test_colour_on_a_terminal_letters_in_a_pipe(self):
        coloured = self.on_terminal("--job_id", "ended", "--rank", "2")
        self.assertIn("\x1b[31mERROR: lost the link", coloured)
        for plain in (self.logs("--job_id", "ended", "--rank", "2").stdout,
                      self.on_terminal("--job_id", "ended", "--rank", "2", env={"NO_COLOR": "1"}),
                      self.on_terminal("--job_id", "ended", "--rank", "2", env={"TERM": "dumb"})):
            self.assertIn("[0/2] E ERROR: lost the link\n", plain)
            self.assertNotIn("\x1b", plain)
        self.assertIn("\x1b[", self.logs("--job_id", "ended", "--color", "always").stdout)

    def test_sets_include_exclude_and_host(self):
        def ranks(*arguments):
            return sorted(re.findall(r"^\[0/(\d)\]", self.logs("--job_id", "ended", *arguments).stdout, re.M))

        self.assertEqual(ranks("--rank", "0-2,!1", "-e", "ready"), ["0", "2"])
        self.assertEqual(ranks("--rank", "0-2", "--rank", "!1", "-e", "ready"), ["0", "2"])
        self.assertEqual(ranks("--rank", "3", "--stream", "stdout", "--stream", "stderr", "-e", "ready"), ["3"])
        self.assertEqual(ranks("-e", "o", "-e", "odd"), ["2"])
        self.assertEqual(ranks("-x", "ready", "-x", "ERROR"), ["2"])
        host = os.uname().nodename
        self.assertEqual(ranks("--host", host, "-e", "ready"), ["0", "1", "2", "3"])
        self.assertEqual(ranks("--host", "elsewhere"), [])

    def test_samples_of_the_host_come_between_the_lines_only_where_they_are_asked_for(self):
        ask = lambda *more: self.place.cli("logs", "--server", self.server.http, "--job_id", "ended", *more).stdout
        self.assertIn("ready", ask())
        self.assertNotIn("memory_total_gib", ask())
        self.assertIn("memory_total_gib", ask("--stream", "stdout,host"))
        self.assertIn("memory_total_gib", ask("-o", "json"))

    def test_what_is_no_regular_expression_is_named_by_its_option(self):
        for option in ("--grep", "--exclude"):
            done = self.place.cli("logs", "--server", self.server.http, "--job_id", "ended", option, "(")
            self.assertEqual((done.returncode, done.stderr), (2, f'rankscope: {option}: regex "(": missing ): (\n'))

    def test_no_hits_is_no_error(self):
        done = self.logs("--job_id", "ended", "--grep", "nobody said this")
        self.assertEqual((done.stdout, done.stderr), ("", "rankscope: nothing found\n"))
        done = self.logs("--job_id", "ended", "--grep", "nobody said this", "-o", "json")
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_since_counts_from_the_last_record_of_an_ended_job(self):
        time.sleep(1.1)
        done = self.logs("--job_id", "ended", "--since", "1s")
        self.assertRegex(done.stderr, r"the job has ended: times count back from its last record, \d{4}-")
        for absolute in ("2001-01-01T00:00:00Z", "2001-01-01 00:00", "2001-01-01"):
            self.assertEqual(self.logs("--job_id", "ended", "--since", absolute).stderr, "")
        self.assertIn("from its last record", self.logs("--job_id", "ended", "--until", "now").stderr)

    def test_since_counts_from_now_while_the_job_runs(self):
        stop = self.place.path + "/stop"
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "running", "--", *self.command],
                               env={**self.place.env, "STOP": stop}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: len(self.place.logs(self.server.http, "running", "--grep", "ready")) == 4 if
                   self.place.cli("jobs", "show", "running", "--server", self.server.http).returncode == 0 else False,
                   "the ranks' lines")
        time.sleep(2.1)
        done = self.logs("--job_id", "running", "--since", "2s")
        self.assertIn("the job is running: times count back from now", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(self.logs("--job_id", "running", "--since", "1h", "--grep", "ready").stdout.splitlines()), 4)
        open(stop, "w").close()
        self.assertEqual(run.wait(), 0)

    def test_unknown_job_is_named_and_waited_for_when_following(self):
        done = self.place.cli("logs", "--server", self.server.http, "--job_id", "nobody")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", 'rankscope: no job "nobody"; `rankscope jobs` lists them\n'))
        follow = subprocess.Popen([RANKSCOPE, "logs", "--server", self.server.http, "--job_id", "later", "-f"], text=True,
                                  env=self.place.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(follow.stderr.readline(), 'rankscope: no job "later" yet; waiting for it\n')
        self.place.cli("run", "--server", self.server.http, "--job_id", "later", "--", "echo", "here it is")
        while "here it is" not in follow.stdout.readline():
            self.assertIsNone(follow.poll())
        follow.terminate()
        follow.communicate()

    def test_following_shows_a_folded_lines_first_rank_at_once_and_the_others_after(self):
        follow = subprocess.Popen([RANKSCOPE, "logs", "--server", self.server.http, "--job_id", "live", "-f", "--fold"], text=True,
                                  env=self.place.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        follow.stderr.readline()
        self.server.ingest("live", ALIKE)  # they arrive at once
        self.assertEqual([follow.stdout.readline(), follow.stdout.readline()], ["[0/0] I ready\n", "[0/1-3 ×3] I ready\n"])
        follow.terminate()
        follow.communicate()


if __name__ == "__main__":
    unittest.main()
