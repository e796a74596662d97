"""The agent is SIGKILLed again and again while it sends a job's records."""
import os
import signal
import unittest

from faults import ENDLESS, Job, wait_until
from kills import KillsCase


class AgentKillsTest(KillsCase):
    def test_none_is_lost_or_doubled(self):
        job = Job(self.place, self.server.http, lines=ENDLESS, pause=0.3)

        def kill():
            agent = wait_until(lambda: job.agent() or not job.running(), "the next agent")
            if agent is True:
                return False
            os.kill(agent, signal.SIGKILL)
            return True
        self.strike(job, kill)


if __name__ == "__main__":
    unittest.main()
