"""A server that is asked for nothing sleeps."""
import os
import re
import time
import unittest

from harness import PlaceCase, proc

SECONDS = 4


class IdleTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve("--detect=off")

    def wakes(self):
        """How often each thread has gone to sleep."""
        pid = self.server.process.pid
        found = ((thread, re.search(r"^voluntary_ctxt_switches:\s+(\d+)", proc(pid, f"task/{thread}/status"), re.M))
                 for thread in os.listdir(f"/proc/{pid}/task"))
        return {thread: int(match[1]) for thread, match in found if match}

    def test_no_thread_looks_many_times_a_second_for_what_nobody_asked(self):
        self.server.ingest("idle", [{"msg": "the only one"}])
        self.server.rows("*")  # has the routes made, and with them the tails' thread
        time.sleep(2)  # until the journal is trimmed and the catalog saved
        before = self.wakes()
        time.sleep(SECONDS)
        after = self.wakes()
        often = {thread: after[thread] - before[thread] for thread in before.keys() & after.keys()
                 if after[thread] - before[thread] > 15 * SECONDS}
        self.assertEqual(often, {})


if __name__ == "__main__":
    unittest.main()
