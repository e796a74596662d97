"""Every channel of notifications, received by a server of its own: payloads, signatures, order, and what goes wrong."""
import base64
import email
import email.policy
import hashlib
import hmac
import json
import time
import unittest
import urllib.parse

from channel_servers import Driver, HttpChannel, MailServer
from harness import PlaceCase, wait_until

SECRET = "SECRET-of-the-channel"
PATH = "very-secret-path"
STORY = {"title": "NCCL timeout", "job": "j-20250405", "severity": "critical", "class": "network", "ranks": "0-7,371",
         "rank_count": 9, "world_size": 1024, "step": 1200, "started_s": 1764000000, "probability": 0.85,
         "text": ["The switch between nodes 3 and 46 dropped packets"], "link": "https://host/incidents/i-1",
         "evidence": "rank 371: <b>Watchdog</b> caught collective operation timeout & more"}
ENDED = {**STORY, "ended_s": 1764000300}


class NotifyTest(PlaceCase):
    def setUp(self):
        super().setUp()
        self.place.env.update(CHANNEL_SECRET=SECRET, no_proxy="127.0.0.1")
        self.driver = None

    def channel(self, *arguments, **options):
        channel = HttpChannel(*arguments, **options)
        self.addCleanup(channel.stop)
        return channel

    def config(self, receivers, route=None, **more):
        """A file of these receivers; all get everything, at once, unless there is a route."""
        route = route or {"receiver": receivers[0]["name"], "group_wait": "0s", "group_interval": "0s",
                          "routes": [{"receiver": each["name"], "continue": True} for each in receivers]}
        return self.place.write("notify.yaml", json.dumps({"receivers": receivers, "route": route, **more}))

    def start(self, *receivers, **more):
        self.driver = Driver(self.config(list(receivers), **more), self.place.path + "/notify.db", self.place.env)
        self.addCleanup(self.driver.kill)
        return self.driver

    def url_file(self, name, channel, path=""):
        return self.place.write(name, f"http://{channel.address}/{path or PATH}\n")

    def tell_life(self, driver):
        """One incident fires, is acknowledged and resolved; each is told before the next."""
        for version, kind, fields in ((1, "firing", STORY), (2, "acknowledged", {**STORY, "by": "ann"}),
                                      (3, "resolved", ENDED)):
            driver.take("i-1", version, kind, **fields)
            self.assertEqual(driver.ask(wait=True), "idle")
            driver.ask(pass_s=60)  # else the third would wait for a digest

    def test_webhook_is_alertmanagers_with_a_signature(self):
        hook = self.channel()
        driver = self.start({"name": "hook", "webhook": {"url": f"http://{hook.address}/in", "secret": "$CHANNEL_SECRET"}},
                            external_url="https://host")
        self.tell_life(driver)
        firing, _, resolved = hook.wait(3)
        for message in hook.received:
            signature = dict(part.split("=", 1) for part in message.headers["X-Rankscope-Signature"].split(","))
            expected = hmac.new(SECRET.encode(), signature["t"].encode() + b"." + message.body, hashlib.sha256)
            self.assertEqual(signature["v1"], expected.hexdigest())
            self.assertLess(abs(time.time() - int(signature["t"])), 300)
        self.assertEqual(len({message.delivery() for message in hook.received}), 3)
        body = firing.json()
        self.assertEqual((body["version"], body["status"], body["receiver"]), ("4", "firing", "hook"))
        self.assertEqual(body["groupLabels"], {"project": "default", "job": "j-20250405"})
        self.assertEqual(body["externalURL"], "https://host")
        self.assertEqual(body["truncatedAlerts"], 0)
        alert, = body["alerts"]
        self.assertEqual(alert["labels"]["alertname"], "network")
        self.assertEqual(alert["labels"], body["commonLabels"])
        self.assertEqual(alert["startsAt"], "2025-11-24T16:00:00.000Z")
        self.assertEqual(alert["endsAt"], "0001-01-01T00:00:00Z")
        self.assertEqual(alert["annotations"]["summary"], "NCCL timeout")
        self.assertEqual(alert["rankscope"]["ranks"], "0-7,371")
        self.assertEqual(alert["rankscope"]["step"], 1200)
        self.assertEqual(alert["rankscope"]["evidence"], [STORY["evidence"]])
        self.assertEqual(resolved.json()["status"], "resolved")
        self.assertEqual(resolved.json()["alerts"][0]["endsAt"], "2025-11-24T16:05:00.000Z")
        self.assertEqual(resolved.json()["alerts"][0]["fingerprint"], alert["fingerprint"])

    def test_alertmanager_gets_states(self):
        manager = self.channel()
        driver = self.start({"name": "manager", "alertmanager": {"url": f"http://{manager.address}/"}})
        driver.take("i-1", 1, "firing", **STORY)
        manager.wait(1)
        driver.ask(pass_s=5)
        driver.take("i-1", 2, "resolved", **ENDED)
        firing, resolved = manager.wait(2)
        self.assertEqual(firing.path, "/api/v2/alerts")
        alert, = firing.json()
        self.assertEqual(alert["labels"]["job"], "j-20250405")
        self.assertGreater(alert["endsAt"], alert["startsAt"], "it fires until that, if nothing follows")
        self.assertEqual(resolved.json()[0]["endsAt"], "2025-11-24T16:05:00.000Z")
        self.assertEqual(resolved.json()[0]["labels"], alert["labels"], "the labels are its identity")
        driver.finish()

    def test_pagerduty_events_share_their_key(self):
        pager = self.channel((202, {}, b'{"status":"success"}'))
        driver = self.start({"name": "pager", "pagerduty": {"url": f"http://{pager.address}/v2/enqueue",
                                                            "routing_key": "$CHANNEL_SECRET"}})
        self.tell_life(driver)
        events = [message.json() for message in pager.wait(3)]
        self.assertEqual([event["event_action"] for event in events], ["trigger", "acknowledge", "resolve"])
        self.assertEqual({event["dedup_key"] for event in events}, {"i-1"})
        self.assertEqual({event["routing_key"] for event in events}, {SECRET})
        payload = events[0]["payload"]
        self.assertEqual((payload["severity"], payload["source"], payload["class"]), ("critical", "j-20250405", "network"))
        self.assertIn("NCCL timeout", payload["summary"])
        self.assertEqual(events[0]["links"], [{"href": STORY["link"], "text": "Open in Rankscope"}])

    def check_words(self, text):
        for word in ("NCCL timeout", "j-20250405", "0-7,371", "9 of 1024", "step 1200", "85 %", "switch between nodes",
                     "https://host/incidents/i-1"):
            self.assertIn(word, text)

    def test_slack_text_mentions_nobody(self):
        slack = self.channel()
        driver = self.start({"name": "slack", "slack": {"url_file": self.url_file("slack", slack)}})
        self.tell_life(driver)
        firing, acknowledged, resolved = (message.json() for message in slack.wait(3))
        section = firing["blocks"][0]["text"]["text"]
        self.check_words(section)
        self.assertIn("&lt;b&gt;Watchdog&lt;/b&gt; caught collective operation timeout &amp; more", section)
        self.assertIn("[CRITICAL]", firing["text"])
        self.assertIn("Acknowledged by ann", acknowledged["blocks"][0]["text"]["text"])
        self.assertIn("RESOLVED", resolved["text"])

    def test_dingtalk_is_signed_in_the_address(self):
        robot = self.channel((200, {}, b'{"errcode":0,"errmsg":"ok"}'))
        url = self.url_file("dingtalk", robot, "robot/send?access_token=" + PATH)
        driver = self.start({"name": "ding", "dingtalk": {"url_file": url, "secret": "$CHANNEL_SECRET",
                                                          "at_mobiles": ["13800000000"]}})
        self.tell_life(driver)
        firing = robot.wait(3)[0]
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(firing.path).query)
        text = f"{query['timestamp'][0]}\n{SECRET}".encode()
        self.assertEqual(query["sign"][0], base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode())
        self.assertLess(abs(time.time() * 1000 - int(query["timestamp"][0])), 3600 * 1000)
        body = firing.json()
        self.assertEqual(body["msgtype"], "markdown")
        self.assertEqual(body["at"], {"atMobiles": ["13800000000"], "isAtAll": False})
        self.check_words(body["markdown"]["text"].replace("\\", ""))

    def test_feishu_is_signed_in_the_body(self):
        bot = self.channel((200, {}, b'{"code":0}'))
        driver = self.start({"name": "feishu", "feishu": {"url_file": self.url_file("feishu", bot),
                                                          "secret": "$CHANNEL_SECRET"}})
        self.tell_life(driver)
        firing, _, resolved = (message.json() for message in bot.wait(3))
        key = f"{firing['timestamp']}\n{SECRET}".encode()
        self.assertEqual(firing["sign"], base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode())
        self.assertEqual(firing["card"]["header"]["template"], "red")
        self.check_words(firing["card"]["elements"][0]["content"].replace("\\", ""))
        self.assertNotIn("<b>", firing["card"]["elements"][0]["content"])
        self.assertEqual(resolved["card"]["header"]["template"], "green")

    def test_wecom_fits_4096_bytes(self):
        robot = self.channel((200, {}, b'{"errcode":0}'))
        driver = self.start({"name": "wecom", "wecom": {"url_file": self.url_file("wecom", robot)}})
        driver.take("i-1", 1, "firing", **STORY)
        driver.take("i-2", 1, "firing", **{**STORY, "text": ["损失爆炸" * 300] * 20, "title": "损" * 500})
        driver.finish()
        for message in robot.received:
            content = message.json()["markdown"]["content"]
            self.assertLessEqual(len(content.encode()), 4096)
            self.assertNotIn("\ufffd", content, "cut on a border of characters")
            self.assertIn('<font color="warning">', content)
        self.check_words(robot.received[0].json()["markdown"]["content"].replace("\\", ""))

    def test_mail_has_a_thread(self):
        server = MailServer()
        self.addCleanup(server.stop)
        driver = self.start({"name": "mail", "email": {"smarthost": server.address, "from": "Rankscope <r@example.org>",
                                                       "to": ["a@example.org", "b@example.org"], "tls": "never"}})
        self.tell_life(driver)
        self.assertEqual(len(server.mails), 3)
        sender, recipients, data = server.mails[0]
        self.assertEqual((sender, recipients), ("<r@example.org>", ["<a@example.org>", "<b@example.org>"]))
        mails = [email.message_from_bytes(data, policy=email.policy.default) for _, _, data in server.mails]
        self.assertIn("[CRITICAL] NCCL timeout – job j-20250405", mails[0]["Subject"])
        self.check_words(mails[0].get_content())
        self.assertEqual(len({mail["References"] for mail in mails}), 1)
        self.assertEqual(len({mail["Message-ID"] for mail in mails}), 3)

    def test_mail_that_is_greylisted_comes_again_and_one_that_is_refused_does_not(self):
        server = MailServer([b"451 later", b"250 ok", b"550 no such user"])
        self.addCleanup(server.stop)
        driver = self.start({"name": "mail", "email": {"smarthost": server.address, "from": "r@example.org",
                                                       "to": ["a@example.org"], "tls": "never"}})
        driver.take("i-1", 1, "firing", **STORY)
        self.assertEqual(driver.ask(wait=True), "idle")
        self.assertEqual(len(server.mails), 1)
        driver.ask(pass_s=60)  # it came twice: a third would wait for a digest
        driver.take("i-2", 1, "firing", **STORY)
        self.assertIn("SMTP 550", driver.finish())
        self.assertEqual(len(server.mails), 1)

    def check_comes_again(self, kind, first, least_s=0.4, usual=(200, {}, b"ok"), **fields):
        """The first attempt fails so; the second has the same id and the same bytes, but for the signature."""
        server = self.channel(usual, answers=[first])
        driver = self.start({"name": "x", kind: {"url_file": self.url_file("x", server), **fields}})
        driver.take("i-1", 1, "firing", **STORY)
        self.assertEqual(driver.finish(), "")
        once, again = server.received
        self.assertEqual((once.body, once.delivery()), (again.body, again.delivery()))
        self.assertGreaterEqual(again.at - once.at, least_s)

    def test_429_is_tried_again_when_it_says(self):
        self.check_comes_again("webhook", (429, {"Retry-After": "3"}, b"slow down"), least_s=3)

    def test_5xx_is_tried_again(self):
        self.check_comes_again("webhook", (503, {}, b"busy"))

    def test_server_that_does_not_answer_is_given_up_and_tried_again(self):
        self.check_comes_again("slack", lambda: time.sleep(60) or (200, {}, b"ok"), timeout="5s")

    def test_error_within_200_of_dingtalk_is_tried_again(self):
        self.check_comes_again("dingtalk", (200, {}, b'{"errcode":130101,"errmsg":"too fast"}'), usual=(200, {}, b'{"errcode":0}'))

    def test_error_within_200_of_wecom_is_tried_again(self):
        self.check_comes_again("wecom", (200, {}, b'{"errcode":45009,"errmsg":"freq"}'), usual=(200, {}, b'{"errcode":0}'))

    def test_error_within_200_of_feishu_is_tried_again(self):
        self.check_comes_again("feishu", (200, {}, b'{"code":11232,"msg":"limited"}'), usual=(200, {}, b'{"code":0}'))

    def test_answer_that_is_no_json_of_feishu_is_tried_again(self):
        self.check_comes_again("feishu", (200, {}, b"<html>proxy</html>"), usual=(200, {}, b'{"code":0}'))

    def test_refused_message_is_dropped_and_told_on_another_channel(self):
        for kind, answer in (("webhook", (400, {}, f"no {PATH} here".encode())),
                             ("feishu", (200, {}, b'{"code":19021,"msg":"sign match fail"}')),
                             ("dingtalk", (200, {}, b'{"errcode":310000,"errmsg":"sign not match"}')),
                             ("wecom", (200, {}, b'{"errcode":93000,"errmsg":"invalid webhook url"}'))):
            with self.subTest(kind):
                bad, good = self.channel(answer), self.channel()
                driver = Driver(self.config([{"name": "bad", kind: {"url_file": self.url_file("bad", bad)}},
                                             {"name": "good", "webhook": {"url": f"http://{good.address}"}}],
                                            route={"receiver": "bad", "group_wait": "0s"}),
                                self.place.path + f"/{kind}.db", self.place.env)
                self.addCleanup(driver.kill)
                driver.take("i-1", 1, "firing", **STORY)
                told = good.wait(1)[0].json()["alerts"][0]
                self.assertEqual(told["labels"]["channel"], "bad")
                self.assertIn("refused a message", told["annotations"]["summary"])
                self.assertNotIn(PATH, json.dumps(told))
                errors = driver.finish()
                self.assertIn("channel bad was not told", errors)
                self.assertNotIn(PATH, errors)
                self.assertEqual(len(bad.received), 1)

    def test_channel_that_fails_for_ten_minutes_is_told_on_another_and_its_repair(self):
        bad, good = self.channel((500, {}, b"")), self.channel()
        driver = self.start({"name": "bad", "webhook": {"url": f"http://{bad.address}"}},
                            {"name": "good", "webhook": {"url": f"http://{good.address}"}},
                            route={"receiver": "bad", "group_wait": "0s", "group_interval": "0s"})
        driver.take("i-1", 1, "firing", **STORY)
        wait_until(lambda: driver.channels()["bad"]["failing"], "a failure")
        self.assertEqual(good.received, [])
        driver.ask(pass_s=601)
        told = good.wait(1)[0].json()["alerts"][0]
        self.assertIn("has not worked for 10 minutes", told["annotations"]["summary"])
        self.assertIn("HTTP 500", told["annotations"]["description"])
        bad.usual = (200, {}, b"ok")
        driver.ask(pass_s=60)
        self.assertEqual(good.wait(2)[1].json()["status"], "resolved")
        driver.finish()
        self.assertEqual(len({message.body for message in bad.received}), 1, "one message, whatever it took")

    def test_resolved_waits_for_firing_that_has_not_arrived(self):
        server = self.channel(answers=[(503, {}, b"")] * 2)
        driver = self.start({"name": "x", "webhook": {"url": f"http://{server.address}"}})
        driver.take("i-1", 1, "firing", **STORY)
        server.wait(1)
        driver.take("i-1", 2, "resolved", **ENDED)
        driver.finish()
        self.assertEqual([message.json()["status"] for message in server.received],
                         ["firing", "firing", "firing", "resolved"])

    def test_silence_holds_over_a_restart(self):
        server = self.channel()
        driver = self.start({"name": "x", "webhook": {"url": f"http://{server.address}"}})
        self.assertIn("reason", driver.ask(silence={"matchers": ["job=j-1"], "by": "ann"}))
        self.assertTrue(driver.ask(silence={"matchers": ["job=j-1"], "by": "ann", "reason": "repair"}).startswith("silenced"))
        driver.kill()
        driver = self.start({"name": "x", "webhook": {"url": f"http://{server.address}"}})
        driver.take("i-1", 1, "firing")
        driver.take("i-2", 1, "firing", job="j-2")
        server.wait(1)
        driver.ask(pass_s=3601)
        self.assertEqual([message.json()["alerts"][0]["rankscope"]["incident"] for message in server.wait(2)], ["i-2", "i-1"])

    def notify_test(self, channel, receiver):
        return self.place.cli("notify", "test", channel, "--config", self.config([receiver]))

    def test_command_says_that_the_test_arrived(self):
        slack = self.channel()
        done = self.notify_test("chat", {"name": "chat", "slack": {"url_file": self.url_file("s", slack)}})
        self.assertEqual((done.returncode, done.stdout), (0, "channel chat (slack): delivered: HTTP 200: ok\n"))
        self.assertIn("Test of the channel chat", slack.received[0].json()["text"])

    def test_command_leaves_nothing_open_at_pagerduty(self):
        pager = self.channel((202, {}, b"{}"))
        done = self.notify_test("p", {"name": "p", "pagerduty": {"url": f"http://{pager.address}",
                                                                 "routing_key": "$CHANNEL_SECRET"}})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([message.json()["event_action"] for message in pager.received], ["trigger", "resolve"])

    def test_command_says_what_went_wrong_without_the_secret(self):
        slack = self.channel((404, {}, f"no_service for /{PATH}".encode()))
        done = self.notify_test("chat", {"name": "chat", "slack": {"url_file": self.url_file("s", slack)}})
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "rankscope: the test did not arrive on channel chat (slack): HTTP 404: no_service for ***\n")
        slack.stop()
        done = self.notify_test("chat", {"name": "chat", "slack": {"url_file": self.url_file("s", slack)}})
        self.assertEqual(done.returncode, 1)
        self.assertIn("Couldn't connect", done.stderr)
        self.assertNotIn(PATH, done.stderr)

    def test_command_names_the_channels_there_are(self):
        done = self.notify_test("chatt", {"name": "chat", "webhook": {"url": "http://127.0.0.1:1"}})
        self.assertEqual(done.returncode, 2)
        self.assertIn("has no receiver chatt, only chat (nearest: chat)", done.stderr)


if __name__ == "__main__":
    unittest.main()
