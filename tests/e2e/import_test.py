"""Folders of old logs become stored jobs, once, however often they are imported."""
import datetime
import gzip
import json
import os
import unittest
import urllib.parse
import zlib

from harness import ServerCase, zstd


class ImportTest(ServerCase):
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
        for said in ("3 records", "0 new of 3 records"):
            done = self.import_folder(folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"old-run: {said} of 2 files", done.stdout)
            self.assertIn("weights.pt", done.stdout)
        self.write("node_0/rank_3.log", "2026-11-01 00:00:04 more\n", "a")
        self.assertIn("old-run: 1 new of 4 records of 2 files", self.import_folder(folder).stdout)
        rows = self.query("job:old-run -stream:event | fields rank, node_rank, step, loss, level")
        self.assertEqual(rows, [{"rank": 3, "node_rank": 0, "step": 5, "loss": 2.5},
                                {"rank": 3, "node_rank": 0, "level": "error"}, {"rank": 1, "loss": 2},
                                {"rank": 3, "node_rank": 0}])

    def test_the_rows_of_a_framework_are_what_it_reports(self):
        self.write("logging.jsonl", '{"loss": 1.5, "grad_norm": 0.25, "learning_rate": 1e-05, "epoch": 0.1, "global_step/max_steps": "5/50"}\n'
                                    '{"loss": 1.25, "grad_norm": 0.5, "learning_rate": 2e-05, "epoch": 0.2, "global_step/max_steps": "10/50"}\n')
        self.assertEqual(self.import_folder(os.path.join(self.place.path, "old-run")).returncode, 0)
        rows = self.query("job:old-run loss:* | fields step, loss, grad_norm, learning_rate")
        self.assertEqual(rows, [{"step": 5, "loss": 1.5, "grad_norm": 0.25, "learning_rate": 1e-05},
                                {"step": 10, "loss": 1.25, "grad_norm": 0.5, "learning_rate": 2e-05}])

    def test_what_is_appended_to_an_unfinished_last_line_is_stored(self):
        folder = os.path.join(self.place.path, "old-run")
        self.write("rank_0.log", "2026-11-01 00:00:01 one\n2026-11-01 00:00:02 two")
        for said in ("2 records", "0 new of 2 records"):
            self.assertIn(f"old-run: {said} of 1 file", self.import_folder(folder).stdout)
        self.write("rank_0.log", " and more\n2026-11-01 00:00:03 three\n", "a")
        for said in ("2 new of 3 records", "0 new of 3 records"):
            self.assertIn(f"old-run: {said} of 1 file", self.import_folder(folder).stdout)
        self.assertEqual([row["msg"][20:] for row in self.query("job:old-run stream:stdout")],
                         ["one", "two", "two and more", "three"])

    def test_tracebacks_of_ranks_that_come_line_by_line_in_one_file_or_stream_are_one_record_each(self):
        traceback = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "ValueError: x"]
        for job, prefix in (("tee", "[default%d]:"), ("torch", "[rank%d]: "), ("srun", "%d: ")):
            self.write("all.log", "".join(f"{prefix % rank}{line}\n" for line in traceback for rank in (0, 1)))
            wanted = ["\n".join(prefix % rank + line for line in traceback) for rank in (0, 1)]
            folder = os.path.join(self.place.path, "old-run")
            self.assertEqual(self.import_folder(folder, "--job_id", "file-" + job).returncode, 0)
            self.assertEqual([row["msg"] for row in self.query(f"job:file-{job} stream:stdout")], wanted)
            done = self.place.cli("run", "--server", self.server.http, "--job_id", "run-" + job, "--", "cat", folder + "/all.log")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual([row["msg"] for row in self.query(f"job:run-{job} stream:stdout")], wanted)

    def test_a_traceback_at_the_end_of_a_file_comes_after_the_lines_of_its_time(self):
        self.write("rank_0.log", "2026-11-01 00:00:01 ERROR one\n2026-11-01 00:00:01 ERROR two\n"
                   "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n")
        self.assertEqual(self.import_folder(os.path.join(self.place.path, "old-run")).returncode, 0)
        self.assertEqual([row["msg"].split()[-1] for row in self.query("job:old-run stream:stdout")], ["one", "two", "x"])

    def test_ranks_that_share_a_file_are_told_apart_by_what_the_launcher_says(self):
        self.write("all.log", "".join(f"[default{i % 2}]:step: {i // 2} loss: {i}\n" for i in range(4)))
        self.assertEqual(self.import_folder(os.path.join(self.place.path, "old-run")).returncode, 0)
        self.assertEqual(self.query("job:old-run loss:* | stats max(loss) as loss by (rank)"),
                         [{"rank": 0, "loss": 2}, {"rank": 1, "loss": 3}])

    def test_a_job_id_that_is_no_line_of_text_is_refused(self):
        self.write("rank_0.log", "x\n")
        for job in ("a\nb", "\x1b[31m", "j" * 201):
            done = self.import_folder(os.path.join(self.place.path, "old-run"), "--job_id", job)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn("want 1 to 200 bytes", done.stderr)
        run = self.place.cli("run", "--server", self.server.http, "--job_id", "a\nb", "--", "true")
        self.assertEqual((run.returncode, len(run.stderr.splitlines())), (2, 1), run.stderr)
        for name in ("a\1b", "\x1b", "a\nb", "j" * 201):
            asked = (self.server.ask("POST", "/api/v1/ingest/jsonline", b'{"msg": "x"}', job_id=name),
                     self.server.ask("POST", f"/api/v1/jobs/{urllib.parse.quote(name)}/import", b'{"from": "/x"}'),
                     self.server.ask("POST", "/api/v1/launches", json.dumps({"job_id": name, "member": "m"}).encode()))
            for status, (answer,) in asked:
                self.assertEqual((status, "want 1 to 200 bytes" in answer["error"]), (400, True), answer)
        self.assertEqual(self.server.ask("GET", "/api/v1/jobs")[1], [])

    def test_an_imported_job_is_neither_running_nor_lost_and_says_where_it_is_from(self):
        for ago in (3 * 86400 + 4 * 3600 + 1800, 0):  # seconds
            with self.subTest(ago=ago):
                job = f"ended-{ago}-s-ago"
                written = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)
                self.write("rank_0.log", written.strftime("%Y-%m-%d %H:%M:%S") + " step: 5 loss: 2.5\n")
                folder = os.path.join(self.place.path, "old-run")
                for _ in range(2):
                    self.assertEqual(self.import_folder(folder, "--job_id", job).returncode, 0)
                [told] = [json.loads(line) for line in self.place.cli("jobs", "--server", self.server.http, "-o", "json").stdout.splitlines()
                          if json.loads(line)["job_id"] == job]
                self.assertEqual((told["state"], told["reason"], told["ranks_seen"]), ("imported", "", 1))
                self.assertEqual(told["configuration"]["imported_from"], os.path.realpath(folder))
                self.assertEqual(len(self.query(f"job:{job}")), 1)
                shown = self.place.cli("jobs", "show", "--server", self.server.http, job).stdout
                self.assertRegex(shown, rf"^{job}  imported\n")
                self.assertRegex(shown, r"\n0  +0  +-  +-  +-  +-  +-  +console  +-\n$")
        self.assertIn("3 d 4 h ago", self.place.cli("jobs", "--server", self.server.http).stdout)
        self.assertIn("last heard 3 d 4 h ago", self.place.cli("show", "--server", self.server.http, "ended-275400-s-ago").stdout)

    def test_subfolders_are_of_the_job_and_each_path_is_a_job(self):
        self.write("a/rank_0.log", "2026-11-01 00:00:01 x\n")
        self.write("b/deep/er/rank_1.log", "2026-11-01 00:00:02 y\n")
        folder = os.path.join(self.place.path, "old-run")
        self.assertIn("old-run: 2 records of 2 files", self.import_folder(folder).stdout)
        done = self.import_folder(folder + "/a", folder + "/b")
        self.assertEqual([line.split(" in ")[0] for line in done.stdout.splitlines()],
                         ["a: 1 record of 1 file", "b: 1 record of 1 file"])
        self.assertEqual(self.query("stream:stdout | stats count() as n by (job_id, rank) | sort job_id, rank"),
                         [{"job_id": "a", "rank": 0, "n": 1}, {"job_id": "b", "rank": 1, "n": 1},
                          {"job_id": "old-run", "rank": 0, "n": 1}, {"job_id": "old-run", "rank": 1, "n": 1}])

    def test_compressed_files_are_read_as_what_they_hold(self):
        text = "".join(f"2026-11-01 00:00:{i % 60:02} line {i} of many\n" for i in range(30000))
        self.write("rank_1.log.2.gz", gzip.compress(text.encode()), "wb")
        self.write("rank_2.log", "2026-11-01 00:00:01 plain\n")
        self.write("rank_3.jsonl.zst", zstd(b'{"rank":3,"loss":1}\n{"rank":3,"loss":2}'), "wb")
        done = self.import_folder(os.path.join(self.place.path, "old-run"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("old-run: 30003 records of 3 files", done.stdout)
        self.assertEqual(self.query("job:old-run -stream:event | stats count() as n by (rank)"),
                         [{"rank": 1, "n": 30000}, {"rank": 2, "n": 1}, {"rank": 3, "n": 2}])

    def test_a_compressed_file_that_is_cut_off_is_named(self):
        self.write("rank_1.log.gz", gzip.compress(b"hello\n" * 1000)[:-9], "wb")
        done = self.import_folder(os.path.join(self.place.path, "old-run"))
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("rank_1.log.gz: the gzip stream is cut off", done.stderr)
        self.assertEqual(done.stderr.count("rank_1.log.gz"), 1)

    def test_a_damaged_file_keeps_nothing_out_but_what_stands_behind_the_damage(self):
        self.write("rank_0.log", "first of all\n")
        cut = gzip.compress("".join(f"line {i} of {i * i}\n" for i in range(50000)).encode())
        self.write("rank_1.log.gz", cut[:len(cut) // 2], "wb")
        self.write("rank_2.jsonl", '{"msg":"a"}\n{no json\n')
        self.write("rank_3.log", "last of all\n")
        done = self.import_folder(os.path.join(self.place.path, "old-run"))
        self.assertEqual(done.returncode, 2)
        self.assertEqual([name in line for name, line in zip(("rank_1.log.gz", "rank_2.jsonl"), done.stderr.splitlines())],
                         [True, True], done.stderr)
        stored = {row["rank"]: row["n"] for row in self.query("job:old-run -stream:event | stats count() as n by (rank)")}
        self.assertEqual((set(stored), stored[0], stored[3]), ({0, 1, 3}, 1, 1))
        self.assertTrue(1000 < stored[1] < 50000, stored)
        self.assertIn(f"old-run: {stored[1] + 2} records of 4 files (2 damaged)", done.stdout)
        self.write("rank_1.log.gz", cut, "wb")
        again = self.import_folder(os.path.join(self.place.path, "old-run"))
        self.assertIn(f"old-run: {50000 - stored[1]} new of 50002 records of 4 files (1 damaged)", again.stdout)

    def test_a_traceback_that_a_damage_cuts_off_is_stored_with_what_others_printed_amid_it(self):
        text = "[default0]:Traceback (most recent call last):\n" + '[default0]:  File "a.py", line 1, in f\n' + "".join(
            f"[default1]:line {i}\n" for i in range(100))
        compressor = zlib.compressobj(wbits=31)
        self.write("all.log.gz", compressor.compress(text.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH), "wb")
        done = self.import_folder(os.path.join(self.place.path, "old-run"), "/nope")
        self.assertEqual((done.returncode, ["all.log.gz" in done.stderr, "/nope" in done.stderr]), (2, [True, True]), done.stderr)
        stored = {row["rank"]: row["n"] for row in self.query("job:old-run -stream:event | stats count() as n by (rank)")}
        self.assertEqual(stored, {0: 1, 1: 100})

    def test_a_file_that_is_not_compressed_as_it_is_named_is_named_once(self):
        for name, content in (("rank_1.log.gz", b"hello\n"), ("rank_1.jsonl", b"{no json\n")):
            self.write(name, content, "wb")
            done = self.import_folder(os.path.join(self.place.path, "old-run", name))
            self.assertEqual((done.returncode, len(done.stderr.splitlines()), done.stderr.count(name)), (2, 1, 1), done.stderr)

    def test_a_file_without_a_line_is_named_and_leaves_no_job_behind(self):
        self.write("empty.log", "")
        self.write("whole.log", "2026-11-01 00:00:01 x\n")
        empty, whole = (os.path.join(self.place.path, "old-run", name) for name in ("empty.log", "whole.log"))
        done = self.place.cli("import", "--server", self.server.http, empty, whole)
        self.assertEqual((done.returncode, done.stderr), (2, f"rankscope: {empty}: no line of a log in it\n"), done.stdout)
        self.assertEqual(done.stdout, f"whole: 1 record of 1 file in {whole}\n")
        # Were the empty one known as imported, what comes of it now would be.
        self.server.ingest("empty", [{"msg": "x"}])
        [told] = [row for row in self.server.ask("GET", "/api/v1/jobs")[1] if row["job_id"] == "empty"]
        self.assertEqual((told["state"], told["configuration"]), ("running", {}))

    def test_what_is_not_there_is_named(self):
        done = self.import_folder("/nope", "--job_id", "j")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nope", done.stderr)


if __name__ == "__main__":
    unittest.main()
