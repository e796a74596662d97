"""query, series, patterns and show, as a person types them."""
import csv
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import termios
import time
import unittest

from harness import RANKSCOPE, OneServerCase
from query_test import run_two_ranks


class QueryCliTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run_two_ranks(cls.place, cls.server, "j")

    def run_cli(self, command, *arguments):
        done = self.place.cli(command, "--server", self.server.http, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_query_as_table_json_and_csv(self):
        query = "job:j loss:* | stats count() as n, max(loss) by (rank)"
        self.assertEqual(self.run_cli("query", query).split(), "rank n max(loss) 0 100 5 1 100 99".split())
        rows = [json.loads(line) for line in self.run_cli("query", query, "-o", "json").splitlines()]
        self.assertEqual(rows[1], {"rank": 1, "n": 100, "max(loss)": 99})
        cells = list(csv.reader(io.StringIO(self.run_cli("query", query, "-o", "csv"))))
        self.assertEqual(cells, [["rank", "n", "max(loss)"], ["0", "100", "5"], ["1", "100", "99"]])

    def test_that_nothing_was_found_is_said_beside_the_answer(self):
        for command in (("query", "job:j nosuchword"), ("patterns", "--job_id", "j", "--where", "nosuchword")):
            for output, said in (("table", "rankscope: nothing found\n"), ("csv", "rankscope: nothing found\n"), ("json", "")):
                done = self.place.cli(*command, "--server", self.server.http, "-o", output)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", said), (command, output))

    def on_terminal(self, width, command, *arguments):
        """The lines that it prints on a terminal of that width, and what it says on stderr."""
        reader, writer = pty.openpty()
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        asked = subprocess.Popen([RANKSCOPE, command, "--server", self.server.http, *arguments], stdout=writer,
                                 stderr=subprocess.PIPE, text=True, env=self.place.env)
        os.close(writer)
        shown = b""
        try:
            while piece := os.read(reader, 65536):
                shown += piece
        except OSError:  # how a terminal ends
            pass
        os.close(reader)
        return shown.decode().splitlines(), asked.communicate()[1]

    def test_a_table_of_records_keeps_within_the_terminal(self):
        lines, said = self.on_terminal(80, "query", "job:j")
        self.assertGreater(len(lines), 200)
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertRegex(lines[0], "^timestamp +rank +stream +step +level +msg *$")
        self.assertIn("no room for ", said)

    def test_why_of_a_job_is_cut_only_where_its_line_then_fits(self):
        day_s = 86400
        begun = time.time_ns() - (400 * day_s + 5 * 3600 + 1800) * 10**9  # neither a whole day ago nor about to be one more hour
        self.server.ingest("of-a-year-ago", [{"rank": 0, "msg": "x", "timestamp": begun}])
        why = lambda width: next(line for line in self.on_terminal(width, "jobs")[0] if line.startswith("of-a-year-ago"))
        whole = why(200)
        self.assertRegex(whole, r"  no word for \d+ d [0-9a-z ]+$")
        self.assertEqual(why(60), whole)
        cut = why(len(whole) - 3)
        self.assertEqual(len(cut), len(whole) - 3)
        self.assertTrue(cut.endswith("…"), cut)

    def test_a_wrong_query_is_one_line_with_its_column(self):
        done = self.place.cli("query", "--server", self.server.http, "job:j | nosuch")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("column 9", done.stderr)

    def test_a_query_that_begins_with_a_minus_comes_after_two(self):
        done = self.place.cli("query", "--server", self.server.http, "-stream:metric job:j")
        self.assertEqual(done.returncode, 2)
        self.assertIn("comes after --", done.stderr)
        self.assertIn("out of memory", self.run_cli("query", "-o", "json", "--", "-stream:metric job:j"))

    def test_the_columns_of_an_error_are_those_of_what_was_written(self):
        for command, filter, said in (("patterns", "level:error | nosuch", "column 15: expected a pipe"),
                                      ("series", "bogus(", "column 7: ")):
            metric = ["loss"] if command == "series" else []
            done = self.place.cli(command, *metric, "--server", self.server.http, "--job_id", "j", "--where", filter)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn(said, done.stderr)

    def test_columns_that_a_query_names_are_there_whatever_the_rows_have(self):
        for pipe, header in (("fields rank, nosuch, loss", "rank,nosuch,loss"), ("fields nosuch", "nosuch"),
                             ("stats avg(nosuch)", "avg(nosuch)"), ("limit 0 | fields rank", "rank")):
            self.assertEqual(self.run_cli("query", f"job:j | {pipe}", "-o", "csv").splitlines()[0], header)

    def test_a_partial_answer_is_no_line_of_a_log(self):
        server = self.serve("--query-rows", "100", place=self.new_place())
        server.ingest("j", [{"msg": f"line {i}", "rank": 0} for i in range(200)])
        for output in ("text", "json"):
            done = self.place.cli("logs", "--server", server.http, "--job_id", "j", "-o", output)
            self.assertEqual((done.returncode, len(done.stdout.splitlines())), (1, 100))
            self.assertNotIn("_partial", done.stdout)
            self.assertIn("the answer is partial", done.stderr)

    def test_a_metric_without_values_since_then_is_no_unknown_one(self):
        self.server.ingest("then", [{"rank": 0, "loss": 2, "timestamp": "2026-11-01T00:00:00Z"},
                                    {"rank": 0, "msg": "x", "timestamp": "2026-11-01T10:00:00Z"}])
        self.server.ask("POST", "/api/v1/jobs/then/import", b'{"from": "/x"}')
        done = self.place.cli("series", "loss", "--server", self.server.http, "--job_id", "then", "--since", "10m")
        self.assertEqual(done.returncode, 1)
        self.assertIn("has had the metric \"loss\" since 2026-11-01T09:50", done.stderr)
        self.assertIn("from its last record", done.stderr)
        for since in ("11h", "2026-11-01", "2026-11-01T00:00:00Z"):
            self.assertIn("then", self.run_cli("series", "loss", "--job_id", "then", "--since", since))
            self.assertIn("x", self.run_cli("patterns", "--job_id", "then", "--since", since))

    def test_a_series_over_ranks_has_its_median(self):
        header, row = self.run_cli("series", "loss", "--job_id", "j", "--by", "job").splitlines()
        values = dict(zip(header.split(), row.split()))
        self.assertTrue(float(values["min"]) <= float(values["median"]) <= float(values["max"]))
        self.assertIn("first_median", values)

    def test_series_by_rank_and_as_a_plot(self):
        rows = [line.split() for line in self.run_cli("series", "loss", "--job_id", "j").splitlines()]
        maximum = rows[0].index("max")
        self.assertEqual([float(row[maximum]) for row in rows[1:]], [5, 99])
        points = list(csv.DictReader(io.StringIO(self.run_cli("series", "loss", "--job_id", "j", "-o", "csv"))))
        self.assertEqual(len(points), 200)
        plot = self.run_cli("series", "loss", "--job_id", "j", "--by", "job", "--plot")
        self.assertIn("┤", plot)

    def test_a_metric_that_nobody_has_names_those_there_are(self):
        done = self.place.cli("series", "--server", self.server.http, "los", "--job_id", "j")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nearest: loss", done.stderr)
        self.assertIn("learning_rate", done.stderr)

    def test_patterns_count_lines(self):
        lines = self.run_cli("patterns", "--job_id", "j", "--where", "stream:stdout").splitlines()
        self.assertEqual(lines[1].split()[:2], ["200", "0-1"])

    def test_one_page_of_a_job(self):
        page = self.run_cli("show", "j")
        for words in ("j  finished", "ranks 2 of 2", "loss", "median of 2 ranks", "last words", "CUDA out of memory"):
            self.assertIn(words, page)

    def test_the_page_names_the_rank_whose_loss_is_no_number(self):
        self.server.ingest("sick", [{"rank": rank, "step": step, "stream": "metric", "loss": "NaN" if rank == 2 else 2.5}
                                    for rank in range(4) for step in range(10)])
        self.assertIn("10 NaN or Inf of rank 2\n", self.run_cli("show", "sick"))

    def test_the_page_has_the_last_value_and_the_extremes_also_as_json(self):
        self.server.ingest("odd", [{"rank": rank, "step": step, "stream": "metric", "loss": 99 if (rank, step) == (2, 7) else 5 - step / 4}
                                   for rank in range(4) for step in range(10)])
        self.assertRegex(self.run_cli("show", "odd"), r"\n  loss +last 2\.75 at step 9, min 2\.75, max 99\n    median of 4 ranks +█")
        page = json.loads(self.run_cli("show", "odd", "-o", "json"))
        self.assertEqual((page["job"]["job_id"], page["diagnosis"], page["ends"]), ("odd", None, []))
        (chart,) = page["metrics"]
        self.assertEqual([chart[name] for name in ("metric", "axis", "ranks", "last", "at", "min", "max", "nonfinite")],
                         ["loss", "step", 4, 2.75, 9, 2.75, 99, 0])
        self.assertEqual([(rank["rank"], rank["at"]) for rank in chart["odd"]], [(2, 7)])

    def test_no_such_job(self):
        done = self.place.cli("show", "--server", self.server.http, "nope")
        self.assertEqual(done.returncode, 1)
        self.assertIn('no job "nope"', done.stderr)


if __name__ == "__main__":
    unittest.main()
