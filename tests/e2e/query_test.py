"""The doors of the query engine, on what real processes printed: HTTP in all its forms, limits, cancellation, tails."""
import json
import socket
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE, OneServerCase, PlaceCase, wait_until

RANK = """
import os, sys
rank = int(os.environ["RANK"])
for step in range(1, 101):
    loss = 99.0 if (rank, step) == (1, 42) else 5.0 / step + rank
    print(f"step: {step} loss: {loss:.4f} lr: 1e-4", flush=True)
if rank == 1:
    print("ERROR: CUDA out of memory. Tried to allocate 4.20 GiB", file=sys.stderr)
"""
LAUNCHER = """
import os, subprocess, sys
ranks = [subprocess.Popen([sys.executable, sys.argv[1]],
                          env={**os.environ, "RANK": str(r), "LOCAL_RANK": str(r), "WORLD_SIZE": "2"}) for r in range(2)]
sys.exit(max(rank.wait() for rank in ranks))
"""


def run_two_ranks(place, server, job):
    launcher, rank = place.write("launcher.py", LAUNCHER), place.write("rank.py", RANK)
    done = place.cli("run", "--server", server.http, "--job_id", job, "--", "/usr/bin/python3", launcher, rank)
    assert done.returncode == 0, done.stderr


class Client:
    def __init__(self, server):
        self.server = server

    def open(self, path, body=None, headers=None, **parameters):
        url = f"http://{self.server.http}{path}"
        if parameters:
            url += "?" + urllib.parse.urlencode(parameters)
        return urllib.request.urlopen(urllib.request.Request(url, body, headers or {}), timeout=PATIENCE)

    def rows(self, path, body=None, headers=None, **parameters):
        with self.open(path, body, headers, **parameters) as answer:
            return [json.loads(line) for line in answer]

    def error(self, path, **parameters):
        try:
            self.open(path, **parameters)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["error"]
        raise AssertionError("no error")


