"""The connection between agent and server is cut, delayed, throttled, half-open and damaged: nothing is lost or doubled."""
import os
import unittest

from chaos_proxy import DOWN, UP, ChaosProxy, Cut, Delay, Flip, HalfOpen, Throttle, Trickle
from faults import Job, PlaceCase

SEED = int(os.environ.get("RANKSCOPE_SEED", 1))
CUTS = int(os.environ.get("RANKSCOPE_CUTS", 12))


class NetworkTest(PlaceCase):
    def through(self, profile, **job):
        """Runs a job through the proxy, compares the ledger, and returns what the proxy did."""
        server = self.serve()
        with ChaosProxy(server.grpc, profile) as proxy:
            server.stop()  # its port was needed for the proxy, the proxy's is needed for the server
            server.options = ("--grpc-advertise", proxy.address)
            server.start()
            job = Job(self.place, server.http, **job)
            self.assertEqual(job.finish(), 0)
            self.assertEqual(job.ledger(server.http), (0, 0, 0, 0), proxy.counts)
            self.assertGreater(proxy.counts["up_bytes"], 50_000, "the job went around the proxy")
        print(dict(proxy.counts), flush=True)
        return proxy.counts

    def test_connections_cut_in_mid_frame(self):
        counts = self.through(Cut(SEED, CUTS))
        self.assertGreaterEqual(counts["cuts"], CUTS // 2)
        self.assertGreater(counts["connections"], counts["cuts"])

    def test_delay_with_jitter(self):
        self.assertGreater(self.through(Delay(SEED, 0.1), lines=1000)["delays"], 10)

    def test_one_byte_a_segment(self):
        self.assertGreater(self.through(Trickle(SEED, 200_000), lines=1000)["single_bytes"], 100_000)

    def test_throttled(self):
        self.assertGreater(self.through(Throttle(SEED, 64_000), lines=500)["throttled_bytes"], 50_000)

    def test_half_open_towards_the_server(self):
        counts = self.through(HalfOpen(SEED, 1, UP), lines=1500)
        self.assertGreater(counts["swallowed_bytes"], 0)
        self.assertGreaterEqual(counts["connections"], 2)

    def test_half_open_towards_the_agent(self):
        counts = self.through(HalfOpen(SEED, 1, DOWN, after=300), lines=1500)
        self.assertGreater(counts["swallowed_bytes"], 0)
        self.assertGreaterEqual(counts["connections"], 2)

    def test_flipped_bits_are_refused_and_sent_again(self):
        counts = self.through(Flip(SEED, CUTS))
        self.assertGreaterEqual(counts["flips"], CUTS // 2)
        self.assertGreaterEqual(counts["connections"], 2)


if __name__ == "__main__":
    unittest.main()
