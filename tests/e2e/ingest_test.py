"""Records over HTTP: what comes in is what comes out, once, whole or said to be not."""
import contextlib
import gzip
import json
import random
import socket
import unittest
import urllib.request

from harness import OneServerCase, wait_until, zstd

PATH = "/api/v1/ingest/jsonline"


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def numbered(count, first=0):
    return [{"rank": i % 8, "msg": f"record {i} {random.Random(i).getrandbits(200):x}"}
            for i in range(first, first + count)]


class IngestTest(OneServerCase):
    def post(self, body, headers=None, **parameters):
        status, (answer,) = self.server.ask("POST", PATH, body, headers, **parameters)
        return status, answer

    def refused(self, words, body, headers=None, status=400, **parameters):
        got, answer = self.post(body, headers, **parameters)
        self.assertEqual(got, status, answer)
        for word in words:
            self.assertIn(word, answer["error"])
        return answer

    def messages(self, job):
        return [row["msg"] for row in self.server.rows(f"job:{job} | fields msg")]

    def test_what_comes_in_comes_out(self):
        record = {"timestamp": "2026-11-01T00:00:00.123456789Z", "attempt": 1, "node_rank": 2, "rank": 7, "local_rank": 3,
                  "host": "n2", "stream": "stderr", "seq": 9, "step": 12, "level": "error", "msg": "显存不足 \u0007",
                  "loss": 2.25, "eval/loss": "NaN", "tokens": 2 ** 60, "note": "x", "nested": {"a": [1, 2]}, "flag": True}
        self.assertEqual(self.post(lines([record]), job_id="whole"), (200, {"records": 1}))
        (row,) = self.server.rows("job:whole")
        expected = {**record, "job_id": "whole", "project": "default", "nested": '{"a": [1, 2]}', "flag": "true"}
        self.assertEqual(row, expected)

    def test_what_is_taken_in_is_counted_once(self):
        def counted():
            with urllib.request.urlopen(f"http://{self.server.http}/metrics") as answer:
                found = [line for line in answer.read().decode().splitlines()
                         if line.startswith('rankscope_ingest_records_total{project="default"}')]
            return float(found[0].split()[-1]) if found else 0

        before = counted()
        for _ in range(2):
            self.assertEqual(self.post(lines(numbered(5)), job_id="counted", producer="p", seq=1)[0], 200)
        self.assertEqual(counted() - before, 5)

    def test_names_of_other_collectors_are_understood(self):
        body = b'{"@timestamp":"2026-11-01T00:00:00Z","message":"a"}\n{"ts":1793491201,"log":"b"}\n{"time":1793491202000,"text":"c"}'
        self.assertEqual(self.post(body, job_id="names"), (200, {"records": 3}))
        rows = self.server.rows("job:names | fields timestamp, msg")
        self.assertEqual([row["msg"] for row in rows], ["a", "b", "c"])
        self.assertEqual([row["timestamp"][17:19] for row in rows], ["00", "01", "02"])

    def test_gzip_and_zstd(self):
        body = lines(numbered(50000))
        for encoding, packed in (("gzip", gzip.compress(body)), ("zstd", zstd(body))):
            with self.subTest(encoding):
                self.assertEqual(self.post(packed, {"Content-Encoding": encoding}, job_id=encoding), (200, {"records": 50000}))
                self.assertEqual(self.server.rows(f"job:{encoding} | stats count() as n, count_distinct(msg) as d"),
                                 [{"n": 50000, "d": 50000}])
                answer = self.refused([encoding], packed[:len(packed) // 2], {"Content-Encoding": encoding}, job_id=encoding + "-cut")
                self.assertLess(answer["records"], 50000)
                self.refused([encoding], b"plain", {"Content-Encoding": encoding}, job_id=encoding + "-none")
        self.refused(["Content-Encoding", "br", "gzip and zstd"], body, {"Content-Encoding": "br"}, job_id="br")

    def test_a_repeated_request_stores_nothing_twice(self):
        whole = numbered(100)
        self.assertEqual(self.post(lines(whole[:60]), job_id="once", producer="p", seq=1), (200, {"records": 60}))
        self.assertEqual(self.post(lines(whole[:60]), job_id="once", producer="p", seq=1)[1]["duplicates"], 60)
        self.assertEqual(self.post(lines(whole[40:]), job_id="once", producer="p", seq=41),
                         (200, {"records": 60, "duplicates": 20}))
        self.refused(["seq", "101"], lines(numbered(1)), job_id="once", producer="p", seq=103)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.post(lines(whole), job_id="once", producer="p", seq=1)[1]["duplicates"], 100)
        self.assertEqual(self.post(lines(numbered(1, 500)), job_id="once", producer="other", seq=1), (200, {"records": 1}))
        self.assertEqual(sorted(self.messages("once")), sorted(r["msg"] for r in whole + numbered(1, 500)))

    def test_without_a_producer_it_is_stored_each_time(self):
        for _ in range(2):
            self.post(lines(numbered(3)), job_id="twice")
        self.assertEqual(len(self.messages("twice")), 6)

    def test_job_a_slash_b_is_not_producer_b_of_job_a(self):
        self.assertEqual(self.post(lines(numbered(1)), job_id="a/b", producer="c", seq=1), (200, {"records": 1}))
        self.assertEqual(self.post(lines(numbered(1)), job_id="a", producer="b/c", seq=1), (200, {"records": 1}))

    def test_a_bad_line_is_named_and_nothing_of_its_chunk_stored(self):
        good = b'{"msg":"good"}\n'
        for bad, words in ((b"nonsense", ["line 3"]), (b'{"rank":"x"}', ["line 3", "rank", "x"]),
                           (b'{"timestamp":"yesterday"}', ["line 3", "yesterday"]), (b"[1]", ["line 3"]),
                           (b'{"job_id":"another","msg":"x"}', ["line 3", "another"]),
                           (b'{"project":"elsewhere","msg":"x"}', ["line 3", "elsewhere"])):
            with self.subTest(bad):
                answer = self.refused(words, good * 2 + bad + b"\n" + good, job_id="bad")
                self.assertEqual(answer["records"], 0)
        self.assertEqual(self.messages("bad"), [])

    def test_of_a_body_of_some_chunks_with_a_bad_line_nothing_is_stored(self):
        answer = self.refused(["line 100001"], lines(numbered(100000)) + b"nonsense\n" + lines(numbered(10)), job_id="long")
        self.assertEqual(answer["records"], 0)
        self.assertEqual(self.messages("long"), [])
        self.assertEqual(self.post(lines(numbered(100000)), job_id="long"), (200, {"records": 100000}))
        self.assertEqual(len(self.messages("long")), 100000)

    def test_of_a_very_long_body_with_a_bad_line_it_says_how_many_are_stored(self):
        body = lines(numbered(200000)) + b"nonsense\n" + lines(numbered(10))
        self.assertGreater(len(body), 16 << 20)
        answer = self.refused(["line 200001"], body, job_id="very long")
        self.assertGreater(answer["records"], 0)
        self.assertEqual(self.server.rows('job:"very long" | stats count() as n'), [{"n": answer["records"]}])

    def test_parameters_that_are_wrong_are_named(self):
        body = lines(numbered(1))
        self.refused(["job_id is empty"], body, job_id="")
        self.refused(["colour"], body, job_id="j", colour="red")
        self.refused(["seq", "zero"], body, job_id="j", producer="p", seq="zero")
        self.refused(["producer and seq"], body, job_id="j", producer="p")
        self.refused(["No Project"], body, job_id="j", project="No Project", status=403)

    def test_records_of_no_job_are_the_projects_own(self):
        port = {"timestamp": "2026-11-01T00:00:00Z", "switch": "leaf-2", "port": 3, "port_xmit_discards": 7}
        self.assertEqual(self.post(lines([port])), (200, {"records": 1}))
        (row,) = self.server.rows("port_xmit_discards:7")
        expected = {**port, "timestamp": "2026-11-01T00:00:00.000000000Z", "project": "default", "attempt": 0, "seq": 0}
        self.assertEqual(row, {**expected, "stream": "stdout"})
        self.refused(["line 1", 'rank "7"', "names no job_id"], lines([{"rank": 7, "msg": "forgotten"}]))
        self.refused(["line 1", 'job_id "j"', "names no job_id"], lines([{"job_id": "j", "msg": "forgotten"}]))
        self.assertNotIn("", [row["job_id"] for row in self.server.ask("GET", "/api/v1/jobs")[1]])

    def test_a_line_that_is_too_long_is_refused(self):
        self.refused(["line 2", "4 MiB"], b'{"msg":"x"}\n{"msg":"' + b"y" * (5 << 20) + b'"}\n', job_id="wide")

    def begin(self, job, body, announced, **parameters):
        """Sends part of a body and stays."""
        host, port = self.server.http.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)))
        query = "&".join(f"{name}={value}" for name, value in {"job_id": job, **parameters}.items())
        connection.sendall(f"POST {PATH}?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n".encode())
        connection.sendall(body)
        return connection

    def abort(self, job, body, announced, **parameters):
        """Sends part of a body and leaves."""
        self.begin(job, body, announced, **parameters).close()

    def test_what_http_clients_may_do(self):
        with urllib.request.urlopen(urllib.request.Request(f"http://{self.server.http}/health", method="HEAD")) as answer:
            self.assertEqual((answer.status, answer.read()), (200, b""))
        self.assertEqual(self.server.ask("GET", PATH)[0], 405)
        body = gzip.compress(lines(numbered(3)))
        self.assertEqual(self.post(body, {"Content-Encoding": "GZIP"}, job_id="capitals"), (200, {"records": 3}))

    def test_a_parameter_that_nobody_knows_is_named(self):
        for path, name in (("query", "strat"), ("tail", "lst"), ("jobs", "limit"), ("findings", "job")):
            status, (answer,) = self.server.ask("GET", f"/api/v1/{path}", **{"query": "*"} if path in ("query", "tail") else {}, **{name: "1"})
            self.assertEqual((status, answer["error"].split(" (")[0]), (400, f"unknown parameter {name}"))
        status, (answer,) = self.server.ask("POST", "/api/v1/query", b'{"query": "x", "lmit": 1}', {"Content-Type": "application/json"})
        self.assertEqual((status, answer["error"]), (400, "unknown parameter lmit (nearest: limit)"))

    def test_an_aborted_body_stores_nothing(self):
        body = lines(numbered(100000))
        for cut in (len(body) // 100, len(body) // 2, len(body) - 1):
            self.abort("aborted", body[:cut], len(body))
        self.assertEqual(self.post(lines(numbered(1, 5000)), job_id="aborted"), (200, {"records": 1}))
        self.assertEqual(self.messages("aborted"), [numbered(1, 5000)[0]["msg"]])

    def test_while_the_memory_for_bodies_is_taken_they_are_stored_as_they_come(self):
        body = lines([{"msg": f"{i}" * (3 << 20)} for i in range(5)])
        self.assertLess(len(body) + 1, 16 << 20)
        with contextlib.ExitStack() as unfinished:
            for _ in range(10):  # 150 MiB of records for 128 MiB of memory
                unfinished.enter_context(self.begin("unfinished", body, len(body) + 1))
            count = "job:unfinished | stats count() as n"
            wait_until(lambda: self.server.rows(count)[0]["n"] > 0, "the first that is not held back to be stored")
            self.assertEqual(self.post(lines(numbered(100000)), job_id="beside"), (200, {"records": 100000}))
            self.assertLess(self.server.rows(count)[0]["n"], 5 * 10)
        self.assertEqual(self.server.rows("job:beside | stats count_distinct(msg) as n"), [{"n": 100000}])

    def test_an_aborted_body_can_be_sent_again_by_its_producer(self):
        whole = numbered(200000)
        body = lines(whole)
        self.abort("resumed", body[:len(body) * 3 // 4], len(body), producer="p", seq=1)
        count = "job:resumed | stats count() as n"
        wait_until(lambda: self.server.rows(count)[0]["n"] > 0, "the chunks before the abortion to be stored")
        status, answer = self.post(body, job_id="resumed", producer="p", seq=1)
        self.assertEqual((status, answer["records"]), (200, 200000))
        self.assertGreater(answer["duplicates"], 0)
        self.assertEqual(self.server.rows("job:resumed | stats count() as n, count_distinct(msg) as d"),
                         [{"n": 200000, "d": 200000}])


if __name__ == "__main__":
    unittest.main()
