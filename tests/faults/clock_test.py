"""The server's clock is set an hour ahead and back in mid-run: each rank's lines stay in order, and all are there."""
import glob
import signal
import unittest

from faults import ENDLESS, Job, LoggingServer, PlaceCase, lack, read

HOUR = 3600


class ClockedServer(LoggingServer):
    """Its time of day is what the file says, relative to the machine's."""

    def __init__(self, place, library, clock, **more):
        self.wrapper = ("env", "LD_PRELOAD=" + library, "FAKETIME_TIMESTAMP_FILE=" + clock, "FAKETIME_DONT_FAKE_MONOTONIC=1",
                        "FAKETIME_CACHE_DURATION=1")
        super().__init__(place, **more)

    def command(self):
        return [*self.wrapper, *super().command()]


class ClockTest(PlaceCase):
    def test_server_clock_jumps(self):
        library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not library:
            lack("libfaketime (Debian: faketime)")
        clock = self.place.write("clock", "+0")
        server = self.serve(kind=ClockedServer, library=library[0], clock=clock)
        self.assertIn("libfaketime", read(f"/proc/{server.process.pid}/maps"))
        job = Job(self.place, server.http, lines=ENDLESS, pause=0.1)
        for seconds in (HOUR, -HOUR, HOUR // 2):
            self.assertIsNotNone(job.await_progress(job.progress()[1] + 500), "the run was over too early")
            self.place.write("clock", f"{seconds:+d}")
            self.assertIsNotNone(job.await_progress(job.progress()[1] + 2000), "the run was over too early")
            server.stop(signal.SIGKILL)  # the agent meets the new clock when it connects again
            server.start()
        self.assertIsNotNone(job.await_progress(job.progress()[1] + 500), "the run was over too early")
        job.stop()
        self.assertEqual(job.finish(), 0)
        self.assertEqual(job.ledger(server.http), (0, 0, 0, 0))


if __name__ == "__main__":
    unittest.main()
