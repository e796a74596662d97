"""What the tests share that SIGKILL server or agent during ingest, RANKSCOPE_KILLS (20) times: nothing is lost or doubled."""
import os
import random
import time

from chaos_proxy import ChaosProxy, Delay
from faults import KILLS, ServerCase

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))


class KillsCase(ServerCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
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
        job.stop()
        self.end(job, kills, unacknowledged)

    def end(self, job, kills, with_unacknowledged):
        self.assertEqual(job.finish(), 0)
        ledger = job.ledger(self.server.http)
        print(f"{kills} kills, {with_unacknowledged} of them with records not yet acknowledged, "
              f"{job.printed()} lines; lost, doubled, out of order, changed:", ledger, flush=True)
        self.assertEqual(ledger, (0, 0, 0, 0))
        self.assertEqual(kills, KILLS)
        self.assertGreater(with_unacknowledged, 0)
