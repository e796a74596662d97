"""People hear from the server: of a job's life; silences, a file that changes, and what was told where."""
import json
import os
import signal
import time
import unittest
import urllib.request

from harness import wait_until
from told_case import ToldCase, alerts, event


class ToldTest(ToldCase):
    def await_kind(self, kind):
        wait_until(lambda: any(each[0] == kind for each in alerts(self.channel)), kind)

    def test_failed_job_is_told_with_the_rank_that_ended_first(self):
        self.start()
        self.begin("j")
        self.told(1)
        self.end("j", well=False)
        started, failed = self.told(2)
        self.assertEqual((started[0], started[4]), ("started", "2 ranks"))
        self.assertEqual(failed[0], "failed")
        self.assertRegex(failed[4], r"on rank 1 \(rank 1: SIGKILL\)$")
        self.assertGreater(failed[3], started[3])
        self.assertEqual(self.channel.received[1].json()["alerts"][0]["generatorURL"], "https://host/jobs/j")

    def test_failed_job_is_told_once_and_with_its_verdict(self):
        self.start()
        self.begin("j")
        self.told(1)
        self.server.ingest("j", [{"timestamp": time.time_ns(), "node_rank": 0, "rank": 1, "stream": "stderr", "step": 7,
                                  "msg": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."}])
        self.end("j", well=False)
        self.await_kind("failed")
        self.begin("k")
        wait_until(lambda: any(each[1] == "k" for each in alerts(self.channel)), "the other job")
        failed, = [alert for message in self.channel.received for alert in message.json()["alerts"]
                   if alert["rankscope"]["kind"] == "failed"]
        self.assertEqual(failed["annotations"]["summary"], "cuda_oom on rank 1 (rank 1: SIGKILL)")
        self.assertIn("CUDA out of memory", failed["annotations"]["evidence"])
        self.assertEqual((failed["labels"]["class"], failed["labels"]["alertname"]), ("cuda_oom", "failed"))
        self.assertEqual((failed["rankscope"]["ranks"], failed["generatorURL"]), ("1", "https://host/jobs/j"))

    def test_failure_promises_no_verdict_where_detection_is_off(self):
        self.start("--detect=off")
        self.begin("j")
        self.told(1)
        self.end("j", well=False)
        self.assertEqual(self.told(2)[1][4], "rank 1: SIGKILL")
        self.assertNotIn("Diagnosis", self.channel.received[1].body.decode())

    def test_life_is_told_once_whatever_restarts(self):
        self.start()
        self.begin("j")
        self.told(1)
        self.restart(signal.SIGKILL)
        self.end("j")
        self.told(2)
        self.restart(signal.SIGKILL)
        self.begin("another")
        self.told(3)
        self.end("another")
        told = [(kind, job) for kind, job, *_ in self.told(4)]
        for job in ("j", "another"):
            self.assertEqual([each for each in told if each[1] == job], [("started", job), ("finished", job)])

    def test_silent_job_is_stalled_until_it_is_heard_of_again(self):
        self.start("--lost-after", "1")
        self.begin("j")
        self.await_kind("stalled")  # where the server is slow, the first that is told

        def is_told():  # it goes on, as else it has stalled anew by the time of a digest
            self.server.ingest("j", [{"timestamp": time.time_ns(), "rank": 0, "msg": "here I am"}])
            return any(each[4] == "it is heard of again" for each in alerts(self.channel))
        wait_until(is_told, "that it is heard of again")

    def test_deleted_job_closes_its_stall(self):
        self.start("--lost-after", "1")
        self.begin("j")
        self.await_kind("stalled")  # where the server is slow, the first that is told
        status, answer = self.server.ask("DELETE", "/api/v1/jobs/j")
        self.assertEqual(status, 200, answer)
        wait_until(lambda: alerts(self.channel)[-1][4] == "the job was deleted", "the end of the stall")

    def test_jobs_from_before_the_first_start_and_imported_ones_are_not_told(self):
        self.start(notify=False)
        self.begin("old")
        self.end("old", well=False)
        self.begin("running")
        self.server.stop()
        self.start()
        logs = os.path.join(self.place.path, "logs")
        os.mkdir(logs)
        self.place.write("logs/rank_0.log", "step 1 loss 2.0\nRuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB.\n")
        done = self.place.cli("import", logs, "--job_id", "imported", "--server", self.server.http)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.end("running")
        self.begin("new")
        self.assertEqual({(kind, job) for kind, job, *_ in self.told(2)}, {("finished", "running"), ("started", "new")})

    def silence(self, *arguments):
        done = self.place.cli("silence", *arguments, "--server", self.server.http)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_silenced_job_is_not_told_until_the_silence_ends(self):
        self.start()
        made = self.silence("add", "--matcher", 'job="quiet"', "--for", "2h", "--note", "planned")
        self.assertIn('job="quiet"', made)
        self.restart(signal.SIGKILL)  # silences are data
        self.assertEqual(self.silence("list"), made)
        self.begin("quiet")
        self.end("quiet")
        self.begin("loud")
        self.assertEqual([job for _, job, *_ in self.told(1)], ["loud"])
        self.silence("end", made.split()[0])
        self.assertEqual(self.silence("list"), "")
        self.begin("quiet", run="r2")
        self.assertEqual([job for _, job, *_ in self.told(2)], ["loud", "quiet"])

    def test_silence_is_of_one_project(self):
        self.start()
        self.server.ingest("j", [event("job_start", run="r", member="m", world_size=1)], project="other")
        self.told(1)
        made = self.silence("add", "--project", "other", "--matcher", 'event="finished"', "--for", "1h", "--note", "n")
        self.assertEqual(self.silence("list"), "")
        done = self.place.cli("silence", "end", made.split()[0], "--server", self.server.http)
        self.assertEqual((done.returncode, "no silence" in done.stderr), (1, True), done.stderr)
        self.server.ingest("j", [event("node_end", run="r", exit_code=0)], project="other")
        self.begin("mine")
        self.end("mine")
        wait_until(lambda: ("finished", "mine") in [each[:2] for each in alerts(self.channel)], "the end of the other project's")
        self.assertNotIn(("finished", "j"), [each[:2] for each in alerts(self.channel)])

    def test_silence_that_lacks_something_is_refused_with_what(self):
        self.start()
        for body, words in (({"matchers": [], "for": "1h", "note": "n", "by": "b"}, "at least one matcher"),
                            ({"matchers": ["job"], "for": "1h", "note": "n", "by": "b"}, "matcher job"),
                            ({"matchers": ['job="x"'], "for": "soon", "note": "n", "by": "b"}, "duration"),
                            ({"matchers": ['job="x"'], "for": "1h", "by": "b"}, "reason"),
                            ({"matchers": ['job="x"'], "for": "1h", "note": "n", "why": "b"}, "want {")):
            with self.subTest(words):
                status, (answer,) = self.server.ask("POST", "/api/v1/silences", json.dumps(body).encode())
                self.assertEqual(status, 400)
                self.assertIn(words, answer["error"])

    def test_silence_wants_an_operator(self):
        tokens = {}
        for role in ("viewer", "operator"):
            done = self.place.cli("token", "create", "--data-dir", self.place.path + "/server", "--role", role)
            tokens[role] = {"Authorization": "Bearer " + done.stdout.strip()}
        self.start()
        body = json.dumps({"matchers": ['job="x"'], "for": "1h", "note": "n"}).encode()
        self.assertEqual(self.server.ask("POST", "/api/v1/silences", body, tokens["viewer"])[0], 403)
        self.assertEqual(self.server.ask("GET", "/api/v1/silences", None, tokens["viewer"]), (200, []))
        status, (silence,) = self.server.ask("POST", "/api/v1/silences", body, tokens["operator"])
        self.assertEqual(status, 200)
        self.assertRegex(silence["by"], "^token ")

    def metric(self, name):
        with urllib.request.urlopen(f"http://{self.server.http}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), None)

    def test_file_that_changes_is_read_again_and_one_with_a_mistake_changes_nothing(self):
        self.start()
        self.place.write("notify.yaml", "receivers: [\n")
        wait_until(lambda: self.metric('rankscope_notify_reloads_total{outcome="refused"}') == 1, "the refusal")
        self.begin("a")
        self.told(1)
        other = self.new_channel()
        self.write({"other": other})
        wait_until(lambda: self.metric('rankscope_notify_reloads_total{outcome="taken"}') == 1, "the reload")
        self.begin("b")
        self.assertEqual([each[1] for each in self.told(1, other)], ["b"])
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.metric('rankscope_notify_reloads_total{outcome="taken"}') == 2, "the second reload")
        self.assertEqual([each[1] for each in alerts(self.channel)], ["a"])

    def test_what_is_told_while_the_file_is_read_again_arrives_once(self):
        self.start()
        for number in range(10):
            self.begin(f"j{number}")
            self.server.process.send_signal(signal.SIGHUP)
        self.told(10)
        self.assertEqual(sorted(each[1] for each in alerts(self.channel)), sorted(f"j{number}" for number in range(10)))

    def test_file_with_a_mistake_is_refused_at_the_start_with_its_place(self):
        bad = self.place.write("bad.yaml", "receivers:\n- {name: x, slack: {}}\nroute: {receiver: y}\n")
        done = self.place.cli("serve", "--data-dir", self.place.path + "/server", "--http", "127.0.0.1:0", "--grpc",
                              "127.0.0.1:0", "--notify", bad)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"bad\.yaml:\d+:\d+: ")

    def test_people_see_what_was_told_where_and_how_the_channels_do(self):
        refusing = self.new_channel((400, {}, b"no such room"))
        self.file = self.write({"hook": self.channel, "bad": refusing})
        self.start()
        self.begin("j")
        self.told(1)
        rows = wait_until(lambda: (lambda rows: len([row for row in rows if row["state"] != "pending"]) >= 2 and rows)(
            self.server.ask("GET", "/api/v1/notifications", job_id="j")[1]), "both words to end")
        self.assertEqual({(row["channel"], row["state"], row["kind"]) for row in rows},
                         {("hook", "delivered", "started"), ("bad", "refused", "started")})
        self.assertIn("no such room", next(row for row in rows if row["channel"] == "bad")["answer"])
        log = self.place.cli("notify", "log", "--server", self.server.http).stdout
        self.assertIn("bad  refused: HTTP 400: no such room  started: 2 ranks (job j, life/default/j)", log)
        status = self.place.cli("notify", "status", "--server", self.server.http).stdout
        self.assertRegex(status, r"(?m)^hook \(webhook\): works, last delivered \S+ after \d+\.\d s$")
        self.assertRegex(status, r"(?m)^bad \(webhook\): refused a message at .*1 given up: HTTP 400: no such room$")
        self.assertEqual(self.metric('rankscope_notifications_given_up_total{channel="bad"}'), 1)
        self.assertEqual(self.server.ask("GET", "/api/v1/notifications", project="default", channel="nobody"), (200, []))

    def failing_since(self):
        return self.server.ask("GET", "/api/v1/notifications/channels")[1][0]["failing_since"]

    def test_channel_that_fails_has_failed_since_then_after_a_restart_too(self):
        self.channel.usual = (503, {}, b"away")
        self.start()
        self.begin("j")
        since = wait_until(self.failing_since, "the failure")
        self.channel.wait(2)  # by then it is on the disk
        self.restart(signal.SIGKILL)
        self.assertEqual(self.failing_since(), since)
        self.channel.usual = (200, {}, b"ok")
        self.told(1)
        wait_until(lambda: self.failing_since() is None, "that it works again")

    def test_channel_of_the_server_is_tested(self):
        self.start()
        done = self.place.cli("notify", "test", "hook", "--server", self.server.http)
        self.assertEqual((done.returncode, done.stdout), (0, "channel hook (webhook): delivered: HTTP 200: ok\n"), done.stderr)
        done = self.place.cli("notify", "test", "hok", "--server", self.server.http)
        self.assertEqual(done.returncode, 1)
        self.assertIn('no channel "hok" (nearest: hook)', done.stderr)

    def test_server_that_tells_nobody_says_so(self):
        self.start(notify=False)
        done = self.place.cli("silence", "list", "--server", self.server.http)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--notify", done.stderr)


if __name__ == "__main__":
    unittest.main()
