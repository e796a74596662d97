"""The server is SIGKILLed again and again while a job's records come in."""
import signal
import time
import unittest

from faults import ENDLESS, Job
from kills import KillsCase


class ServerKillsTest(KillsCase):
    def test_none_is_lost_or_doubled(self):
        def kill():
            self.server.stop(signal.SIGKILL)
            time.sleep(self.random.random() * 0.1)
            self.server.start()
            return True
        self.strike(Job(self.place, self.server.http, lines=ENDLESS, pause=0.1), kill)


if __name__ == "__main__":
    unittest.main()
