"""Incidents on the real server: what findings come to, what people say of them, and who hears of it."""
import json
import unittest
import urllib.request

from harness import PATIENCE, PlaceCase, wait_until

BEGIN = 1793491200000  # ms
RULES = """groups:
- name: mine
  rules:
  - {alert: High, metric: loss, when: value > 5, for: 2steps, per: rank, labels: {severity: warning, class: loss_high}}
"""


def line(second, rank, text):
    return {"timestamp": BEGIN + round(second * 1000), "node_rank": rank // 8, "rank": rank, "stream": "stderr", "msg": text}


def oom(second, rank):
    return line(second, rank, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")


def timeout(second, rank):
    return line(second, rank, "[E] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=9)")


def losses(first, last, loss, rank=0):
    return [{"timestamp": BEGIN + step * 1000, "node_rank": 0, "rank": rank, "stream": "metric", "step": step, "loss": loss}
            for step in range(first, last + 1)]


class IncidentsTest(PlaceCase):
    def ingest(self, server, job, records):
        server.ingest(job, [{**record, "job_id": job} for record in records])

    def incidents(self, server, **parameters):
        status, rows = server.ask("GET", "/api/v1/incidents", **parameters)
        self.assertEqual(status, 200, rows)
        return rows

    def await_incident(self, server, true=lambda incident: True, **parameters):
        def found():
            return next((row for row in self.incidents(server, **parameters) if true(row)), None)
        return wait_until(found, f"an incident, of {self.incidents(server)}")

    def say(self, server, id, word, note="", **parameters):
        return server.ask("POST", f"/api/v1/incidents/{id}/{word}", json.dumps({"by": "ann", "note": note}).encode(), **parameters)

    def cli(self, server, *arguments):
        done = self.place.cli(*arguments, "--server", server.http)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def events(self, server, job):
        return [(row["change"], row["state"]) for row in server.rows(f"job:{job} event:incident | sort seq")]

    def test_many_ranks_and_what_follows_are_one_incident(self):
        server = self.serve()
        self.ingest(server, "j", [*(oom(rank / 10, rank) for rank in (371, *range(8))), timeout(60, 40)])
        incident = self.await_incident(server, lambda row: len(row["members"]) == 2 and row["rank_count"] == 9)
        self.assertEqual((incident["ranks"], incident["where"]), ("0-7,371", "ranks 0-7,371 (9 of 10)"))
        self.assertEqual((incident["rule"], incident["role"], incident["severity"]), ("CudaOutOfMemory", "cause", "CRITICAL"))
        self.assertEqual([member["rule"] for member in incident["members"]], ["CudaOutOfMemory", "NcclTimeout"])
        self.assertIn("CUDA out of memory", incident["evidence"][0]["msg"])
        self.assertEqual(len(self.incidents(server)), 1)
        findings = server.ask("GET", "/api/v1/findings", incident_id=incident["id"])[1]
        self.assertEqual(len(findings), 10)
        self.assertEqual({finding["incident_id"] for finding in findings}, {incident["id"]})

    def test_a_rule_of_ones_own_and_a_shipped_one_that_find_one_line_are_one_incident(self):
        own = self.place.write("own.yaml", "groups:\n- name: own\n  rules:\n  - {alert: MyOom, match: '.*CUDA out of memory.*'}\n")
        server = self.serve("--rules", own)
        self.ingest(server, "j", [oom(0, 3)])
        incident = self.await_incident(server, lambda row: len(row["members"]) == 2)
        self.assertEqual((incident["rule"], {member["rule"] for member in incident["members"]}),
                         ("CudaOutOfMemory", {"CudaOutOfMemory", "MyOom"}))
        findings = server.ask("GET", "/api/v1/findings", job_id="j")[1]
        self.assertEqual([(row["rule"], row["incident_id"]) for row in sorted(findings, key=lambda row: row["rule"])],
                         [("CudaOutOfMemory", incident["id"]), ("MyOom", incident["id"])])
        self.assertEqual(len(self.incidents(server)), 1)
        lint = self.place.cli("rules", "lint", own)
        self.assertEqual(lint.returncode, 0, lint.stdout)
        self.assertIn('overlaps: its lines also match ".*CUDA out of memory.*" of CudaOutOfMemory', lint.stdout)

    def test_a_cause_that_comes_later_takes_over(self):
        server = self.serve()
        self.ingest(server, "j", [timeout(60, 5)])
        symptom = self.await_incident(server)
        self.ingest(server, "j", [oom(61, 3)])
        cause = self.await_incident(server, lambda row: row["rule"] == "CudaOutOfMemory")
        self.assertEqual((cause["id"], cause["ranks"], cause["version"]), (symptom["id"], "3", 2))
        wait_until(lambda: self.events(server, "j") == [("opened", "potential"), ("cause_found", "potential")],
                   "each version as an event")

    def test_people_say_what_it_is_and_each_word_is_an_event(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        id = self.await_incident(server)["id"]
        shown = self.cli(server, "incidents", "ack", id, "--note", "on it", "--for", "2h")
        self.assertIn("acknowledged by", shown)
        (incident,) = self.incidents(server, state="open")
        self.assertEqual(incident["acknowledged"]["note"], "on it")
        self.cli(server, "incidents", "confirm", id, "--note", "batch too large")
        (incident,) = self.incidents(server, state="confirmed")
        self.assertEqual(incident["decision"]["note"], "batch too large")
        self.assertEqual(server.ask("GET", "/api/v1/jobs/j")[1][0]["anomaly"], "confirmed")
        (finding,) = server.ask("GET", "/api/v1/findings", state="confirmed")[1]
        self.assertEqual((finding["incident_id"], finding["state"]), (id, "confirmed"))
        self.cli(server, "incidents", "resolve", id, "--note", "halved it")
        self.assertEqual([row["id"] for row in self.incidents(server, state="resolved")], [id])
        self.assertEqual(self.incidents(server, state="open"), [])
        self.cli(server, "incidents", "dismiss", id, "--note", "a drill")
        self.assertNotIn("anomaly", server.ask("GET", "/api/v1/jobs/j")[1][0])
        wait_until(lambda: [change for change, _ in self.events(server, "j")] ==
                   ["opened", "acknowledged", "confirmed", "resolved", "dismissed"], "each word as an event")
        self.assertIn("halved it", server.rows("job:j event:incident change:resolved")[0]["msg"])
        self.assertIn("resolved", self.cli(server, "incidents", "--job_id", "j"))
        self.assertIn("evidence", self.cli(server, "incidents", "show", id))

    def test_words_without_a_name_are_anonymous_and_an_acknowledgement_says_for_how_long(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        path = f"/api/v1/incidents/{self.await_incident(server)['id']}"
        status, (incident,) = server.ask("POST", path + "/ack", json.dumps({"by": "ann", "for": "2h"}).encode())
        self.assertEqual((status, incident["acknowledged"]["by"]), (200, "ann"), incident)
        self.assertTrue(incident["acknowledged"]["until"])
        status, (incident,) = server.ask("POST", path + "/ack", **{"for": "1h"})  # as it was once
        self.assertEqual((status, incident["acknowledged"]["by"]), (200, "anonymous"), incident)
        self.assertTrue(incident["acknowledged"]["until"])
        for body, words in (({"for": "soon"}, "duration"), ({"for": 7}, "want {"), ({"until": "2h"}, "want {")):
            status, (answer,) = server.ask("POST", path + "/ack", json.dumps(body).encode())
            self.assertEqual(status, 400, answer)
            self.assertIn(words, answer["error"])
        status, (answer,) = server.ask("POST", path + "/confirm", json.dumps({"for": "2h"}).encode())
        self.assertEqual((status, "only an acknowledgement" in answer["error"]), (400, True), answer)
        for word in ("confirm", "dismiss", "resolve"):
            self.assertEqual(server.ask("POST", f"{path}/{word}")[0], 200)
        (incident,) = self.incidents(server)
        self.assertEqual(incident["decision"]["by"], "anonymous")

    def test_durations_are_said_alike_by_every_command(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        id = self.await_incident(server)["id"]
        silence = ("silence", "add", "--matcher", 'job="j"', "--note", "n")
        for command in (("incidents", "ack", id), silence, ("pause", "j")):
            for wrong in ("soon", "0", "5steps", "-3m"):
                done = self.place.cli(*command, f"--for={wrong}", "--server", server.http)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("want a duration from 1s to 292 years, as 90s, 10m or 2h30m", done.stderr)
        for right in ("90", "90s", "1m30s"):
            self.assertIn("until", self.cli(server, "incidents", "ack", id, "--for", right))

    def test_page_of_an_incident_is_for_people(self):
        server = self.serve("--gpu-hour-price", "2")
        self.ingest(server, "j", [*losses(1, 100, 2, rank=3), oom(101, 3), line(3700, 0, "an hour later")])
        id = self.await_incident(server, lambda row: row["cost"]["rank_hours"] > 0)["id"]
        self.say(server, id, "confirm", "batch too large")
        wait_until(lambda: server.ask("GET", f"/api/v1/incidents/{id}")[1][0]["around"], "the copy")
        page = self.cli(server, "incidents", "show", id)
        self.assertNotIn("{", page)
        for words in (f"{id}  confirmed  CRITICAL  CudaOutOfMemory (log_pattern)", "where        job j, rank 3",
                      "decided      confirmed by ann, ", "batch too large", "rank-hours lost, ", "at the server's price of a GPU-hour",
                      "cause    CudaOutOfMemory (log_pattern), 1 finding, ", "[0/3] I torch.OutOfMemoryError", "step=100 loss=2"):
            self.assertIn(words, page)

    def test_page_of_a_job_has_its_incidents_and_its_diagnosis(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        id = self.await_incident(server)["id"]

        def page():
            return self.cli(server, "show", "j")
        wait_until(lambda: "\ndiagnosis (" in page(), "the diagnosis of the critical incident")
        self.assertRegex(page(), r"diagnosis \(rankscope diagnose --job_id j\)\n  cuda_oom, rank 3, .*confidence")
        self.assertRegex(page(), rf"incidents \(rankscope incidents --job_id j\)\n  {id}  potential  CRITICAL  rank 3 ")

    def test_stats_that_cannot_be_had_print_no_table(self):
        done = self.place.cli("rules", "stats", "--server", "127.0.0.1:9")
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)

    def test_detect_groups_as_the_server_does(self):
        records = [oom(1, 3), timeout(2, 5), *(oom(3 + rank / 10, rank) for rank in range(6)), *losses(1, 40, 2, rank=9),
                   *losses(41, 60, 9, rank=9), *losses(61, 90, 2, rank=9), timeout(2000, 1), oom(2001, 2)]
        records.sort(key=lambda record: record["timestamp"])
        rules = self.place.write("mine.yaml", RULES)
        server = self.serve("--rules", rules)
        self.ingest(server, "j", records)
        done = self.place.cli("detect", self.place.write("j.jsonl", "".join(
            json.dumps({**record, "job_id": "j"}) + "\n" for record in records)), "--rules", rules, "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        offline = {row["id"]: (row["incident_id"], row["state"]) for row in map(json.loads, done.stdout.splitlines())}
        self.assertGreater(len({incident for incident, _ in offline.values()}), 1)
        self.assertIn("resolved", {state for _, state in offline.values()})

        def online():
            return {row["id"]: (row["incident_id"], row["state"]) for row in server.ask("GET", "/api/v1/findings")[1]}
        wait_until(lambda: online() == offline, f"the same, {offline}, of the server, which has {online()}")

    def test_words_that_make_no_sense_are_refused(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        id = self.await_incident(server)["id"]
        self.assertEqual(self.say(server, "i-none", "ack")[0], 404)
        self.assertEqual(server.ask("GET", "/api/v1/incidents/i-none")[0], 404)
        self.assertEqual(server.ask("GET", "/api/v1/incidents", state="odd")[0], 400)
        self.assertEqual(self.say(server, id, "resolve", **{"for": "2h"})[0], 400)
        self.assertEqual(self.say(server, id, "ack", **{"for": "soon"})[0], 400)
        self.assertEqual(self.say(server, id, "resolve")[0], 200)
        status, answer = self.say(server, id, "ack")
        self.assertEqual(status, 400)
        self.assertIn("resolved", str(answer))

    def test_it_is_over_when_its_findings_are_and_comes_back_as_the_same(self):
        server = self.serve("--rules", self.place.write("mine.yaml", RULES))
        self.ingest(server, "j", losses(1, 20, 2) + losses(21, 24, 9))
        opened = self.await_incident(server, rule="High")
        self.ingest(server, "j", losses(25, 30, 2))
        resolved = self.await_incident(server, state="resolved")
        self.assertEqual(resolved["id"], opened["id"])
        server.stop()
        server.start()  # it is remembered
        self.ingest(server, "j", losses(31, 34, 9))
        again = self.await_incident(server, lambda row: row["members"][0]["findings"] == 2, state="open", rule="High")
        self.assertEqual((again["id"], again["change"], again["version"]), (opened["id"], "reopened", 3))

    def test_an_acknowledgement_ends_with_its_time(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        id = self.await_incident(server)["id"]
        self.assertEqual(self.say(server, id, "ack", **{"for": "1s"})[0], 200)
        incident = self.await_incident(server, lambda row: row["acknowledged"] is None)
        self.assertEqual(incident["change"], "acknowledgement_ended")

    def test_a_findings_decision_is_its_incidents_when_all_are_decided(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3), oom(2, 4)])
        id = self.await_incident(server, lambda row: row["rank_count"] == 2)["id"]
        first, second = (finding["id"] for finding in server.ask("GET", "/api/v1/findings", job_id="j")[1])
        self.cli(server, "findings", "dismiss", first)
        self.assertEqual([row["id"] for row in self.incidents(server, state="potential")], [id])
        self.cli(server, "findings", "dismiss", second, "--note", "a drill")
        (incident,) = self.incidents(server, state="dismissed")
        self.assertEqual(incident["decision"]["note"], "a drill")

    def test_a_dismissal_counts_against_its_rule(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        self.say(server, self.await_incident(server, job_id="j")["id"], "dismiss")
        self.ingest(server, "k", [oom(1, 3)])
        self.say(server, self.await_incident(server, job_id="k")["id"], "confirm")
        (rule,) = server.ask("GET", "/api/v1/rules/stats")[1]
        self.assertEqual((rule["rule"], rule["fired"], rule["confirmed"], rule["dismissed"], rule["incidents"]),
                         ("CudaOutOfMemory", 2, 1, 1, 2))
        self.assertIn("CudaOutOfMemory", self.cli(server, "rules", "stats"))

    def test_what_was_around_it_is_kept(self):
        server = self.serve()
        lines = [line(second, 3, f"line {second}") for second in range(100) if second != 50]
        self.ingest(server, "j", [*lines, oom(50, 3), line(50, 4, "of another rank"), *losses(30, 70, 2, rank=3)])
        id = self.await_incident(server)["id"]

        def around():
            return server.ask("GET", f"/api/v1/incidents/{id}")[1][0]["around"]
        kept = wait_until(around, "the copy")
        self.assertEqual([row["msg"][:10] for row in kept["lines"]],
                         [f"line {second}" for second in range(25, 50)] + ["torch.OutO"] +
                         [f"line {second}" for second in range(51, 75)])
        self.assertEqual([row["step"] for row in kept["metrics"]], list(range(30, 71)))
        self.assertIn("line 51", self.cli(server, "incidents", "show", id))

    def test_what_it_takes_is_reckoned(self):
        server = self.serve("--gpu-hour-price", "2")
        steps = [{"timestamp": BEGIN + step * 10_000, "rank": rank, "stream": "metric", "step": step, "loss": 2.0}
                 for step in range(1, 101) for rank in (0, 1)]
        self.ingest(server, "j", [*steps, oom(1000, 1), line(4600, 0, "an hour later, nothing has moved")])
        cost = self.await_incident(server, lambda row: row["cost"]["rank_hours"] > 0)["cost"]
        self.assertAlmostEqual(cost["rank_hours"], 2, delta=0.05)
        self.assertAlmostEqual(cost["money"], 4, delta=0.1)

    def test_each_of_many_incidents_has_its_cost(self):
        server = self.serve()
        jobs = [f"j-{number}" for number in range(130)]
        for job in jobs:
            steps = [{"timestamp": BEGIN + step * 10_000, "rank": 0, "stream": "metric", "step": step, "loss": 2.0} for step in range(1, 21)]
            self.ingest(server, job, [*steps, oom(200, 0), line(3800, 0, "an hour later, nothing has moved")])

        def reckoned():
            return {row["job_id"] for row in self.incidents(server) if row["cost"]["rank_hours"] > 0.9}
        wait_until(lambda: reckoned() == set(jobs), f"all costs, has {len(reckoned())}")

    def test_who_listens_sees_each_change(self):
        server = self.serve()
        self.ingest(server, "old", [oom(1, 3)])
        self.await_incident(server)
        request = urllib.request.Request(f"http://{server.http}/api/v1/incidents?state=open",
                                         headers={"Accept": "text/event-stream"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/event-stream")

            def incident():
                for row in answer:
                    if row.startswith(b"data: "):
                        return json.loads(row.removeprefix(b"data: "))
            self.assertEqual(incident()["job_id"], "old")
            self.ingest(server, "new", [oom(1, 5)])
            opened = incident()
            self.assertEqual((opened["job_id"], opened["state"]), ("new", "potential"))
            self.say(server, opened["id"], "resolve", "done")
            self.assertEqual(incident()["state"], "resolved")

    def test_a_deleted_jobs_incidents_go(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        self.ingest(server, "k", [oom(1, 3)])
        self.await_incident(server, job_id="j")
        self.await_incident(server, job_id="k")
        self.cli(server, "jobs", "delete", "j", "--force")
        self.assertEqual([row["job_id"] for row in self.incidents(server)], ["k"])

    def test_what_is_left_open_of_a_job_that_is_over_is_resolved(self):
        server = self.serve()
        for job in ("over", "lost"):
            self.ingest(server, job, [oom(1, 3)])
            self.await_incident(server, job_id=job)
        self.assertEqual(server.ask("POST", "/api/v1/jobs/over/import", json.dumps({"from": "/logs"}).encode())[0], 200)
        resolved = self.await_incident(server, state="resolved")
        self.assertEqual((resolved["job_id"], resolved["change_note"]), ("over", "the job is over"))
        self.assertEqual([row["job_id"] for row in self.incidents(server, state="open")], ["lost"])

    def test_people_may_speak_where_detection_is_off(self):
        server = self.serve()
        self.ingest(server, "j", [oom(1, 3)])
        id = self.await_incident(server)["id"]
        server.stop()
        server.options = ("--detect=off",)
        server.start()
        self.assertEqual(self.say(server, id, "confirm")[0], 200)


if __name__ == "__main__":
    unittest.main()
