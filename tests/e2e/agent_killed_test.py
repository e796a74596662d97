"""The agent is SIGKILLed again and again: the trainer goes on, its terminal is whole, every line is stored once."""
import os
import signal
import subprocess
import threading
import unittest

from harness import RANKSCOPE, ServerCase, children, proc, wait_until

KILLS = int(os.environ.get("AGENT_KILLS", 20))

# Prints until the agent was killed often enough, however slow the machine is, or its test has gone.
SCRIPT = """
import os, sys, time
i = 0
while i % 100 or (os.path.exists(sys.argv[0]) and not os.path.exists(sys.argv[0] + ".enough")):
    print("item", i)
    time.sleep(0.004)
    i += 1
"""


class AgentKilledTest(ServerCase):
    def test_nothing_is_lost_or_doubled(self):
        script = self.place.write("p.py", SCRIPT)
        run = subprocess.Popen([RANKSCOPE, "run", "--server", self.server.http, "--job_id", "j", "--", "/usr/bin/python3", script],
                               env=self.place.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

        def agent(last):
            return next((pid for pid in children(run.pid)
                         if proc(pid, "cmdline").split("\0")[1:2] == ["agent"] and pid != last), None)

        shown = []
        terminal = threading.Thread(target=lambda: shown.extend(run.stdout), daemon=True)
        terminal.start()
        last = 0
        for _ in range(KILLS):
            last = wait_until(lambda: agent(last), "the next agent")
            os.kill(last, signal.SIGKILL)
        self.place.write("p.py.enough", "")
        self.assertEqual(run.wait(), 0)
        terminal.join()
        self.assertEqual([line.rstrip("\n") for line in shown], [f"item {i}" for i in range(len(shown))])
        wait_until(lambda: not self.place.run_directories(), "the last agent to have shipped everything")
        stored = [r["msg"] for r in self.place.logs(self.server.http, "j", "--stream", "stdout")]
        self.assertEqual(stored, [f"item {i}" for i in range(len(shown))])


if __name__ == "__main__":
    unittest.main()
