"""Folders of old logs become stored jobs, once, however often they are imported."""
import gzip
import json
import os
import unittest

from harness import Place, Server, zstd


class ImportTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.server = Server(self.place)
        self.addCleanup(self.server.stop)

    def import_folder(self, *arguments):
        return self.place.cli("import", "--server", self.server.http, *arguments)

    def query(self, text):
        done = self.place.cli("query", "--server", self.server.http, text, "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def write(self, name, text, mode="w"):
        path = os.path.join(self.place.path, "old-run", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode) as file:
            file.write(text)

    def test_a_folder_is_stored_once_and_grows(self):
        self.write("node_0/rank_3.log", "2026-11-01 00:00:01 step: 5 loss: 2.5\n2026-11-01 00:00:02 ERROR CUDA OOM\n")
        self.write("metrics.jsonl", '{"timestamp":"2026-11-01T00:00:03Z","rank":1,"loss":2}\n')
        self.write("weights.pt", "x")
        folder = os.path.join(self.place.path, "old-run")
        for _ in range(2):
            done = self.import_folder(folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("old-run: 3 records of 2 files", done.stdout)
            self.assertIn("weights.pt", done.stdout)
        self.write("node_0/rank_3.log", "2026-11-01 00:00:04 more\n", "a")
        self.import_folder(folder)
        rows = self.query("job:old-run | fields rank, node_rank, step, loss, level")
        self.assertEqual(rows, [{"rank": 3, "node_rank": 0, "step": 5, "loss": 2.5},
                                {"rank": 3, "node_rank": 0, "level": "error"}, {"rank": 1, "loss": 2},
                                {"rank": 3, "node_rank": 0}])

    def test_compressed_files_are_read_as_what_they_hold(self):
        text = "".join(f"2026-11-01 00:00:{i % 60:02} line {i} of many\n" for i in range(30000))
        self.write("rank_1.log.2.gz", gzip.compress(text.encode()), "wb")
        self.write("rank_2.log", "2026-11-01 00:00:01 plain\n")
        self.write("rank_3.jsonl.zst", zstd(b'{"rank":3,"loss":1}\n{"rank":3,"loss":2}'), "wb")
        done = self.import_folder(os.path.join(self.place.path, "old-run"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("old-run: 30003 records of 3 files", done.stdout)
        self.assertEqual(self.query("job:old-run | stats count() as n by (rank)"),
                         [{"rank": 1, "n": 30000}, {"rank": 2, "n": 1}, {"rank": 3, "n": 2}])

    def test_a_compressed_file_that_is_cut_off_is_named(self):
        self.write("rank_1.log.gz", gzip.compress(b"hello\n" * 1000)[:-9], "wb")
        done = self.import_folder(os.path.join(self.place.path, "old-run"))
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("rank_1.log.gz: the gzip stream is cut off", done.stderr)

    def test_what_is_not_there_is_named(self):
        done = self.import_folder("/nope", "--job_id", "j")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nope", done.stderr)


if __name__ == "__main__":
    unittest.main()
