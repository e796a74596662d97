"""The server's disk is full: it says so and takes nothing, agents keep everything, and it goes on by itself afterwards."""
import errno
import glob
import os
import signal
import subprocess
import unittest

from faults import ENDLESS, Job, LoggingServer, PlaceCase, mount_small_disk, wait_until

FILLS = int(os.environ.get("RANKSCOPE_FILLS", 3))


class SmallDisk:
    """A tmpfs of its own."""

    def __init__(self, folder, mib):
        self.folder, self.ballast = folder, folder + "/ballast"
        mount_small_disk(folder, mib)

    def fill(self, leave=0):
        """To the last byte, or so many, as another program would."""
        room = os.statvfs(self.folder)
        if leave:
            with open(self.ballast, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leave)
            return
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error

    def used(self):
        room = os.statvfs(self.folder)
        return (room.f_blocks - room.f_bfree) * room.f_frsize

    def free(self):
        os.remove(self.ballast)

    def unmount(self):
        subprocess.run(["umount", self.folder], check=True)


class DiskFullTest(PlaceCase):
    def test_deleting_a_job_makes_room(self):
        disk = SmallDisk(self.place.path + "/disk", 160)
        self.addCleanup(disk.unmount)
        server = self.serve(kind=LoggingServer, data=disk.folder + "/data")
        for _ in range(30):
            server.ingest("large", [{"timestamp": "2026-01-01T00:00:00Z", "msg": os.urandom(1000).hex()} for _ in range(1000)])
        for job in ("small", "tiny"):
            server.ingest(job, [{"timestamp": "2026-01-01T00:00:00Z", "msg": "stays"}])
        server.stop()  # seals everything
        server.start()
        journals = lambda: glob.glob(server.data + "/**/*.journal", recursive=True)  # noqa: E731
        wait_until(lambda: sum(map(os.path.getsize, journals())) < 1 << 20, "the journal to go")
        wait_until(lambda: disk.used() < 45 << 20, "its bytes to be free")  # a moment after its name is gone

        def health():
            status, (answer,) = server.ask("GET", "/health")
            return status, answer["status"]

        self.assertEqual(health(), (200, "ok"))
        disk.fill(leave=6 << 20)  # of the 10 MiB that the server keeps for its own needs

        def ingest():
            return server.ask("POST", "/api/v1/ingest/jsonline", b'{"msg": "x"}', job_id="later")[0]

        wait_until(lambda: ingest() == 503, "records to be refused")
        self.assertEqual(health(), (200, "degraded"))
        self.assertEqual(server.ask("DELETE", "/api/v1/jobs/tiny"), (200, [{"deleted": "tiny"}]))
        self.assertEqual(ingest(), 503)
        self.assertEqual(server.ask("DELETE", "/api/v1/jobs/large"), (200, [{"deleted": "large"}]))
        wait_until(lambda: ingest() == 200, "records to be taken again")
        wait_until(lambda: health() == (200, "ok"), "its health")
        self.assertEqual([row["msg"] for row in server.rows("job:small")], ["stays"])
        self.assertEqual(server.rows("job:large"), [])
        self.assertEqual(server.stop(), 0)

    def test_nothing_is_lost_however_often_the_disk_fills_up(self):
        disk = SmallDisk(self.place.path + "/disk", 96)
        self.addCleanup(disk.unmount)
        server = self.serve(kind=LoggingServer, data=disk.folder + "/data")
        job = Job(self.place, server.http, lines=ENDLESS, pause=0.2)
        for fill in range(FILLS):
            self.assertIsNotNone(job.await_progress(job.progress()[1] + 1000), "the run has ended")
            disk.fill()
            wait_until(lambda: server.stderr().count(" is full (") > fill, "the server to say that its disk is full")
            acked = job.progress()[1]
            wait_until(lambda: job.progress()[0] > acked + 2000, "the agent to keep records")
            if fill == 1:  # a server that starts on a full disk serves what it has, and says that it is full again
                server.stop(signal.SIGKILL)
                server.start()
                self.assertEqual(job.ledger(server.http)[1:], (0, 0, 0))
                wait_until(lambda: server.stderr().count(" is full (") > fill + 1, "the new server to say so")
            else:
                self.assertEqual(job.ledger(server.http)[1:], (0, 0, 0))
            disk.free()
            wait_until(lambda: server.stderr().count("taking records") > fill, "the server to go on by itself")
        job.stop()
        self.assertEqual(job.finish(), 0)
        self.assertEqual(job.ledger(server.http), (0, 0, 0, 0))
        # A fill is told, and not each batch that met it; sealing and merging may meet one more than once.
        self.assertLessEqual(len(server.stderr().splitlines()), 10 * FILLS, server.stderr())
        server.stop()  # seals what is in memory
        server.start()
        self.assertEqual(job.ledger(server.http), (0, 0, 0, 0))
        server.stop()
        print(server.stderr(), flush=True)


if __name__ == "__main__":
    unittest.main()
