"""A storm of findings on the real server, over 50 jobs of 1,024 ranks: what people get of it. Counts alone; how long it takes
says bench/told.py."""
import json
import os
import random
import unittest
from datetime import datetime

from harness import wait_until
from told_case import ToldCase, event

JOBS, RANKS, FINDINGS = 50, 1024, 20_000
RULES = ("explode", "vanish", "slow", "hot", "odd", "stuck")


def finding(rng, active=1):
    rank = rng.randrange(RANKS)
    return event("detector_finding", rule=rng.choice(RULES), severity="CRITICAL", active=active, value=1, threshold=0,
                 msg="a finding of the storm", step=1, rank=rank) | {"node_rank": rank // 8}


class ToldStormTest(ToldCase):
    def setUp(self):
        super().setUp()
        self.pager = self.new_channel((202, {}, b'{"status": "success"}'))
        self.place.env["STORM_KEY"] = "k"
        config = {"receivers": [{"name": "hook", "webhook": {"url": f"http://{self.channel.address}"}},
                                {"name": "pager", "pagerduty": {"url": f"http://{self.pager.address}", "routing_key": "$STORM_KEY"}}],
                  "route": {"receiver": "hook", "group_wait": "0s", "routes": [{"continue": True}, {"receiver": "pager"}]}}
        self.file = self.place.write("storm.yaml", json.dumps(config))

    def storm(self, rng):
        lot = FINDINGS // JOBS // 4
        for _ in range(4):
            for number in range(JOBS):
                self.server.ingest(f"j-{number}", [finding(rng) for _ in range(lot)])

    def most_in_a_minute(self, name, channel):
        """Messages, by when they were made: their way takes as long as the machine lets it."""
        rows = self.server.ask("GET", "/api/v1/notifications", channel=name, limit="100000")[1]
        made = {row["delivery"]: datetime.fromisoformat(row["timestamp"]).timestamp() for row in rows}
        self.assertLessEqual({message.delivery() for message in channel.received}, made.keys())
        return max(sum(0 <= other - one < 60 for other in made.values()) for one in made.values())

    def test_storm_is_a_few_messages_that_tell_of_every_job(self):
        self.start()
        self.storm(random.Random(int(os.environ.get("RANKSCOPE_SEED", 1))))
        jobs = {f"j-{number}" for number in range(JOBS)}

        def told_of():
            return {alert["labels"]["job"] for message in self.channel.received for alert in message.json()["alerts"]}
        wait_until(lambda: told_of() >= jobs, f"every job to be told, missing {jobs - told_of()}")

        def overflow():
            return [message.json() for message in self.pager.received if message.json()["dedup_key"].startswith("rankscope-overflow-")]
        wait_until(overflow, "the pager's overflow incident")
        self.assertEqual({event["dedup_key"] for event in overflow()}, {"rankscope-overflow-default"})
        for name, channel in (("hook", self.channel), ("pager", self.pager)):
            self.assertLessEqual(self.most_in_a_minute(name, channel), 15)
        rows = self.server.ask("GET", "/api/v1/incidents", limit="100000")[1]
        self.assertLessEqual(max(sum(1 for row in rows if row["job_id"] == job) for job in jobs), 64)
        self.assertEqual(sum(member["findings"] for row in rows if not row["superseded_by"] for member in row["members"]),
                         len(self.server.ask("GET", "/api/v1/findings", limit="100000")[1]))


if __name__ == "__main__":
    unittest.main()
