"""What rules want done: once, whatever ends between, and by the channel that they name."""
import os
import random
import signal
import sys
import time
import unittest

from harness import LoggingServer, proc, wait_until
from told_case import ToldCase, alerts

RULES = """groups:
- name: test
  rules:
  - {alert: Marked, match: 'mark me', per: rank, action: mark}
  - {alert: Sent, match: 'send me', per: rank, action: webhook pager}
  - {alert: Nowhere, match: 'send me nowhere', per: rank, action: webhook nobody}
"""


class RuleActionsTest(ToldCase):
    def setUp(self):
        super().setUp()
        self.rules = self.place.write("rules.yaml", RULES)

    def actions(self, job, **fields):
        rows = self.server.rows(f"job:{job} stream:event event:action")
        return [row for row in rows if all(row.get(name) == value for name, value in fields.items())]

    def await_action(self, job, **fields):
        return wait_until(lambda: self.actions(job, **fields), f"{fields} of {job}")[0]

    def say(self, job, line, ranks=1):
        self.server.ingest(job, [{"timestamp": time.time_ns(), "rank": rank, "msg": line} for rank in range(ranks)])

    def test_a_webhook_sends_the_incident_by_its_channel_whatever_the_routes_say(self):
        pager = self.new_channel()
        self.file = self.write({"hook": self.channel, "pager": pager})
        with open(self.file) as file:
            text = file.read()
        text = text.replace('{"receiver": "pager", "continue": true}', '{"receiver": "pager", "matchers": ["job=\\"none\\""]}')
        self.file = self.place.write("routed.yaml", text)
        self.start("--rules", self.rules)
        self.say("routed", "mark me")
        self.say("j", "send me")
        self.await_action("j", outcome="sent")
        told = [each for each in alerts(pager) if each[0] == "firing"]
        self.assertEqual([each[1] for each in told], ["j"], "and nothing of other jobs")
        sent = self.await_action("j", outcome="sent")
        self.assertEqual(sent["msg"], f"webhook pager, asked by rule Sent: the incident {told[0][2]} was sent to pager")
        status, answer = self.server.ask("POST", f"/api/v1/incidents/{told[0][2]}/resolve", b'{"by": "ann", "note": ""}')
        self.assertEqual(status, 200, answer)
        wait_until(lambda: [each for each in alerts(pager) if each[0] == "resolved"], "the end of what was told")

    def test_a_channel_that_there_is_not_is_named(self):
        self.start("--rules", self.rules)
        self.say("j", "send me nowhere")
        refused = self.await_action("j", action="webhook", outcome="refused", by="rule Nowhere")
        self.assertIn('no channel "nobody" of notifications; there are hook', refused["msg"])
        done = self.place.cli("rules", "lint", self.rules, "--notify", self.file)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('rule Nowhere: action "webhook nobody": the notification file has no such channel', done.stdout)
        self.assertEqual(self.place.cli("rules", "lint", self.rules).returncode, 0, "nobody knows the channels")

    def test_a_server_names_at_its_start_the_channels_that_it_has_not(self):
        server = self.serve("--rules", self.rules, kind=LoggingServer)
        self.assertIn('rule Sent: action "webhook pager": nobody is told without --notify FILE', server.stderr())

    def test_a_server_names_the_channels_that_a_new_notification_file_has_not(self):
        self.write({"hook": self.channel, "pager": self.channel})
        server = self.serve("--rules", self.rules, "--notify", self.file, kind=LoggingServer)
        self.assertNotIn("rule Sent", server.stderr())
        self.write({"hook": self.channel})
        missing = 'rule Sent: action "webhook pager": the notification file has no such channel'
        wait_until(lambda: missing in server.stderr(), "the word about the channel")

    def test_a_server_that_tells_nobody_says_so(self):
        self.start("--rules", self.rules, notify=False)
        self.say("j", "send me")
        refused = self.await_action("j", action="webhook", outcome="refused")
        self.assertIn("this server tells nobody: it was started without --notify", refused["msg"])

    def test_what_is_wanted_is_done_once_over_kills(self):
        self.start("--rules", self.rules, notify=False)
        seed = int(os.environ.get("SEED", time.time_ns()))
        print(f"SEED={seed}", file=sys.stderr)
        choice = random.Random(seed)
        jobs = [f"k{number}" for number in range(12)]
        for job in jobs:
            self.say(job, "mark me")
            time.sleep(choice.uniform(0, 0.3))
            self.restart(signal.SIGKILL)
        for job in jobs:
            self.await_action(job, outcome="marked")
        time.sleep(1.5)  # a second one would have come
        for job in jobs:
            self.assertEqual(len(self.actions(job, outcome="marked")), 1, job)
            self.assertLessEqual(len(self.actions(job, outcome="asked")), 1, job)

    def test_a_storm_of_findings_is_acted_on_once(self):
        self.start("--rules", self.rules, notify=False)
        before = self.cpu_seconds()
        self.say("storm", "mark me", ranks=5000)
        wait_until(lambda: len(self.server.ask("GET", "/api/v1/findings", job_id="storm", limit="5000")[1]) == 5000, "findings")
        print(f"5,000 findings that want an action: {self.cpu_seconds() - before:.2f} s of CPU", file=sys.stderr)
        self.await_action("storm", outcome="marked")
        self.assertEqual(len(self.actions("storm")), 2, "that it was asked for, and done")

    def cpu_seconds(self):
        user, system = proc(self.server.process.pid, "stat").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main()
