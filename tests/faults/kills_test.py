"""Server and agent are SIGKILLed during ingest, RANKSCOPE_KILLS (20) times each: nothing is lost or doubled."""
import os
import random
import signal
import time
import unittest

from chaos_proxy import ChaosProxy, Delay
from faults import KILLS, FaultServer, Job, Place, wait_until

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))


def lines_for(seconds_a_kill, pause):
    return {"lines": 100 * int(KILLS * seconds_a_kill / pause), "pause": pause}


class KillsTest(unittest.TestCase):
    def setUp(self):
        self.place, self.random = Place(), random.Random(SEED)
        self.addCleanup(self.place.remove)
        self.server = FaultServer(self.place)
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop())
        proxy = ChaosProxy(self.server.grpc, Delay(SEED, 0.1))  # so that acknowledgements are under way
        self.server.stop()
        self.server.options = ("--grpc-advertise", proxy.address)
        self.server.start()

    def strike(self, job, kill):
        """Kills again and again, each time once more is acknowledged, and counts the job's lines. `kill` says whether
        it found its victim."""
        kills = unacknowledged = acked = 0
        while kills < KILLS:
            acked = job.await_progress(acked)
            if acked is None:
                break
            time.sleep(self.random.random() * 0.15)
            spooled, acked = job.progress()
            unacknowledged += spooled > acked
            if not kill():
                break
            kills += 1
        self.end(job, kills, unacknowledged)

    def end(self, job, kills, with_unacknowledged):
        self.assertEqual(job.finish(), 0)
        ledger = job.ledger(self.server.http)
        print(f"{kills} kills, {with_unacknowledged} of them with records not yet acknowledged, "
              f"{job.ranks * job.lines} lines; lost, doubled, out of order, changed:", ledger, flush=True)
        self.assertEqual(ledger, (0, 0, 0, 0))
        self.assertGreaterEqual(kills, KILLS // 2)
        self.assertGreater(with_unacknowledged, 0)

    def test_server(self):
        def kill():
            self.server.stop(signal.SIGKILL)
            time.sleep(self.random.random() * 0.1)
            self.server.start()
            return True
        self.strike(Job(self.place, self.server.http, **lines_for(0.9, 0.1)), kill)

    def test_agent(self):
        job = Job(self.place, self.server.http, **lines_for(2.2, 0.3))

        def kill():
            agent = wait_until(lambda: job.agent() or not job.running(), "the next agent")
            if agent is True:
                return False
            os.kill(agent, signal.SIGKILL)
            return True
        self.strike(job, kill)


if __name__ == "__main__":
    unittest.main()
