"""The server's clock is set an hour ahead and back in mid-run: each rank's lines stay in order, and all are there."""
import glob
import signal
import unittest

from faults import ENDLESS, FaultServer, Job, Place, lack, read

HOUR = 3600


class ClockTest(unittest.TestCase):
    def test_server_clock_jumps(self):
        library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not library:
            lack("libfaketime (Debian: faketime)")
        place = Place()
        self.addCleanup(place.remove)
        clock = place.write("clock", "+0")
        server = FaultServer(place, wrapper=("env", "LD_PRELOAD=" + library[0], "FAKETIME_TIMESTAMP_FILE=" + clock,
                                             "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_CACHE_DURATION=1"))
        self.addCleanup(lambda: server.process.poll() is None and server.stop())
        self.assertIn("libfaketime", read(f"/proc/{server.process.pid}/maps"))
        job = Job(place, server.http, lines=ENDLESS, pause=0.1)
        for seconds in (HOUR, -HOUR, HOUR // 2):
            self.assertIsNotNone(job.await_progress(job.progress()[1] + 500), "the run was over too early")
            place.write("clock", f"{seconds:+d}")
            self.assertIsNotNone(job.await_progress(job.progress()[1] + 2000), "the run was over too early")
            server.stop(signal.SIGKILL)  # the agent meets the new clock when it connects again
            server.start()
        self.assertIsNotNone(job.await_progress(job.progress()[1] + 500), "the run was over too early")
        job.stop()
        self.assertEqual(job.finish(), 0)
        self.assertEqual(job.ledger(server.http), (0, 0, 0, 0))


if __name__ == "__main__":
    unittest.main()