class QueryTest(OneServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run_two_ranks(cls.place, cls.server, "j")
        cls.client = Client(cls.server)

    def query(self, text, **parameters):
        return self.client.rows("/api/v1/query", query=text, **parameters)

    def test_words_and_statistics(self):
        self.assertEqual([r["rank"] for r in self.query('job:j "cuda out of memory"')], [1])
        self.assertEqual(self.query("job:j loss:* | stats count() as n, max(loss) by (rank)"),
                         [{"rank": 0, "n": 100, "max(loss)": 5}, {"rank": 1, "n": 100, "max(loss)": 99}])

    def test_a_post_takes_a_form_json_or_the_query_itself(self):
        query = b"job:j rank:1 loss:>50 | fields step"
        form = urllib.parse.urlencode({"query": query}).encode()
        for body, kind in ((form, "application/x-www-form-urlencoded"), (query, "text/plain"),
                           (json.dumps({"query": query.decode()}).encode(), "application/json")):
            self.assertEqual(self.client.rows("/api/v1/query", body, {"Content-Type": kind}), [{"step": 42}])

    def test_parameters_narrow_a_query(self):
        self.assertEqual(len(self.query("loss:*", job_id="j", limit=7)), 7)
        self.assertEqual(self.query("loss:*", job_id="k"), [])
        self.assertEqual(self.query("loss:* | stats count() as n", end="2020-01-01T00:00:00Z"), [{"n": 0}])
        self.assertEqual(self.query("loss:* | stats count() as n", job_id="j", start="1h"), [{"n": 200}])

    def test_context_and_join(self):
        rows = self.query('job:j "out of memory" | context 1 | fields msg, context')
        self.assertEqual([r["context"] for r in rows], ["before", "hit"])
        joined = self.query('job:j "out of memory" | join metrics(loss) within 2 steps | fields loss, loss_around')
        self.assertEqual([at for at, _ in joined[0]["loss_around"]], [98, 99, 100])
        self.assertEqual(joined[0]["loss"], 1.05)

    def test_errors_are_one_sentence_and_name_the_place(self):
        code, message = self.client.error("/api/v1/query", query="job:j | nosuch")
        self.assertEqual(code, 400)
        self.assertIn("column 9", message)
        self.assertEqual(self.client.error("/api/v1/query")[0], 400)
        self.assertIn("parameter start", self.client.error("/api/v1/query", query="x", start="soon")[1])
        for route, more in (("query", {}), ("series", {"metric": "loss"}), ("patterns", {}), ("fields", {})):
            what = self.client.error(f"/api/v1/{route}", query="x", start="1h", end="2h", **more)[1]
            self.assertIn("parameter end: before start", what)
        self.assertIn("to_step: before", self.client.error("/api/v1/series", metric="loss", from_step=5, to_step=4)[1])
        self.assertIn("metric", self.client.error("/api/v1/series")[1])
        self.assertIn("parameter metric", self.client.error("/api/v1/series", metric="")[1])
        self.assertIn("parameter by", self.client.error("/api/v1/series", metric="loss", by="moon")[1])
        self.assertIn("no pipes", self.client.error("/api/v1/tail", query="x | limit 1")[1])
        self.assertEqual(self.client.error("/api/v1/nosuch")[0], 404)

    def test_series_keep_their_spike(self):
        series = self.client.rows("/api/v1/series", metric="loss", job_id="j", points=10)
        self.assertEqual([s["rank"] for s in series], [0, 1])
        self.assertLessEqual(len(series[1]["x"]), 10)
        self.assertEqual(max(series[1]["max"]), 99)
        self.assertEqual(sum(series[1]["count"]), 100)
        exact = self.client.rows("/api/v1/series", metric="loss", job_id="j", from_step=42, to_step=42)
        self.assertEqual(exact[1]["last"], [99])
        job = self.client.rows("/api/v1/series", metric="loss", job_id="j", by="job")
        self.assertEqual((job[0]["x"][0], job[0]["min"][0], job[0]["median"][0], job[0]["max"][0], job[0]["ranks"][0]),
                         (1, 5, 5.5, 6, 2))
        self.assertEqual(self.client.rows("/api/v1/series", metric="nosuch"), [])

    def test_patterns_and_fields(self):
        patterns = self.client.rows("/api/v1/patterns", job_id="j", query="stream:stdout")
        self.assertEqual((patterns[0]["count"], patterns[0]["ranks"]), (200, "0-1"))
        self.assertIn("loss", patterns[0]["pattern"])
        fields = {f["name"]: f for f in self.client.rows("/api/v1/fields", job_id="j", query="loss:*")}
        self.assertEqual((fields["loss"]["count"], fields["loss"]["of"], fields["loss"]["max"]), (200, 200, 99))
        self.assertLessEqual(max(f["count"] for f in fields.values()), 200, "no field is in more records than there are")
        self.assertEqual(fields["rank"]["top"], [{"value": 0, "count": 100}, {"value": 1, "count": 100}])

    def test_a_tail_as_lines_and_as_events(self):
        with self.client.open("/api/v1/tail", query="job:j loss:*", last=2) as lines:
            last = [json.loads(lines.readline()) for _ in range(2)]
        self.assertEqual({(r["job_id"], "loss" in r) for r in last}, {("j", True)})
        with self.client.open("/api/v1/tail", None, {"Accept": "text/event-stream"}, query="job:t", last=0) as events:
            self.assertEqual(events.headers["Content-Type"], "text/event-stream")
            run_two_ranks(self.place, self.server, "t")
            line = events.readline()
            while not line.startswith(b"data: "):  # heartbeats are comments
                line = events.readline()
            self.assertEqual(json.loads(line[len("data: "):])["job_id"], "t")

    def test_metrics_are_what_prometheus_reads(self):
        self.query("job:j | limit 1")
        with self.client.open("/metrics") as answer:
            lines = answer.read().decode().splitlines()
        values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}
        self.assertGreaterEqual(values['rankscope_http_requests_total{route="/api/v1/query",status="200"}'], 1)
        self.assertGreater(values["process_resident_memory_bytes"], 1e6)
        self.assertEqual(self.client.rows("/health"), [{"status": "ok"}])


class LimitsTest(PlaceCase):
    def test_an_answer_past_its_rows_says_so(self):
        server = self.serve("--query-rows", "5")
        run_two_ranks(self.place, server, "j")
        rows = Client(server).rows("/api/v1/query", query="job:j loss:*")
        self.assertEqual(len(rows), 6)
        self.assertEqual(rows[5]["_partial"]["limit"], "rows")
        self.assertIn("5 rows", rows[5]["_partial"]["message"])

    def test_a_client_that_leaves_ends_its_query(self):
        server = self.serve()
        script = self.place.write("many.py", "for i in range(200000): print('a line of some length, number', i)\n")
        done = self.place.cli("run", "--server", server.http, "--job_id", "j", "--", "/usr/bin/python3", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        host, port = server.http.split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET /api/v1/query?query=job%3Aj HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(1000)

        def cancelled():
            with Client(server).open("/metrics") as answer:
                return 'rankscope_query_partial_total{limit="cancelled"} 1' in answer.read().decode()

        wait_until(cancelled, "the query of the client that left to end")


if __name__ == "__main__":
    unittest.main()
