"""What the server's rules find while records come: in the API, the job's stream and the list of jobs."""
import json
import os
import re
import shutil
import signal
import sys
import time
import unittest
import urllib.request

from detect_test import records
from harness import PlaceCase, wait_until

OOM = {"timestamp": "2026-11-01T00:05:02Z", "node_rank": 0, "rank": 3, "stream": "stderr",
       "msg": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."}
HANG = """groups:
- name: mine
  rules:
  - {alert: QuickHang, silence: {of: steps, times: 2, at_least: 2s}, labels: {severity: warning, class: hang}}
  - {alert: Note, metric: loss, when: value > 2, labels: {severity: info}}
"""


def alone(finding):
    """The finding itself: `detect` knows of no incidents."""
    return {key: value for key, value in finding.items() if key not in ("incident_id", "state")}


class FindingsTest(PlaceCase):
    def findings(self, server, **parameters):
        status, rows = server.ask("GET", "/api/v1/findings", **parameters)
        self.assertEqual(status, 200, rows)
        return rows

    def await_findings(self, server, count, **parameters):
        return wait_until(lambda: (rows := self.findings(server, **parameters)) and len(rows) >= count and rows,
                          f"{count} findings")

    def detect(self, server, job, *options):
        done = self.place.cli("detect", "-o", "json", "--job_id", job, "--server", server.http, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def job(self, server, job):
        return server.ask("GET", f"/api/v1/jobs/{job}")[1][0]

    def test_they_are_those_of_detect_over_the_stored_job(self):
        server = self.serve()
        server.ingest("odd", [*records("odd"), {**OOM, "job_id": "odd"}])
        self.await_findings(server, 1, rule="CudaOutOfMemory")
        live = sorted(self.findings(server, job_id="odd"), key=lambda finding: finding["id"])
        self.assertEqual({finding["rule"] for finding in live}, {"OddRankLoss", "CudaOutOfMemory"})
        self.assertEqual(list(map(alone, live)), sorted(map(alone, self.detect(server, "odd")), key=lambda finding: finding["id"]))
        oom = next(finding for finding in live if finding["rule"] == "CudaOutOfMemory")
        self.assertEqual((oom["rank"], oom["severity"], oom["action"]), (3, "CRITICAL", "pause_job"))
        self.assertEqual(oom["evidence"][0]["msg"], OOM["msg"])
        for finding in live:
            self.assertEqual(self.findings(server, rule=finding["rule"]), [finding])
        self.assertEqual(self.findings(server, severity="critical"), [oom])

    def test_each_is_an_event_of_the_job_once_and_marks_it(self):
        server = self.serve()
        server.ingest("j", [{**OOM, "job_id": "j"}])
        event = wait_until(lambda: server.rows("job:j event:finding"), "the finding's event")[0]
        (finding,) = self.findings(server)
        self.assertEqual((event["event"], event["finding_id"], event["rule"], event["level"], event["active"], event["rank"]),
                         ("finding", finding["id"], "CudaOutOfMemory", "critical", 1, 3))
        self.assertEqual(event["msg"], "CudaOutOfMemory: rank 3 ran out of GPU memory: …")
        self.assertEqual([row["stream"] for row in server.rows('job:j "CUDA out of memory"')], ["stderr"])
        self.assertEqual(event["timestamp"], finding["timestamp"])
        self.assertEqual(self.job(server, "j")["anomaly"], "potential")
        self.assertIn(", potential", self.place.cli("jobs", "--server", server.http).stdout)
        server.stop()
        server.start()
        server.ingest("other", [{**OOM, "job_id": "other"}])
        self.await_findings(server, 2)
        self.assertEqual(len(server.rows("job:j event:finding")), 1)

    def test_a_person_confirms_or_dismisses(self):
        server = self.serve()
        server.ingest("j", [{**OOM, "job_id": "j"}])
        (finding,) = self.await_findings(server, 1)
        decide = ("findings", "--server", server.http)
        done = self.place.cli(*decide, "confirm", finding["id"], "--note", "batch too large")
        self.assertEqual(done.returncode, 0, done.stderr)
        (confirmed,) = self.findings(server, state="confirmed")
        self.assertEqual(confirmed["decision"]["note"], "batch too large")
        self.assertIn("@", confirmed["decision"]["by"])
        self.assertEqual(self.job(server, "j")["anomaly"], "confirmed")
        shown = self.place.cli(*decide, "--job_id", "j").stdout
        self.assertRegex(shown, r"^f-\w+  confirmed  CRITICAL  [0-9T:-]{19}\.[0-9]{3}Z  j rank 3  CudaOutOfMemory ")
        self.assertIn("confirmed by", shown)
        page = self.place.cli("show", "j", "--server", server.http).stdout
        self.assertIn("CRITICAL  confirmed  rank 3  CudaOutOfMemory: rank 3 ran out", page)
        self.assertEqual(page.count("CudaOutOfMemory"), 1, "its event is not told again among the last words")
        done = self.place.cli(*decide, "dismiss", finding["id"], "--note", "a drill")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("anomaly", self.job(server, "j"))
        wait_until(lambda: [row["event"] for row in server.rows("job:j event:finding* | sort seq")] ==
                   ["finding", "finding_confirmed", "finding_dismissed"], "the decisions in the job's stream")
        self.assertIn("a drill", server.rows("job:j event:finding_dismissed")[0]["msg"])
        listed = self.place.cli(*decide, "-o", "json", "--state", "dismissed").stdout
        self.assertEqual(json.loads(listed)["decision"]["note"], "a drill")
        self.assertNotIn("CudaOutOfMemory", self.place.cli("show", "j", "--server", server.http).stdout)
        for nobody in (("findings",), ("patterns",), ("series", "loss")):
            done = self.place.cli(*nobody, "--server", server.http, "--job_id", "nobody")
            self.assertEqual((done.returncode, done.stderr), (1, 'rankscope: no job "nobody"\n'))
        done = self.place.cli(*decide, "confirm", "f-nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("f-nobody", done.stderr)
        self.assertEqual(server.ask("GET", "/api/v1/findings", state="odd")[0], 400)

    def test_findings_are_told_though_the_journal_was_removed(self):
        server = self.serve()
        for job in ("a", "b"):  # the second lets the first leave the outbox
            server.ingest(job, [{**OOM, "job_id": job}])
            wait_until(lambda job=job: server.rows(f"job:{job} event:finding"), "the finding in the job's stream")
        server.stop()
        shutil.rmtree(os.path.join(self.place.path, "server/projects/default/journal"))
        server.start()
        server.ingest("c", [{**OOM, "job_id": "c"}])
        wait_until(lambda: server.rows("job:c event:finding"), "the finding in the job's stream")

    def test_a_word_too_large_for_a_frame_holds_up_no_other(self):
        server = self.serve()
        server.ingest("j", [{"timestamp": "2026-11-01T00:00:01Z", "rank": 0, "stream": "event", "event": "detector_rule",
                             "detector": "D", "rule": "r" * ((4 << 20) - 400), "pattern": "(?=x)"}])
        server.ingest("j", [{**OOM, "job_id": "j"}])
        wait_until(lambda: server.rows("job:j event:finding"), "the finding in the job's stream")
        (finding,) = self.findings(server)
        status, answer = server.ask("POST", f"/api/v1/findings/{finding['id']}/confirm",
                                    json.dumps({"note": "x" * (65 << 10)}).encode())
        self.assertEqual(status, 400)
        self.assertIn("64 KiB", str(answer))
        self.assertEqual(self.findings(server, state="confirmed"), [])

    def test_notes_mark_no_job(self):
        server = self.serve("--rules", self.place.write("mine.yaml", HANG))
        server.ingest("j", list(records("j", steps=20)))
        (note,) = self.await_findings(server, 1)
        self.assertEqual(note["severity"], "INFO")
        self.assertNotIn("anomaly", self.job(server, "j"))

    def test_silence_is_found_although_nothing_comes(self):
        rules = self.place.write("mine.yaml", HANG)
        server = self.serve("--rules", rules)
        begin = int(time.time() - 5)
        server.ingest("live", [{"timestamp": begin * 1000 + step * 100, "job_id": "live", "rank": 0, "stream": "metric", "step": step,
                                "loss": 1.0} for step in range(1, 51)])
        (hang,) = self.await_findings(server, 1)
        self.assertEqual((hang["rule"], hang["active"], hang["step"]), ("QuickHang", True, 50))
        wait_until(lambda: server.rows("job:live stream:event"), "the finding's event")
        self.assertEqual(list(map(alone, self.detect(server, "live", "--rules", rules))), [alone(hang)])

    def test_of_a_hang_the_stacks_are_asked_for(self):
        server = self.serve()
        def at(seconds):
            return f"2026-11-01T00:{seconds // 60:02}:{seconds % 60:02}Z"
        server.ingest("stuck", [{"timestamp": at(step), "rank": 0, "stream": "metric", "step": step, "loss": 2.5}
                                for step in range(1, 6)])
        server.ingest("stuck", [{"timestamp": at(400), "node_rank": 0, "stream": "host", "load_1m": 1}])
        [hang] = self.await_findings(server, 1, rule="Hang")
        self.assertEqual((hang["step"], hang["action"]), (5, "dump_stacks"))
        asked = wait_until(lambda: [row for row in server.rows("job:stuck event:action") if row["action"] == "dump_stacks"],
                           "the action")
        self.assertIn("asked by rule Hang", asked[0]["msg"])

    def test_a_deleted_jobs_findings_go(self):
        server = self.serve()
        server.ingest("j", [{**OOM, "job_id": "j"}])
        self.await_findings(server, 1)
        done = self.place.cli("jobs", "delete", "j", "--force", "--server", server.http)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.findings(server), [])
        self.assertEqual(server.ask("GET", "/api/v1/jobs")[1], [])
        server.ingest("j", [{**OOM, "job_id": "j"}])
        self.assertEqual(len(self.await_findings(server, 1)), 1)

    def test_rules_of_a_jobs_own_detectors(self):
        server = self.serve()

        def event(second, rank, name, **fields):
            return {"timestamp": f"2026-11-01T00:00:{second:02}Z", "job_id": "j", "node_rank": 0, "rank": rank, "stream": "event",
                    "event": name, **fields}
        rule = {"rule": "mine", "detector": "D", "severity": "CRITICAL", "action": "pause_job"}
        server.ingest("j", [event(1, rank, "detector_rule", pattern="out of (cheese|luck)", **rule) for rank in (0, 1)] +
                      [event(1, 0, "detector_rule", rule="bad", detector="D", pattern="(?=x)")])
        refused = wait_until(lambda: server.rows("job:j event:detector_rule_refused"), "the refusal")
        self.assertEqual([(row["rule"], row["level"]) for row in refused], [("bad", "error")])
        server.stop()
        server.start()  # the registration is read back
        server.ingest("j", [{"timestamp": "2026-11-01T00:00:02Z", "job_id": "j", "node_rank": 0, "rank": 1,
                             "stream": "stdout", "msg": "we are\nout of luck"},
                            event(3, 0, "detector_finding", rule="explode", severity="WARNING", active=1, value=5000,
                                  threshold=1000, evidence='[{"step": 7, "loss": 5000}]', msg="loss explodes", step=7)])
        found = {finding["rule"]: finding for finding in self.await_findings(server, 2)}
        self.assertEqual((found["mine"]["rank"], found["mine"]["class"], found["mine"]["action"]), (1, "log_pattern", "pause_job"))
        explode = found["explode"]
        self.assertEqual((explode["rank"], explode["class"], explode["message"], explode["value"], explode["step"]),
                         (0, "custom", "loss explodes", 5000, 7))
        self.assertEqual(explode["evidence"][0]["loss"], 5000)
        self.assertCountEqual(map(alone, self.detect(server, "j")), map(alone, found.values()))

    def test_run_says_what_is_found(self):
        server = self.serve()
        script = self.place.write("train.py", "import sys\nprint('all well')\n"
                                  "sys.exit('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate')\n")
        run = ("run", "--server", server.http, "--flush-timeout", "100")
        done = self.place.cli(*run, "--job_id", "j", "--alerts=always", "--", sys.executable, script)
        self.assertEqual((done.returncode, done.stdout), (1, "all well\n"))
        (finding,) = self.findings(server, rule="CudaOutOfMemory")
        line = f"rankscope: CRITICAL CudaOutOfMemory on node 0: {finding['message']} (finding {finding['id']})"
        self.assertIn(line, done.stderr.splitlines())
        done = self.place.cli(*run, "--job_id", "k", "--", sys.executable, script)
        self.await_findings(server, 1, job_id="k")
        self.assertNotIn("finding f-", done.stderr)

    def test_rules_are_read_again_while_it_serves(self):
        path = self.place.write("mine.yaml", HANG)
        server = self.serve("--rules", path)

        def losses(job, first):
            server.ingest(job, [{"timestamp": 1793491200000 + step * 1000, "job_id": job, "rank": 0, "stream": "metric",
                                 "step": step, "loss": 1.5} for step in range(first, first + 5)])

        def reloads(outcome):
            metrics = urllib.request.urlopen(f"http://{server.http}/metrics").read().decode()
            return int(re.search(rf'reloads_total{{outcome="{outcome}"}} (\d+)', metrics)[1])
        losses("j", 1)
        self.place.write("mine.yaml", HANG.replace("value > 2", "value > 1"))  # seen without a word
        wait_until(lambda: reloads("taken") == 1, "the new rules")
        losses("j", 6)
        self.await_findings(server, 1, rule="Note")
        self.place.write("mine.yaml", HANG.replace("metric: loss", "metirc: loss"))
        wait_until(lambda: reloads("refused") == 1, "the refusal")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: reloads("refused") == 2, "the refusal")
        losses("k", 1)  # the rules before stay
        self.await_findings(server, 1, job_id="k", rule="Note")
        losses("j", 11)
        losses("l", 1)
        self.await_findings(server, 1, job_id="l", rule="Note")
        self.assertEqual(len(self.findings(server, job_id="j", rule="Note")), 1, "an open finding stays open")

    def test_a_finding_ends_with_its_rule(self):
        path = self.place.write("mine.yaml", HANG)
        server = self.serve("--rules", path)

        def losses(first):
            server.ingest("j", [{"timestamp": 1793491200000 + step * 1000, "job_id": "j", "rank": 0, "stream": "metric",
                                 "step": step, "loss": 3.0} for step in range(first, first + 5)])
        losses(1)
        self.assertTrue(self.await_findings(server, 1, rule="Note")[0]["active"])
        self.place.write("mine.yaml", HANG.replace("alert: Note", "alert: Other"))
        wait_until(lambda: losses(6) or self.findings(server, rule="Other"), "the new rules")
        over = wait_until(lambda: [row for row in self.findings(server, rule="Note") if not row["active"]], "the end of it")
        self.assertEqual(len(over), 1)
        said = wait_until(lambda: server.ask("GET", "/api/v1/query", query="job:j event:finding rule:Note active:0")[1], "a word about it")
        self.assertIn("its rule is gone", said[0]["msg"])

    def test_what_is_told_of_a_line_is_redacted(self):
        server = self.serve()
        server.ingest("j", [{**OOM, "job_id": "j", "msg": "CUDA out of memory, HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz0123456789"}])
        found = self.await_findings(server, 1, rule="CudaOutOfMemory")[0]
        self.assertIn("[REDACTED]", found["message"])
        self.assertNotIn("wxyz0123", found["message"])

    def test_no_findings_of_no_job_are_an_error(self):
        server = self.serve()
        server.ingest("j", [{**OOM, "job_id": "j", "msg": "all is well"}])
        done = self.place.cli("findings", "--job_id", "j", "--server", server.http)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", "rankscope: nothing found\n"))
        done = self.place.cli("findings", "--job_id", "nope", "--server", server.http)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nope", done.stderr)

    def test_rules_are_tested_over_a_stored_job(self):
        server = self.serve()
        server.ingest("odd", [*records("odd"), {**OOM, "job_id": "odd"}])
        wanted = "tests:\n- {name: oom, expect: [{alert: CudaOutOfMemory, state: %s, ranks: [3]}]}\n"
        right, wrong = self.place.write("right.yaml", wanted % "firing"), self.place.write("wrong.yaml", wanted % "never")
        done = self.place.cli("rules", "test", right, "--job_id", "odd", "--server", server.http)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1 test, 0 failed", done.stdout)
        done = self.place.cli("rules", "test", right, wrong, "--job_id", "odd", "--server", server.http)
        self.assertIn("unexpected: CudaOutOfMemory on rank 3", done.stdout)
        self.assertIn("2 tests, 1 failed", done.stdout)
        done = self.place.cli("rules", "test", right, "--job_id", "nope", "--server", server.http)
        self.assertEqual(done.stderr, "rankscope: job nope: no record of it\n")

    def test_detection_can_be_off(self):
        server = self.serve("--detect=off")
        server.ingest("j", [{**OOM, "job_id": "j"}])
        server.stop()
        server.options = ()
        server.start()
        server.ingest("k", [{**OOM, "job_id": "k"}])
        self.assertEqual([finding["job_id"] for finding in self.await_findings(server, 1)], ["k"])

    def test_with_detection_off_a_lost_job_has_its_own_records_alone(self):
        server = self.serve("--detect=off")
        server.ingest("j", [{**OOM, "job_id": "j"}])
        self.assertEqual(server.ask("GET", "/api/v1/jobs/j")[1][0]["state"], "lost")
        time.sleep(3)  # who looks at jobs that have ended does so each second
        self.assertEqual(len(server.rows("job:j")), 1)
        self.assertIn("OutOfMemoryError", self.place.cli("diagnose", "--job_id", "j", "--server", server.http).stdout)


if __name__ == "__main__":
    unittest.main()
