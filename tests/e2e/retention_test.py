"""Which jobs stay and which go: deletion, pins, retention by age and by bytes."""
import glob
import json
import os
import signal
import time
import unittest
import urllib.request

from harness import LoggingServer, PlaceCase, wait_until

OLD = "2026-01-01T00:00:00Z"


def lines(text, count=1, timestamp=OLD):
    return [{"timestamp": timestamp, "rank": i % 4, "msg": f"{text} {i} {os.urandom(16).hex()}"} for i in range(count)]


class RetentionTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve(kind=LoggingServer)

    def restart(self, *options, number=signal.SIGTERM):
        self.server.stop(number)
        self.server.options = options
        self.server.start()

    def cli(self, *arguments):
        return self.place.cli(*arguments, "--server", self.server.http)

    def done(self, *arguments):
        done = self.cli(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, words, *arguments):
        done = self.cli(*arguments)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def jobs(self):
        return {job["job_id"] for job in self.server.ask("GET", "/api/v1/jobs")[1]}

    def count(self, job):
        return self.server.rows(f'job:"{job}" | stats count() as n')[0]["n"]

    def test_deleted_job_is_gone_for_good(self):
        self.server.ingest("a/b", lines("sealed", 100))
        self.server.ingest("other", lines("stays", 10))
        self.restart()
        self.server.ingest("a/b", lines("in memory", 100))
        self.assertEqual(self.count("a/b"), 200)
        self.assertIn("deleted", self.done("jobs", "delete", "a/b"))
        for _ in range(2):  # at once, and after a crash
            self.assertEqual(self.jobs(), {"other"})
            self.assertEqual((self.count("a/b"), self.count("other")), (0, 10))
            self.restart(number=signal.SIGKILL)
        self.refused(['no job "a/b"'], "jobs", "delete", "a/b")
        self.server.ingest("a/b", lines("later", 3))
        self.assertEqual(self.count("a/b"), 3)
        self.assertIn('job "a/b" was deleted', self.server.stderr())

    def test_what_was_imported_can_be_imported_again_after_its_deletion(self):
        path = self.place.write("j.log", "2026-01-01 00:00:00 hello\n" * 20)
        for _ in range(2):
            self.done("import", path, "--job_id", "j")
            self.assertEqual(self.count("j"), 20)
        self.done("jobs", "delete", "j")
        self.restart(number=signal.SIGKILL)
        self.done("import", path, "--job_id", "j")
        self.assertEqual(self.count("j"), 20)

    def test_running_and_pinned_jobs_are_deleted_only_by_force(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.server.ingest("runs", lines("x", timestamp=now))
        self.server.ingest("pinned", lines("x"))
        self.done("pin", "pinned")
        self.refused(['"runs" is running', "--force"], "jobs", "delete", "runs")
        self.refused(['"pinned" is pinned by', "--force"], "jobs", "delete", "pinned")
        self.assertEqual(self.jobs(), {"runs", "pinned"})
        for job in ("runs", "pinned"):
            self.assertEqual(self.server.ask("DELETE", "/api/v1/jobs/" + job)[0], 409)
        for job in ("runs", "pinned"):
            self.done("jobs", "delete", job, "--force")
        self.assertEqual(self.jobs(), set())

    def test_pin_says_who_and_why_until_it_is_taken(self):
        self.server.ingest("j", lines("x"))
        self.refused(['no job "nope"'], "pin", "nope")
        self.done("pin", "j", "--note", "for the paper")
        self.restart()
        pin = json.loads(self.done("jobs", "show", "j", "-o", "json"))["pin"]
        self.assertEqual(pin["note"], "for the paper")
        self.assertIn("@", pin["by"])
        self.assertRegex(self.done("jobs", "show", "j"), r"pinned by .*@.*ago: for the paper")
        self.done("unpin", "j")
        self.assertIsNone(json.loads(self.done("jobs", "show", "j", "-o", "json"))["pin"])
        self.refused(['"j" is not pinned'], "unpin", "j")

    def test_old_jobs_go_but_for_pinned_ones(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.server.ingest("old", lines("x", 1000))
        self.server.ingest("kept", lines("x", 10))
        self.server.ingest("young", lines("x", 10, now))
        self.server.ingest("elsewhere", lines("x", 10), project="other")
        self.done("pin", "kept")
        self.restart("--retention", "30d", "--retention", "other=none", "--retention-every", "1")
        wait_until(lambda: self.jobs() == {"kept", "young"}, "the old job to go")
        self.assertEqual((self.count("old"), self.count("kept"), self.count("young")), (0, 10, 10))
        self.assertEqual(self.server.rows("job:elsewhere | stats count() as n", project="other")[0]["n"], 10)
        with urllib.request.urlopen(f"http://{self.server.http}/metrics") as answer:
            self.assertIn('rankscope_retention_records_total{project="default"} 1000\n', answer.read().decode())
        self.assertEqual(self.server.stderr().count("retention removed 1000 records"), 1)
        self.done("unpin", "kept")
        wait_until(lambda: self.jobs() == {"young"}, "the job that is no longer pinned to go")
        self.restart()
        self.assertEqual(self.jobs(), {"young"})

    def test_records_that_an_incident_cites_stay_until_it_is_dismissed(self):
        error = [{"timestamp": OLD, "rank": 0, "stream": "stderr", "msg": "torch.OutOfMemoryError: CUDA out of memory. "
                  "Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.00 GiB is free."}]
        self.server.ingest("cited", error)
        incidents = lambda: self.server.ask("GET", "/api/v1/incidents", job_id="cited")[1]
        wait_until(incidents, "the incident")
        self.server.ingest("old", lines("x", 10))
        self.restart("--retention", "30d", "--retention-every", "1")
        wait_until(lambda: self.jobs() == {"cited"}, "the old job to go")
        said = lambda: self.server.rows("job:cited stream:stderr | stats count() as n")[0]["n"]
        self.assertEqual(said(), 1)
        for incident in incidents():
            self.done("incidents", "dismiss", incident["id"], "--note", "known")
        wait_until(lambda: said() == 0, "what nothing cites any more to go")

    def test_beyond_its_bytes_a_project_loses_the_oldest(self):
        for month in range(1, 7):
            self.server.ingest(f"m{month}", lines("x", 2000, f"2026-0{month}-01T00:00:00Z"))
            self.server.ingest("j", lines("x", 2000, f"2026-0{month}-01T00:00:00Z"), project="small")
        self.done("pin", "m1")
        self.server.stop()
        segments = glob.glob(self.place.path + "/server/projects/default/store/jobs/m*/*.segment")
        self.assertEqual(len(segments), 6)
        room = sum(map(os.path.getsize, segments)) * 9 // 12  # for four of them and a half
        self.server.start()
        self.restart("--retention-bytes", str(room), "--retention-bytes", "small=1KiB", "--retention-every", "1")
        wait_until(lambda: self.jobs() == {"m1", "m4", "m5", "m6"}, "the oldest to go")
        wait_until(lambda: not self.server.rows("*", project="small"), "everything of the small project to go")
        self.assertEqual(self.count("m1"), 2000)
        self.restart("--retention-bytes", "20KiB", "--retention-every", "1")
        wait_until(lambda: self.jobs() == {"m1"}, "all but the pinned one to go")
        wait_until(lambda: "more than the 20480 of --retention-bytes" in self.server.stderr(), "the excess to be said")

    def test_rules_that_are_none_are_named(self):
        for option, value, word in (("--retention", "soon", "[PROJECT=]30d"), ("--retention-bytes", "p=-3", "[PROJECT=]100GB"),
                                    ("--retention", "No/Name=3d", "No/Name"),
                                    ("--retention-bytes", "0", "[PROJECT=]100GB"), ("--retention", "p=0d", "[PROJECT=]30d"),
                                    ("--query-memory", "-1", "--query-memory"), ("--query-rows", "-1", "--query-rows")):
            done = self.place.cli("serve", "--data-dir", self.place.path + "/x", "--http", "127.0.0.1:0", option, value)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
