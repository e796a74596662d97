"""People hear from the server of incidents: each complaint about other alerting that the issue lists, with the real thing."""
import signal
import time
import unittest

from harness import wait_until
from told_case import ToldCase, alerts, event


def finding(rank=0, active=1, rule="explode", severity="CRITICAL", **fields):
    return event("detector_finding", rule=rule, severity=severity, active=active, value=5000, threshold=1000, rank=rank,
                 **{"step": 7, "msg": "loss explodes", **fields})


class ToldIncidentsTest(ToldCase):
    def words(self, channel=None):
        """What was told of incidents: (kind, incident, version)."""
        return [(kind, incident, version) for kind, _, incident, version, _ in alerts(channel or self.channel)
                if not incident.startswith("life/")]

    def await_words(self, *kinds, channel=None):
        wait_until(lambda: [word[0] for word in self.words(channel)] == list(kinds),
                   f"{kinds}, told is {self.words(channel)}")
        return self.words(channel)

    def test_incident_says_what_where_since_when_and_its_link(self):
        self.start()
        self.server.ingest("j", [finding(rank=3)])
        self.await_words("firing")
        alert, = self.channel.received[0].json()["alerts"]
        self.assertEqual((alert["labels"]["job"], alert["labels"]["severity"], alert["labels"]["alertname"]), ("j", "critical", "explode"))
        self.assertEqual((alert["rankscope"]["ranks"], alert["rankscope"]["step"]), ("3", 7))
        self.assertIn("loss explodes", alert["annotations"]["summary"])
        self.assertEqual(alert["generatorURL"], f"https://host/incidents/{alert['rankscope']['incident']}")

    def test_1024_ranks_with_one_trouble_are_one_incident(self):
        self.start()
        self.server.ingest("j", [finding(rank=rank) for rank in range(1024)])
        self.server.ingest("k", [finding(rank=0)])  # what comes behind is told after it
        wait_until(lambda: any(job == "k" for _, job, *_ in alerts(self.channel)), "the other job")
        of_job = [each for each in alerts(self.channel) if each[1] == "j"]
        self.assertEqual(len({incident for _, _, incident, *_ in of_job}), 1)
        self.assertLessEqual(len(of_job), 3)
        last = [alert for message in self.channel.received for alert in message.json()["alerts"] if alert["labels"]["job"] == "j"][-1]
        self.assertEqual(last["rankscope"]["rank_count"], 1024)
        self.assertEqual(last["rankscope"]["ranks"], "0-1023")

    def resolve(self):
        self.server.ingest("j", [finding(active=0, msg="loss is well again", step=9)])

    def test_end_of_what_was_told_is_told_though_it_is_silenced_by_then(self):
        self.start()
        self.server.ingest("j", [finding()])
        self.await_words("firing")
        done = self.place.cli("silence", "add", "--matcher", 'job="j"', "--for", "2h", "--note", "n", "--server", self.server.http)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.resolve()
        self.await_words("firing", "resolved")
        self.server.ingest("j", [finding(rule="another", rank=1, step=20)])
        self.server.ingest("k", [finding()])
        wait_until(lambda: any(job == "k" for _, job, *_ in alerts(self.channel)), "the job that is not silenced")
        self.assertEqual([job for _, job, *_ in alerts(self.channel)], ["j", "j", "k"])

    def test_resolved_is_not_repeated_after_a_crash(self):
        self.start()
        self.server.ingest("j", [finding()])
        self.await_words("firing")
        self.resolve()
        self.await_words("firing", "resolved")
        for _ in range(2):
            self.restart(signal.SIGKILL)
        self.server.ingest("k", [finding()])
        self.assertEqual([word[0] for word in self.await_words("firing", "resolved", "firing")], ["firing", "resolved", "firing"])

    def test_retry_sends_the_words_of_the_moment_and_not_of_what_has_become(self):
        self.channel.answers = [(503, {}, b"busy")] * 2
        self.start()
        self.server.ingest("j", [finding()])
        self.channel.wait(1)
        self.resolve()
        self.await_words("firing", "resolved")
        first = [message.body for message in self.channel.received if message.delivery() == self.channel.received[0].delivery()]
        self.assertEqual((len(first), len(set(first))), (3, 1))

    def flap(self, number):
        self.server.ingest("j", [finding(active=1 - number % 2, step=10 + number)])

    def test_flapping_is_said_once_and_no_change_after_it(self):
        self.start()
        for number in range(6):
            self.flap(number)
            wait_until(lambda: len(self.words()) == number + 1, f"change {number} to be told, told is {self.words()}")
        for number in range(6, 12):
            self.flap(number)
            wait_until(lambda: self.server.ask("GET", "/api/v1/incidents", job_id="j")[1][0]["version"] == number + 1, "the change")
        self.server.ingest("k", [finding()])
        wait_until(lambda: any(job == "k" for _, job, *_ in alerts(self.channel)), "the other job")
        details = [alert["rankscope"] for message in self.channel.received for alert in message.json()["alerts"]
                   if alert["labels"]["job"] == "j"]
        self.assertEqual([each.get("flapping_transitions") for each in details], [None] * 5 + [5])

    def test_acknowledged_incident_says_who_until_it_gets_worse(self):
        self.start()
        self.server.ingest("j", [finding(severity="WARNING")])
        (_, incident, _), = self.await_words("firing")
        done = self.place.cli("incidents", "ack", incident, "--note", "I look", "--server", self.server.http)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.await_words("firing", "acknowledged")
        self.assertTrue(self.channel.received[-1].json()["alerts"][0]["rankscope"]["acknowledged_by"])
        self.server.ingest("j", [finding(severity="CRITICAL", rule="explode", rank=1)])
        words = wait_until(lambda: (lambda words: len(words) >= 3 and words)(self.words()), "that it got worse")
        self.assertEqual(words[2][0], "firing")

    def test_dismissed_incident_is_told_as_over_with_who_and_why(self):
        self.start()
        self.server.ingest("j", [finding()])
        (_, incident, _), = self.await_words("firing")
        done = self.place.cli("incidents", "dismiss", incident, "--note", "a test", "--server", self.server.http)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.await_words("firing", "resolved")
        self.assertRegex(self.channel.received[-1].json()["alerts"][0]["annotations"]["description"], "Dismissed by .*: a test")

    def test_deleted_job_closes_its_incident(self):
        self.start()
        self.server.ingest("j", [{"timestamp": time.time_ns(), "rank": 0, "msg": "hello"}, finding()])
        self.await_words("firing")
        status, answer = self.server.ask("DELETE", "/api/v1/jobs/j", force="true")
        self.assertEqual(status, 200, answer)
        self.await_words("firing", "resolved")

    def test_open_incident_is_closed_by_the_end_that_comes_after_a_crash(self):
        other = self.new_channel()
        self.file = self.write({"hook": self.channel, "other": other})
        self.start()
        self.server.ingest("j", [finding()])
        for channel in (self.channel, other):
            self.await_words("firing", channel=channel)
        self.restart(signal.SIGKILL)
        self.resolve()
        for channel in (self.channel, other):
            self.await_words("firing", "resolved", channel=channel)


if __name__ == "__main__":
    unittest.main()
