"""`rankscope detect` and `rankscope rules` from the outside: files, a stored job, bad rules."""
import json
import os
import unittest

from harness import PlaceCase

LOG = """2026-11-01 00:00:01 step: 1 loss: 2.5
2026-11-01 00:00:02 step: 2 loss: nan
2026-11-01 00:00:09 INFO all is well
2026-11-01 00:00:10 Traceback (most recent call last):
  File "train.py", line 3, in <module>
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.
"""


def records(job, steps=300):
    """Four ranks; rank 2 leaves its peers from step 200 on."""
    for step in range(1, steps + 1):
        for rank in range(4):
            loss = 3 - 0.001 * step + 0.01 * ((step * 7 + rank * 3) % 5)
            if rank == 2 and step >= 200:
                loss += 0.05 * (step - 199)
            yield {"timestamp": f"2026-11-01T00:{step // 60:02}:{step % 60:02}Z", "job_id": job, "node_rank": 0, "rank": rank,
                   "stream": "metric", "step": step, "loss": round(loss, 4)}


class DetectTest(PlaceCase):
    def path(self, name):
        return os.path.join(self.place.path, name)

    def findings(self, *arguments):
        done = self.place.cli("detect", "-o", "json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def write_records(self, job):
        return self.place.write(job + ".jsonl", "".join(json.dumps(record) + "\n" for record in records(job)))

    def test_logs_as_they_lie_about(self):
        os.makedirs(self.path("run-7"))
        self.place.write("run-7/rank_3.log", LOG)
        found = {finding["rule"]: finding for finding in self.findings(self.path("run-7"))}
        oom = found["CudaOutOfMemory"]
        self.assertEqual((oom["job_id"], oom["rank"], oom["severity"], oom["action"], oom["state"]),
                         ("run-7", 3, "CRITICAL", "pause_job", "potential"))
        self.assertRegex(oom["incident_id"], "^i-[0-9a-f]{16}$")
        self.assertIn("Tried to allocate", oom["evidence"][0]["msg"])
        nan = found["LossNonfinite"]
        self.assertEqual((nan["class"], nan["step"], nan["rank"]), ("loss_nonfinite", 2, None))
        self.assertEqual(set(found), {"CudaOutOfMemory", "LossNonfinite"})

    def test_a_person_reads_a_line_a_finding(self):
        self.place.write("rank_3.log", LOG)
        done = self.place.cli("detect", self.path("rank_3.log"))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 2, done.stdout)
        self.assertIn("CRITICAL", lines[1])
        self.assertIn("rank 3 ran out of GPU memory", lines[1])

    def test_the_exception_by_which_a_rank_ended_is_told_from_its_plain_log(self):
        os.makedirs(self.path("run-8"))
        frames = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n'
        self.place.write("run-8/rank_0.log", "step: 1 loss: 2.5\n" + frames + "ImportError: caught\nstep: 2 loss: 2.4\n" + frames
                         + "RuntimeError: [../third_party/gloo/transport/tcp/pair.cc:534] Connection closed by peer\n")
        self.place.write("run-8/rank_1.log", "step: 1 loss: 2.5\n" + frames + "KeyError: 'k'\n")
        ended = [finding for finding in self.findings(self.path("run-8")) if finding["rule"] == "UncaughtException"]
        self.assertEqual([(finding["rank"], finding["message"]) for finding in ended],
                         [(1, "rank 1 raised what nothing caught: ends by an uncaught KeyError: 'k'")])

    def test_a_stored_job_gives_the_same_findings_as_its_file(self):
        server = self.serve()
        os.makedirs(self.path("run-8/attempt_0/1"))
        head = "2026-11-01 00:00:0"
        self.place.write("run-8/attempt_0/1/stdout.log", head + "1 step: 1 loss: 2.5\n" + head + "4 step: 2 loss: 2.5\n")
        self.place.write("run-8/attempt_0/1/stderr.log", head + "5 a warning\nTraceback (most recent call last):\n"
                         '  File "train.py", line 3, in <module>\nKeyError: \'k\'\n')
        for path, job, rule in ((self.write_records("odd"), "odd", "OddRankLoss"),
                                (self.path("run-8"), "run-8", "UncaughtException")):
            with self.subTest(job=job):
                done = self.place.cli("import", "--server", server.http, "--job_id", job, path)
                self.assertEqual(done.returncode, 0, done.stderr)
                of_file, of_server = self.findings(path), self.findings("--job_id", job, "--server", server.http)
                self.assertIn(rule, [finding["rule"] for finding in of_file])
                self.assertEqual(sorted(finding["id"] for finding in of_file), sorted(finding["id"] for finding in of_server))

    def test_a_job_that_is_not_there_is_named(self):
        server = self.serve()
        done = self.place.cli("detect", "--job_id", "nobody", "--server", server.http)
        self.assertEqual(done.returncode, 1)
        self.assertIn("job nobody", done.stderr)

    def test_own_rules_come_beside_the_shipped_ones(self):
        rules = self.place.write("mine.yaml", "groups:\n- name: mine\n  rules:\n"
                                 "  - {alert: High, expr: 'all(last(loss, 5) > 2)', labels: {severity: info}}\n")
        found = {finding["rule"] for finding in self.findings(self.write_records("odd"), "--rules", rules)}
        self.assertLessEqual({"High", "OddRankLoss"}, found)

    def test_what_cannot_be_read_is_a_mistake_of_whoever_named_it(self):
        log = self.place.write("a.log", LOG)
        for arguments in (("detect", "none.log"), ("detect", log, "--rules", "none.yaml"), ("rules", "lint", "none.yaml"),
                          ("rules", "test", "none.yaml"), ("rules", "import", "none.yaml")):
            with self.subTest(arguments=arguments):
                done = self.place.cli(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertRegex(done.stderr, r"^rankscope: .*none\.(log|yaml).*\n$")

    def test_bad_rules_are_refused_with_their_place(self):
        rules = self.place.write("bad.yaml", "groups:\n- name: mine\n  rules:\n  - {alert: A, macth: x}\n")
        for arguments in (("detect", "--rules", rules, self.write_records("j")), ("rules", "lint", rules)):
            done = self.place.cli(*arguments)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("bad.yaml:4:16: expected a key of a rule", done.stderr)
            self.assertIn('found "macth" (nearest: match)', done.stderr)

    def test_a_bad_record_is_named(self):
        path = self.place.write("j.jsonl", '{"timestamp":"2026-11-01T00:00:01Z","loss":2}\n{"loss":\n')
        done = self.place.cli("detect", path)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("j.jsonl:2: ", done.stderr)

    def test_rules_are_tested_like_code(self):
        self.place.write("mine.yaml", "groups:\n- name: mine\n  rules:\n"
                         "  - {alert: High, metric: loss, when: value > 5, for: 3steps}\n")
        test = """rule_files: [mine.yaml]
tests:
- name: it fires
  world: {ranks: 2}
  input_series: [{series: loss, values: '2x50 9x10'}]
  expect: [{alert: High, state: STATE, between: [step 52, step 56]}]
"""
        done = self.place.cli("rules", "test", self.place.write("good.test.yaml", test.replace("STATE", "firing")))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = self.place.cli("rules", "test", self.place.write("bad.test.yaml", test.replace("STATE", "never")))
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("unexpected: High", done.stdout)
        done = self.place.cli("rules", "test", self.place.write("typo.test.yaml", test.replace("alert: High", "alert: Hihg").replace("STATE", "firing")))
        self.assertEqual(done.returncode, 2)
        self.assertIn("found Hihg", done.stderr)

    def test_a_test_over_records_of_a_file(self):
        self.write_records("odd")
        done = self.place.cli("rules", "test", self.place.write(
            "from.test.yaml", "tests:\n- name: the odd rank\n  from: odd.jsonl\n"
            "  expect: [{alert: OddRankLoss, state: firing, ranks: [2], between: [step 200, step 220]}]\n"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rules_of_prometheus_are_imported(self):
        path = self.place.write("prometheus.yml", "groups:\n- name: g\n  rules:\n"
                                "  - {alert: Hot, expr: 'gpu_temp > 85', for: 5m}\n"
                                "  - {alert: Rate, expr: 'rate(x[5m]) > 1'}\n")
        done = self.place.cli("rules", "import", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Rate: ", done.stderr)
        done = self.place.cli("rules", "lint", self.place.write("ours.yaml", done.stdout))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
