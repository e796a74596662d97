"""Acknowledged means on disk: the server is SIGKILLed and stopped, and serves the same afterwards."""
import json
import signal
import subprocess
import time
import unittest

from harness import PATIENCE, RANKSCOPE, PlaceCase


class RestartTest(PlaceCase):
    def test_the_same_records_and_states_after_kill_and_after_stop(self):
        place, server = self.place, self.serve()
        script = place.write("p.py", "for i in range(5000): print('item', i)\n")
        for job in ("a", "b"):
            done = place.cli("run", "--server", server.http, "--job_id", job, "--", "/usr/bin/python3", script)
            self.assertEqual(done.returncode, 0)
        before = {job: place.logs(server.http, job) for job in ("a", "b")}
        self.assertEqual(sum(r["stream"] == "stdout" for r in before["a"]), 5000)
        jobs = lambda: {j["job_id"]: j["state"] for j in map(json.loads, place.cli(
            "jobs", "--server", server.http, "-o", "json").stdout.splitlines())}
        self.assertEqual(jobs(), {"a": "finished", "b": "finished"})
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            server.stop(number)
            server.start()
            self.assertEqual({job: place.logs(server.http, job) for job in ("a", "b")}, before)
            self.assertEqual(jobs(), {"a": "finished", "b": "finished"})

    def test_reader_that_follows_goes_on_after_the_server_was_away(self):
        place, server = self.place, self.serve()

        def prints(*items):
            done = place.cli("run", "--server", server.http, "--job_id", "j", "--", "printf", "item %s\\n", *items)
            self.assertEqual(done.returncode, 0, done.stderr)

        prints("1", "2", "3")
        logs = subprocess.Popen([RANKSCOPE, "logs", "-f", "--server", server.http, "--job_id", "j", "--stream", "stdout",
                                 "--limit", "2", "--give-up-after", "10"], env=place.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(logs.stdout.close)
        self.addCleanup(logs.stderr.close)
        shown = [logs.stdout.readline() for _ in range(2)]
        for number, item in ((signal.SIGTERM, "4"), (signal.SIGKILL, "5")):
            logs.send_signal(signal.SIGSTOP)  # it finds the server gone only once it is back, with more
            server.stop(number)
            server.start()
            prints(item)
            logs.send_signal(signal.SIGCONT)
            shown.append(logs.stdout.readline())
            prints(item + "b")
            shown.append(logs.stdout.readline())
        server.stop()
        rest, said = logs.communicate(timeout=PATIENCE)
        self.assertEqual([line.split()[-1] for line in shown + rest.splitlines()], ["2", "3", "4", "4b", "5", "5b"])
        self.assertEqual(logs.returncode, 1)
        self.assertEqual(said.count("the server is gone"), 3, said)
        self.assertEqual(said.count("the server is back"), 2, said)
        self.assertIn("no answer from the server at " + server.http, said.splitlines()[-1])

    def test_local_server_that_ends_itself_stays_while_somebody_follows(self):
        place, server = self.place, self.serve("--idle-exit", "20")  # the reader comes within that
        logs = subprocess.Popen([RANKSCOPE, "logs", "-f", "--server", server.http, "--job_id", "j"], env=place.env, text=True,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(logs.stderr.close)
        self.assertIn("waiting for it", logs.stderr.readline())
        time.sleep(22)
        self.assertIsNone(server.process.poll())
        logs.kill()
        logs.wait(PATIENCE)
        self.assertEqual(server.process.wait(PATIENCE), 0)
        server.process.stdout.close()


if __name__ == "__main__":
    unittest.main()
