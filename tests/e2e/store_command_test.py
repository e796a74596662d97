"""`rankscope store` on a data directory that nobody serves."""
import glob
import json
import os
import signal
import unittest

from harness import ServerCase


class StoreCommandTest(ServerCase):
    def setUp(self):
        super().setUp()
        self.data = self.place.path + "/server"

    def store(self, action, code, *options):
        done = self.place.cli("store", action, self.data, *options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def flip(self, pattern, at):
        (path,) = glob.glob(self.data + "/projects/default/" + pattern)
        with open(path, "r+b") as file:
            file.seek(at, 2)
            byte = file.read(1)
            file.seek(at, 2)
            file.write(bytes([byte[0] ^ 1]))
        return path

    def test_damage_is_named_in_the_journal_and_in_segments(self):
        self.server.ingest("j", [{"rank": 0, "msg": "not sealed yet"}])
        self.server.stop(signal.SIGKILL)
        self.assertRegex(self.store("verify", 0).stdout, r"journal: \d+ entries, \d+ bytes: every checksum holds")
        journal = max(glob.glob(self.data + "/projects/default/journal/*.journal"))
        path = self.flip("journal/" + journal.rsplit("/", 1)[1], -1)
        self.assertIn(path + ": bytes ", self.store("verify", 1).stderr)
        self.flip("journal/" + journal.rsplit("/", 1)[1], -1)
        self.server.start()
        self.server.stop()
        self.assertIn("1 jobs, 1 records", self.store("verify", 0).stdout)
        (stats,) = map(json.loads, self.store("stats", 0, "-o", "json").stdout.splitlines())
        self.assertEqual((stats["project"], stats["job_id"], stats["records"], stats["segments"]), ("default", "j", 1, 1))
        verdicts = {os.path.basename(line["folder"]): line
                    for line in map(json.loads, self.store("verify", 0, "-o", "json").stdout.splitlines())}
        self.assertEqual((verdicts["store"]["jobs"], verdicts["store"]["records"], verdicts["store"]["damage"]), (1, 1, []))
        self.assertEqual((verdicts["store"]["bytes"], verdicts["journal"]["damage"]), (stats["bytes"], []))
        self.flip("store/jobs/j/*.segment", -1)
        for action in ("verify", "stats", "compact"):
            self.assertRegex(self.store(action, 1).stderr, r'footer is damaged: \d+ bytes of records of job "j" cannot be read')
        (line,) = [line for line in map(json.loads, self.store("verify", 1, "-o", "json").stdout.splitlines()) if "jobs" in line]
        self.assertRegex(line["damage"][0], "footer is damaged")

    def test_damage_is_named_in_the_tables_of_jobs(self):
        self.server.ingest("j", [{"rank": 0, "msg": "x"}])
        self.assertEqual(self.store("verify", 0).stderr, "")
        self.server.stop()
        self.assertEqual(self.store("verify", 0).stderr, "")
        (path,) = glob.glob(self.data + "/projects/default/catalog.sqlite")
        self.flip("catalog.sqlite", -os.path.getsize(path))
        self.assertIn(path + " is damaged: ", self.store("verify", 1).stderr)
        damaged = [line for line in map(json.loads, self.store("verify", 1, "-o", "json").stdout.splitlines()) if line["damage"]]
        self.assertEqual([(line["folder"], line["file"]) for line in damaged], [os.path.split(path)])

    def test_damage_is_named_in_tables_of_a_project_of_which_nothing_is_sealed(self):
        self.server.ingest("j", [{"rank": 0, "msg": "x"}])
        self.server.stop(signal.SIGKILL)
        (path,) = glob.glob(self.data + "/projects/default/catalog.sqlite")
        for log in glob.glob(path + "-*"):
            os.remove(log)
        with open(path, "w") as file:
            file.write("x" * 4096)
        self.assertIn(path + " is damaged: ", self.store("verify", 1).stderr)


if __name__ == "__main__":
    unittest.main()
