"""Acknowledged means on disk: the server is SIGKILLed and stopped, and serves the same afterwards."""
import json
import signal
import unittest

from harness import Place, Server


class RestartTest(unittest.TestCase):
    def test_the_same_records_and_states_after_kill_and_after_stop(self):
        place = Place()
        server = Server(place)
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
        server.stop()
        place.remove()


if __name__ == "__main__":
    unittest.main()
