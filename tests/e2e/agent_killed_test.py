"""The agent is SIGKILLed again and again: the trainer goes on, its terminal is whole, every line is stored once."""
import os
import signal
import subprocess
import unittest

from harness import Place, RANKSCOPE, Server, children, proc, wait_until

KILLS = int(os.environ.get("AGENT_KILLS", 20))
LINES = 4000


class AgentKilledTest(unittest.TestCase):
    def test_nothing_is_lost_or_doubled(self):
        place = Place()
        server = Server(place)
        self.addCleanup(server.process.kill)
        script = place.write("p.py", f"import time\nfor i in range({LINES}):\n print('item', i)\n time.sleep(0.004)\n")
        run = subprocess.Popen([RANKSCOPE, "run", "--server", server.http, "--job_id", "j", "--", "/usr/bin/python3", script],
                               env=place.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        def agent(last):
            return next((pid for pid in children(run.pid)
                         if proc(pid, "cmdline").split("\0")[1:2] == ["agent"] and pid != last), None)

        killed, last = 0, 0
        while killed < KILLS and run.poll() is None:
            last = wait_until(lambda: run.poll() is not None or agent(last), "the next agent")
            if run.poll() is not None:
                break
            os.kill(last, signal.SIGKILL)
            killed += 1
        out, _ = run.communicate()
        self.assertEqual(run.returncode, 0)
        self.assertGreaterEqual(killed, KILLS // 2)
        self.assertEqual(out.splitlines(), [f"item {i}" for i in range(LINES)])
        wait_until(lambda: not place.run_directories(), "the last agent to have shipped everything")
        stored = [r["msg"] for r in place.logs(server.http, "j", "--stream", "stdout")]
        self.assertEqual(stored, [f"item {i}" for i in range(LINES)])
        server.stop()
        place.remove()


if __name__ == "__main__":
    unittest.main()
